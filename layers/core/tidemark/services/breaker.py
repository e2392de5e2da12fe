"""The circuit breaker of a provider, shared by all workers: each reads it before a call, and writes what it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tidemark.domain import breaker as rules
from tidemark.domain.breaker import Breaker, BreakerState
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.services.contention import attempts
from tidemark.services.job_ports import BreakerStore

WHILE_PROBED_SECONDS = 30
"""After so long those who wait look whether the probe has come back."""


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """A breaker that went from one state to another, at which version."""

    provider: str
    before: BreakerState
    after: BreakerState
    version: int
    failures: int


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a call may be made; `seen` is the breaker as it was then."""

    let_through: bool
    seen: Breaker

    def ask_again_at(self, now_seconds: int) -> int:
        """Return when to ask again (Unix seconds): once it may be half open, or, if a probe is out, in a while."""
        if self.seen.state is BreakerState.OPEN:
            return self.seen.until
        return min(self.seen.until, now_seconds + WHILE_PROBED_SECONDS)


class CircuitBreaker:
    """The breaker of one provider.

    Parameters
    ----------
    open_seconds
        How long it stays open before it lets a probe through.
    on_change
        Is told of every change of state that was stored by this one.
    """

    def __init__(
        self, store: BreakerStore, provider: str, open_seconds: int, on_change: Callable[[BreakerChange], None]
    ) -> None:
        self._store = store
        self._provider = provider
        self._open_seconds = open_seconds
        self._on_change = on_change

    def read(self) -> Breaker:
        """Return the breaker as it stands."""
        return self._store.read(self._provider)

    def admit(self, token: str, now_seconds: int) -> Admission:
        """Ask for a call; `token` names it in what follows, and must be new."""
        let_through = False

        def ask(seen: Breaker) -> Breaker:
            nonlocal let_through
            asked, let_through = rules.admit(seen, token, now_seconds)
            return asked

        stands = self._step(ask, token)
        return Admission(let_through, stands)

    def succeeded(self, token: str, seen: Breaker) -> None:
        """Take in that the call was answered well; costs nothing if that changes nothing of what was `seen`."""
        self._step(lambda breaker: rules.succeeded(breaker, token), f"{token}+", seen)

    def failed(self, token: str, now_seconds: int, seen: Breaker) -> None:
        """Take in that the call failed by the provider's fault."""
        self._step(lambda breaker: rules.failed(breaker, token, now_seconds, self._open_seconds), f"{token}-", seen)

    def give_back(self, token: str, now_seconds: int, seen: Breaker) -> None:
        """Take in that the call was not made, so that another one may be the probe."""
        self._step(lambda breaker: rules.given_back(breaker, token, now_seconds), f"{token}=", seen)

    def trip(self, token: str, now_seconds: int) -> Breaker:
        """Open it by hand, for as long as failures would."""
        return self._step(lambda breaker: rules.trip(breaker, now_seconds, self._open_seconds), token)

    def reset(self, token: str) -> Breaker:
        """Close it by hand."""
        return self._step(rules.reset, token)

    def _step(self, change: Callable[[Breaker], Breaker], writer: str, seen: Breaker | None = None) -> Breaker:
        """Store what `change` makes of the breaker as it stands, and return that; `seen` is a first guess at it."""
        for _ in attempts():
            before = seen or self.read()
            after = change(before)
            if after == before:
                return before
            try:
                stored = self._store.write(self._provider, after, writer)
            except Conflict:
                seen = None
                continue
            if stored.state is not before.state:
                self._on_change(
                    BreakerChange(self._provider, before.state, stored.state, stored.version, after.failures)
                )
            return stored
        raise Unavailable("the breaker is being changed by many at once; try again")
