"""The circuit breaker around an analysis provider, which all workers share: what it lets through, and how it changes.

::

            5 failures in a row                 until is over: one probe
    CLOSED ─────────────────────► OPEN ─────────────────────────────────► HALF_OPEN
       ▲                            ▲                                        │   │
       │                            └───────────── the probe fails ──────────┘   │
       └────────────────────────────────────────── the probe succeeds ───────────┘

Pure: each function returns the breaker as it is then, the very same one if nothing changes. Only failures of the
provider count; what was begun before it opened, and ends later, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

FAILURES_TO_OPEN = 5
PROBE_SECONDS = 120
"""How long the probe has. If nothing is heard of it by then its worker has died, and another one is let through."""


class BreakerState(StrEnum):
    """CLOSED lets everything through, OPEN nothing, HALF_OPEN one probe."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


@dataclass(frozen=True, slots=True)
class Breaker:
    """A breaker as it stands.

    Parameters
    ----------
    failures
        In a row, while CLOSED; those that opened it, since.
    opened_at, until
        When it opened, and when the next probe may go (Unix seconds). `opened_at` is 0 while CLOSED, and so is `until`,
        unless it was closed by hand: then jobs may wait for that time which nothing holds any more.
    probe
        Who is the probe, while HALF_OPEN; empty if it was given back.
    version
        Of what is stored; 0 if nothing is.
    """

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    opened_at: int = 0
    until: int = 0
    probe: str = ""
    version: int = 0


def admit(breaker: Breaker, token: str, now_seconds: int) -> tuple[Breaker, bool]:
    """Answer whether a call may be made now by the holder of `token`, who is the probe if the breaker changes by it."""
    if breaker.state is BreakerState.CLOSED:
        return breaker, True
    if now_seconds < breaker.until:
        return breaker, False
    probed = replace(breaker, state=BreakerState.HALF_OPEN, probe=token, until=now_seconds + PROBE_SECONDS)
    return probed, True


def succeeded(breaker: Breaker, token: str) -> Breaker:
    """Take in that the call of `token` was answered well."""
    if breaker.state is BreakerState.CLOSED:
        return replace(breaker, failures=0) if breaker.failures else breaker
    return Breaker(version=breaker.version) if _is_probe(breaker, token) else breaker


def failed(breaker: Breaker, token: str, now_seconds: int, open_seconds: int) -> Breaker:
    """Take in that the call of `token` failed by the provider's fault; open if it was one too many."""
    if breaker.state is BreakerState.CLOSED:
        counted = replace(breaker, failures=breaker.failures + 1)
        return trip(counted, now_seconds, open_seconds) if counted.failures >= FAILURES_TO_OPEN else counted
    return trip(breaker, now_seconds, open_seconds) if _is_probe(breaker, token) else breaker


def given_back(breaker: Breaker, token: str, now_seconds: int) -> Breaker:
    """Take in that the holder of `token` made no call: if it was the probe, the next one may be at once."""
    return replace(breaker, probe="", until=now_seconds) if _is_probe(breaker, token) else breaker


def trip(breaker: Breaker, now_seconds: int, open_seconds: int) -> Breaker:
    """Open it for `open_seconds`. While it goes from probe to failing probe, `opened_at` stays."""
    since = breaker.opened_at if breaker.state is BreakerState.HALF_OPEN else now_seconds
    return replace(breaker, state=BreakerState.OPEN, opened_at=since, until=now_seconds + open_seconds, probe="")


def reset(breaker: Breaker) -> Breaker:
    """Close it by hand, and keep until when it has sent callers away."""
    return Breaker(until=breaker.until, version=breaker.version)


def _is_probe(breaker: Breaker, token: str) -> bool:
    return breaker.state is BreakerState.HALF_OPEN and breaker.probe == token
