"""What a query over 30 days costs from cells against from the log, and how it grows with the number of events.

The events lie in the hours of the last 30 days, evenly, in chunks of 100, and were closed by the real rollup. The
handler is the real one, on moto in this process. Its time is CPU time without moto's, stretched to the share of a vCPU
that its memory brings, and what the requests would have waited for AWS (benchmarks/support/meter.py); its cost is all
that AWS bills. Each size has a workspace of its own, and all are asked in turns. From the log: the same query after
every cell was deleted, all its pages together.

Sizes may be given: `python -m benchmarks.query 10000 100000`.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import ceil
from urllib.parse import urlencode

from benchmarks.support import units
from benchmarks.support.metered import MeteredWorld, memory_mb, metered_world
from benchmarks.support.prices import total
from benchmarks.support.report import heading, result, table
from benchmarks.support.traffic import page_views
from tests.support.connections import Response
from tidemark.aws import clients
from tidemark.bootstrap import Container
from tidemark.domain.chunks import chunk_events
from tidemark.domain.closing import slot_at
from tidemark.domain.hours import hour_of

NOW = datetime(2026, 11, 18, 10, 59, tzinfo=UTC)
FIRST = datetime(2026, 10, 20, tzinfo=UTC)
"""30 local days with today; the events lie before 9:00, so that every hour of them has closed."""
END = datetime(2026, 11, 18, 9, tzinfo=UTC)
SIZES = (10**4, 10**6)
ROUNDS = 100
CHUNK_EVENTS = 100
RETENTION_SECONDS = 90 * 86_400
QUERY = {"dashboard": "web", "grain": "day", "from": "2026-10-20", "to": "2026-11-18"}
KINDS = {
    "cells, all measures": QUERY,
    "cells, page views": QUERY | {"measures": "pageviews"},
    "log, all measures": QUERY,
}
ALL, LOG = "cells, all measures", "log, all measures"


@dataclass(frozen=True, slots=True)
class Measured:
    """Queries at one size: `seconds` and `dollars` of a whole answer, `p99_seconds` of a page."""

    pages: int
    requests: int
    cpu_seconds: float
    seconds: float
    p99_seconds: float
    dollars: float
    sources: dict[str, int]


def main() -> None:
    """Measure every size and print."""
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    heading(f"The measures of web by day over 30 days: medians and p99 of {ROUNDS} queries; one pass from the log")
    found = measure(sizes)
    rows = [
        [
            f"{kind}, {size:,} events",
            one.pages,
            one.requests,
            one.cpu_seconds * 1000,
            one.seconds * 1000,
            one.p99_seconds * 1000,
            one.dollars * 1_000_000,
        ]
        for size, by_kind in found.items()
        for kind, one in by_kind.items()
    ]
    table(["from", "pages", "AWS requests", "CPU ms", "ms", "p99 ms", "$ a million"], rows)
    smallest, largest = found[min(found)], found[max(found)]
    cells, log = largest[ALL], largest[LOG]
    shares = {"time": cells.seconds / log.seconds, "cost": cells.dollars / log.dollars}
    growth = cells.seconds / smallest[ALL].seconds
    print("To reach at 10^6 events: 1 % of the time and of the cost from the log; p99 100 ms; growth from 10^4 1.2 x.")
    print(
        f"Measured at {max(found):,}: {shares['time']:.2%} of the time, {shares['cost']:.2%} of the cost, "
        f"p99 {cells.p99_seconds * 1000:.0f} ms, growth from {min(found):,} {growth:.2f} x.\n"
    )
    figures = {
        str(size): {
            kind: {
                "pages": one.pages,
                "requests": one.requests,
                "cpu_ms": round(one.cpu_seconds * 1000, 2),
                "ms": round(one.seconds * 1000, 1),
                "p99_ms": round(one.p99_seconds * 1000, 1),
                "dollars_a_million": round(one.dollars * 1_000_000, 3),
                "sources": one.sources,
            }
            for kind, one in by_kind.items()
        }
        for size, by_kind in found.items()
    }
    shown = {name: round(share, 5) for name, share in shares.items()}
    result("query", {"rounds": ROUNDS, "sizes": figures, "share_of_log": shown, "growth": round(growth, 3)})


def measure(sizes: Sequence[int]) -> dict[int, dict[str, Measured]]:
    """Return the queries over so many events, by size and kind."""
    kinds = [kind for kind in KINDS if kind != LOG]
    rounds: dict[tuple[int, str], list[Measured]] = {(size, kind): [] for size in sizes for kind in kinds}
    logs: dict[int, Measured] = {}
    with metered_world(dashboards=["web"]) as world:
        world.now = NOW
        for size in sizes:
            enter(world, size)
            world.settings()
            fill(world, size)
        for size in sizes:
            enter(world, size)
            answers(world, QUERY)  # imports, clients, settings
        for _ in range(ROUNDS):
            for (size, kind), found in rounds.items():
                enter(world, size)
                found.append(answers(world, KINDS[kind]))
        forget_cells(world)
        for size in sizes:
            enter(world, size)
            answers(world, QUERY)  # schedules the hours for the rollup, once
            logs[size] = from_log(world)
    return {size: {kind: from_cells(rounds[size, kind]) for kind in kinds} | {LOG: logs[size]} for size in sizes}


def enter(world: MeteredWorld, size: int) -> None:
    """Go to the workspace of that size."""
    world.workspace = f"events-{size}"


def from_log(world: MeteredWorld) -> Measured:
    """Return a query that is answered from the log."""
    log = answers(world, KINDS[LOG])
    if log.sources["day_cells"] or log.sources["hour_cells"]:
        raise RuntimeError(f"the query was not answered from the log: {log.sources}")
    return log


def from_cells(rounds: Sequence[Measured]) -> Measured:
    """Return the medians of a query that was answered from cells."""
    first = rounds[0]
    if not first.sources["day_cells"] or first.sources["log_hours"]:
        raise RuntimeError(f"the query was not answered from cells: {first.sources}")
    return Measured(
        first.pages,
        first.requests,
        statistics.median(one.cpu_seconds for one in rounds),
        statistics.median(one.seconds for one in rounds),
        sorted(one.seconds for one in rounds)[ceil(0.99 * len(rounds)) - 1],
        statistics.median(one.dollars for one in rounds),
        first.sources,
    )


def answers(world: MeteredWorld, query: dict[str, str]) -> Measured:
    """Ask for all pages of a query."""
    cpu: list[float] = []
    seconds: list[float] = []
    requests = 0
    sources: dict[str, int] = {}
    cursor: dict[str, str] = {}
    with world.metering() as use:
        while True:
            body = ask(world, query | cursor).json()
            if world.last is None:
                raise RuntimeError("the query invoked no handler")
            cpu.append(world.last.computing_seconds)
            waiting = world.last.waiting_seconds
            seconds.append(units.billed_seconds(cpu[-1], waiting, memory_mb("http_api")))
            requests += sum(world.last.calls.values())
            if body["freshness"]["left_out_hours"]:
                raise RuntimeError(f"the query was not answered in full: {body['freshness']}")
            sources = {name: sources.get(name, 0) + number for name, number in body["sources"].items()}
            if "next_cursor" not in body:
                return Measured(len(cpu), requests, sum(cpu), sum(seconds), max(seconds), total(use), sources)
            cursor = {"cursor": body["next_cursor"]}


def ask(world: MeteredWorld, query: dict[str, str]) -> Response:
    """Ask for a page of a query."""
    answer = world.http(
        "GET",
        f"/v1/workspaces/{world.workspace}/metrics",
        query=urlencode(query),
        headers={"authorization": f"Bearer {world.token()}"},
    )
    if answer.status != 200:
        raise RuntimeError(f"the query was answered {answer.status}: {answer.body[:500]}")
    return answer


def fill(world: MeteredWorld, size: int) -> None:
    """Store so many events in the log, hour by hour, and close every hour and day as the rollup does."""
    container = Container()
    slot = slot_at(int(NOW.timestamp()))
    hours = int((END - FIRST) / timedelta(hours=1))
    left = size
    for number in range(hours):
        start = FIRST + timedelta(hours=number)
        hour, share = hour_of(start, "UTC"), left // (hours - number)
        left -= share
        for events in requests_of(start, share):
            for chunk in chunk_events(world.workspace, events, timezone="UTC", shards_at=lambda _: 1):
                container.event_log.put(chunk, NOW, int(NOW.timestamp()) + RETENTION_SECONDS)
        container.agenda.note(world.workspace, hour, 0)
        container.rollup(container.agenda.schedule(world.workspace, hour, slot), NOW)


def requests_of(start: datetime, number: int) -> Iterator[Sequence[dict[str, object]]]:
    """Yield an hour's events, spread over it, as requests of 100 bring them."""
    stream = islice(page_views(start, max(number, 1) / 3600, seed=int(start.timestamp())), number)
    while events := list(islice(stream, CHUNK_EVENTS)):
        yield events


def forget_cells(world: MeteredWorld) -> None:
    """Delete every cell of every workspace."""
    for pk in world.stack.partitions("CellsTable"):
        for item in world.stack.items("CellsTable", pk):
            clients.dynamodb().delete_item(TableName="CellsTable", Key={"pk": {"S": pk}, "sk": {"S": item["sk"]}})


if __name__ == "__main__":
    main()
