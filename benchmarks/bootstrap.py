"""What a bootstrap costs by how much is stored: AWS requests, time and bytes at 10^3, 10^5 and 10^6 events.

The events lie in the 720 hours of the last 30 days, evenly, and were folded by the compiled fold. The handler is the
real one, on moto in this process; its time is CPU time without moto's: what we compute, not what AWS takes to answer.
"warm" finds a head that the fold keeps up, because someone watches; "cold" renders the view from its window's cells;
"reconnecting" is warm, for a client that has all sections already.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from benchmarks.support.history import HISTORY_HOURS, write_cell
from benchmarks.support.metered import MeteredWorld, metered_world
from benchmarks.support.report import heading, result, table
from benchmarks.support.traffic import page_views
from tests.support.clients import Client, Viewer, checksum
from tidemark.domain.cells import compact
from tidemark.domain.definitions import shipped
from tidemark.domain.fold import Fold
from tidemark.domain.hours import hour_of
from tidemark.services.ports import Workspace

NOW = datetime(2026, 11, 18, 10, 59, tzinfo=UTC)
SIZES = (10**3, 10**5, 10**6)
ROUNDS = 9
VIEW = {"dashboard": "web", "days": 30}
MAX_KNOWN_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """One kind of bootstrap at one size."""

    requests: int
    milliseconds: float
    bytes_sent: int


def main() -> None:
    """Measure every size and print."""
    heading(f"Bootstrap of web over 30 days: medians of {ROUNDS}")
    found = {size: measure(size) for size in SIZES}
    rows = [
        [f"{kind}, {size:,} events", measured.requests, measured.milliseconds, measured.bytes_sent]
        for kind in ("warm", "cold", "reconnecting")
        for size, by_kind in found.items()
        for measured in [by_kind[kind]]
    ]
    table(["bootstrap", "AWS reads and writes", "CPU ms", "bytes to the client"], rows)
    same = all(len({by_kind[kind].requests for by_kind in found.values()}) == 1 for kind in ("warm", "cold"))
    known = max(by_kind["reconnecting"].bytes_sent for by_kind in found.values())
    print(f"To reach: the same number of AWS requests at every size; reconnecting, {MAX_KNOWN_BYTES} bytes at most.")
    print(f"Measured: {'the same' if same else 'DIFFERENT'}; {known} bytes.\n")
    figures = {
        kind: {
            str(size): {
                "requests": by_kind[kind].requests,
                "ms": round(by_kind[kind].milliseconds, 2),
                "bytes": by_kind[kind].bytes_sent,
            }
            for size, by_kind in found.items()
        }
        for kind in ("warm", "cold", "reconnecting")
    }
    result("bootstrap", {"rounds": ROUNDS, "same_requests": same, **figures})


def measure(size: int) -> dict[str, Measured]:
    """Return the bootstraps of a workspace with so many events."""
    with metered_world() as world:
        world.now = NOW
        fill(world, size)
        visitor = Viewer(world, VIEW)
        visitor.connect()
        bootstrapped(world, visitor)  # imports, clients, settings, and the first head
        cold = [bootstrapped(world, visitor) for _ in range(ROUNDS)]
        watching = Viewer(world, VIEW)
        watching.follow()
        warm = [bootstrapped(world, visitor) for _ in range(ROUNDS)]
        have = {name: checksum(data) for name, data in watching.sections.items()}
        known = [bootstrapped(world, visitor, have) for _ in range(ROUNDS)]
    return {"cold": median(cold), "warm": median(warm), "reconnecting": median(known)}


def bootstrapped(world: MeteredWorld, client: Client, have: Mapping[str, str] | None = None) -> Measured:
    """Return one bootstrap of a client that has `have`."""
    with world.metering() as use:
        client.request("bootstrap", "snapshot", view=VIEW, have=have or {})
    if world.last is None or world.last.handler != "ws_bootstrap":
        raise RuntimeError("the bootstrap was not answered by its handler")
    calls = world.last.calls
    requests = calls.total() - calls["PostToConnection"]
    return Measured(requests, world.last.computing_seconds * 1000, int(use["Transfer out", "messages"]))


def median(found: Sequence[Measured]) -> Measured:
    """Return the median time, and the most that any of them asked for or sent."""
    return Measured(
        max(measured.requests for measured in found),
        statistics.median(measured.milliseconds for measured in found),
        max(measured.bytes_sent for measured in found),
    )


def fill(world: MeteredWorld, size: int) -> None:
    """Store the cells of `size` events, the same number an hour; the first hours have one more."""
    fold = Fold(shipped()[name] for name in Workspace("").dashboards)
    newest = NOW.replace(minute=0)
    for n in range(HISTORY_HOURS):
        start = newest - timedelta(hours=n)
        number = size // HISTORY_HOURS + (n < size % HISTORY_HOURS)
        if number:
            events = page_views(start, per_second=1, seed=n)
            write_cell(world.workspace, hour_of(start, "UTC"), compact(fold(list(islice(events, number)))))


if __name__ == "__main__":
    main()
