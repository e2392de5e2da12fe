"""What a million events cost, all charges together: every AWS request of the real handlers, counted, sized and priced.

The scenario is a busy site: 100 page views a second, so that an hour holds 360,000, with 30 days of equally busy hours
before it and one viewer who watches `web` over 30 days. The cost of a request grows while an hour's cell fills: it is
measured in the middle of each third of the hour and averaged. Once an hour the window moves on, and once an hour a
worker is taken to start anew; both are measured and shared out over the hour's events. README.md says what is assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from benchmarks.support.history import HOUR_EVENTS, PER_SECOND, fill_history, fill_hour
from benchmarks.support.metered import MeteredWorld, metered_world
from benchmarks.support.prices import CHECKED, MILLION, Use, add, dollars, total
from benchmarks.support.report import heading, result, table
from benchmarks.support.traffic import Event, batches, page_views
from benchmarks.support.viewers import Sessions, thousand_viewer_hours
from tests.support.clients import Viewer

START = datetime(2026, 11, 18, 10, tzinfo=UTC)
SIZES = (1, 20, 100)
LEVELS = (1 / 6, 3 / 6, 5 / 6)
REQUESTS = 60
"""Measured for each size at each level, without a window."""
WINDOWS = 8
"""The same with one: batches of all that came within a second."""
TARGET = 0.25
VIEW = {"dashboard": "web", "days": 30}


def main() -> None:
    """Measure and print."""
    heading(f"Cost: dollars per million events at the list prices of us-east-1, {CHECKED}")
    at_once: dict[int, Use] = {size: {} for size in SIZES}
    gathered: dict[int, Use] = {size: {} for size in SIZES}
    with metered_world() as world:
        world.now = START
        fill_history(world, START)
        viewer = Viewer(world, VIEW)
        sessions = Sessions.measure(world, viewer)
        events = page_views(START, PER_SECOND)
        warm_up(world, events)
        for level in LEVELS:
            fill_hour(world, events, START, round(level * HOUR_EVENTS))
            for size in SIZES:
                add(at_once[size], per_million(at_each_request(world, events, size), REQUESTS * size), 1 / len(LEVELS))
                used = per_million(each_second(world, events, size), WINDOWS * PER_SECOND)
                add(gathered[size], used, 1 / len(LEVELS))
        hourly = each_hour(world, events)
        viewer_hours = thousand_viewer_hours(world, viewer, sessions, events)
    shared = per_million(hourly, HOUR_EVENTS)
    add(shared, per_million(sessions.hour(), HOUR_EVENTS))
    for use in (*at_once.values(), *gathered.values()):
        add(use, shared)
    show(at_once, gathered, viewer_hours, sessions.thousand_idle_hours())


def warm_up(world: MeteredWorld, events: Iterator[Event]) -> None:
    """Have every function of the flow started, its modules imported and its clients made."""
    for batch in islice(batches(events, 10), 3):
        send(world, batch)
        world.deliver()


def at_each_request(world: MeteredWorld, events: Iterator[Event], size: int) -> Use:
    """Return the use of requests of `size` events, each folded and pushed by itself: the worst case."""
    with world.metering() as use:
        for batch in islice(batches(events, size), REQUESTS):
            send(world, batch)
            world.deliver()
    return use


def each_second(world: MeteredWorld, events: Iterator[Event], size: int) -> Use:
    """Return the use of requests of `size` events, folded together once a second (FreshnessSeconds=1)."""
    with world.metering() as use:
        for _ in range(WINDOWS):
            for batch in islice(batches(events, size), PER_SECOND // size):
                send(world, batch)
            world.deliver()
    return use


def each_hour(world: MeteredWorld, events: Iterator[Event]) -> Use:
    """Return what an hour uses once: a new worker that reads the ledger and the window, and the window moving on."""
    with world.metering() as use:
        world.restart("stream_fold")
        send(world, next(batches(events, 1)))
        world.deliver()
        world.now += timedelta(hours=1)
        moved = next(batches(events, 1))
        send(world, [{**moved[0], "timestamp": world.now.isoformat()}])
        world.deliver()
    return use


def send(world: MeteredWorld, batch: list[Event]) -> None:
    """Send one request at the time of its last event."""
    world.now = max(world.now, datetime.fromisoformat(batch[-1]["timestamp"]))
    world.post_events(batch)


def per_million(use: Mapping[tuple[str, str], float], events: int) -> Use:
    """Return the use of a million events from that of some."""
    return {key: quantity * MILLION / events for key, quantity in use.items()}


def show(at_once: Mapping[int, Use], gathered: Mapping[int, Use], viewer_hours: Use, idle_hours: Use) -> None:
    """Print the ledger, the totals, the viewers and the line of JSON."""
    columns = [f"{size} a request" for size in SIZES]
    keys = sorted({key for use in at_once.values() for key in use})
    priced = {size: dollars(use) for size, use in at_once.items()}
    print("By service, each request folded and pushed at once (the worst case), $ per million events:")
    lines = sorted({line for line, _ in keys})
    by_line = {size: {line: _of_line(priced[size], line) for line in lines} for size in SIZES}
    table(["service", *columns], [[line, *(by_line[size][line] for size in SIZES)] for line in lines])
    print("The same by table, function and direction, where it is at least $0.0005 at 100 a request:")
    shown = [key for key in keys if priced[SIZES[-1]].get(key, 0) >= 0.0005]
    table(["what", *columns], [[": ".join(key), *(priced[size].get(key, 0.0) for size in SIZES)] for key in shown])
    totals = {size: total(use) for size, use in at_once.items()}
    windowed = {size: total(use) for size, use in gathered.items()}
    stored = {size: _of_line(priced[size], "DynamoDB storage", "DynamoDB backup") for size in SIZES}
    print("All charges together, $ per million events:")
    table(
        ["", *columns],
        [
            ["folded at each request", *totals.values()],
            ["of which storage for 30 days", *stored.values()],
            ["folded once a second", *windowed.values()],
        ],
    )
    print("1,000 viewer-hours with a delta a second:")
    table(["what", "$"], [*([": ".join(k), v] for k, v in sorted(dollars(viewer_hours).items()) if v >= 0.0005)])
    print(f"All together ${total(viewer_hours):.2f}. Without any event ${total(idle_hours):.2f}.\n")
    print(f"To reach: at most ${TARGET} at 100 events a request. Measured: ${totals[100]:.3f}.\n")
    figures: dict[str, Any] = {
        "dollars_per_million": {str(size): round(totals[size], 4) for size in SIZES},
        "dollars_per_million_folded_each_second": {str(size): round(windowed[size], 4) for size in SIZES},
        "of_which_storage_30_days": {str(size): round(stored[size], 4) for size in SIZES},
        "dollars_per_million_by_service": {
            str(size): {line: round(value, 5) for line, value in by_line[size].items()} for size in SIZES
        },
        "dollars_per_1000_viewer_hours": round(total(viewer_hours), 3),
        "dollars_per_1000_idle_viewer_hours": round(total(idle_hours), 3),
        "prices_checked": CHECKED,
    }
    result("cost", figures)


def _of_line(priced: Mapping[tuple[str, str], float], *lines: str) -> float:
    return sum(value for (line, _), value in priced.items() if line in lines)


if __name__ == "__main__":
    main()
