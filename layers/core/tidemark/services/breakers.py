"""The circuit breakers of all providers, as operators see and move them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidemark.domain.breaker import Breaker
from tidemark.domain.errors import NotFound
from tidemark.services.analysis_events import of_breaker
from tidemark.services.breaker import BreakerChange, CircuitBreaker
from tidemark.services.job_ports import BreakerStore
from tidemark.services.operations import SystemEvents


@dataclass(frozen=True, slots=True)
class Moved:
    """A breaker after an action, and whether it was this that changed its state."""

    provider: str
    changed: bool
    breaker: Breaker


class Breakers:
    """The breakers of `providers`; that of the first one, which is in use, is meant where none is named.

    Parameters
    ----------
    open_seconds
        How long one that is opened stays so before it lets a probe through.
    """

    def __init__(self, store: BreakerStore, providers: Sequence[str], open_seconds: int, events: SystemEvents) -> None:
        self._store = store
        self._providers = tuple(providers)
        self._open_seconds = open_seconds
        self._events = events

    def read(self) -> dict[str, Breaker]:
        """Return all of them as they stand."""
        return {provider: self._store.read(provider) for provider in self._providers}

    def trip(self, provider: str | None, token: str, now: datetime) -> Moved:
        """Open one, for as long as failures would; raises `NotFound` (code `unknown_provider`)."""
        return self._move(provider, now, lambda breaker: breaker.trip(token, int(now.timestamp())))

    def reset(self, provider: str | None, token: str, now: datetime) -> Moved:
        """Close one; raises `NotFound` (code `unknown_provider`)."""
        return self._move(provider, now, lambda breaker: breaker.reset(token))

    def _move(self, provider: str | None, now: datetime, move: Callable[[CircuitBreaker], Breaker]) -> Moved:
        name = self._providers[0] if provider is None else provider
        if name not in self._providers:
            known = ", ".join(self._providers)
            raise NotFound(f"the providers are {known}", code="unknown_provider", field="provider")
        changes: list[BreakerChange] = []
        after = move(CircuitBreaker(self._store, name, self._open_seconds, changes.append))
        self._events(of_breaker(changes), now)
        return Moved(name, bool(changes), after)
