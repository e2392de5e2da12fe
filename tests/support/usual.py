"""Hours of a small site: the same every week but for chance, so that what a test changes is all that is odd."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tidemark.domain.definitions import Dashboard, load, shipped
from tidemark.domain.fold import Fold
from tidemark.domain.hour_grid import PastHour, hours_before, known_hours
from tidemark.domain.hours import hour_seconds
from tidemark.domain.usual import Usual, usual_of
from tidemark.services.analysis_ports import BatchContext

Event = dict[str, Any]
Change = Callable[[Event, random.Random], None]

HOUR = "2026-11-16T10:00Z"
PEOPLE = load(
    """
name: people
measures:
  duration: {kind: mean, unit: milliseconds, better: lower, events: [page], field: properties.ms}
  p90: {kind: percentile, percentile: 90, unit: milliseconds, better: lower, events: [page], field: properties.ms}
  top_users: {kind: top, events: [page], field: user_id}
  top_mails: {kind: top, events: [page], field: properties.mail}
  top_plans: {kind: top, public: true, events: [page], field: properties.plan}
  last_plan: {kind: last, events: [page], field: properties.mail}
kpis: [duration]
""",
    "people.yaml",
)
DASHBOARDS: tuple[Dashboard, ...] = (shipped()["web"], PEOPLE)
FOLD = Fold(DASHBOARDS)


def unchanged(event: Event, rng: random.Random) -> None:
    """Leave an event as it is."""


def page_views(hour: str, number: int, change: Change = unchanged, seed: int = 0) -> list[Event]:
    """Return so many page views of an hour, evenly spread: 40 % each of two pages, 2 % errors."""
    rng = random.Random(f"{hour} {seed}")
    start = datetime.fromtimestamp(hour_seconds(hour), UTC)
    events: list[Event] = []
    for place in range(number):
        user = rng.randrange(50)
        properties = {
            "path": rng.choices(["/", "/docs", "/prices"], [40, 40, 20])[0],
            "status": 500 if rng.random() < 0.02 else 200,
            "bytes": rng.randrange(500, 1500),
            "ms": rng.lognormvariate(5, 0.5),
            "plan": rng.choice(["free", "paid", f"of user-{user:05d}@example.com"]),
            "mail": f"user-{user:05d}@example.com",
        }
        moment = start + timedelta(seconds=3600 * (place + 0.5) / number)
        event: Event = {
            "event_id": f"{hour}-{seed}-{place}",
            "type": "page",
            "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "anonymous_id": f"anonymous-{user:05d}",
            "user_id": f"user-{user:05d}",
            "properties": properties,
        }
        change(event, rng)
        events.append(event)
    return events


def history(numbers: Mapping[tuple[int, int], int] | int = 200, weeks: int = 6) -> dict[str, PastHour]:
    """Return the hours before `HOUR`, of about so many page views each, by name."""
    past: dict[str, PastHour] = {}
    for place, name in hours_before(HOUR, "UTC").items():
        number = numbers if isinstance(numbers, int) else numbers[place]
        if place[1] <= weeks:
            stray = random.Random(name).gauss(0, number**0.5)
            past[name] = PastHour(FOLD(page_views(name, round(number + stray))), FOLD.covers)
    return past


def usual(past: Mapping[str, PastHour] | None = None) -> Usual:
    """Return what is usual in `HOUR`."""
    return usual_of(DASHBOARDS, known_hours(hours_before(HOUR, "UTC"), history() if past is None else past))


def context(
    number: int = 200,
    change: Change = unchanged,
    known: Usual | None = None,
    elapsed: float | None = 1.0,
    seed: int = 1,
) -> BatchContext:
    """Return the last hundred of so many page views of `HOUR`, as a batch."""
    events = page_views(HOUR, number, change, seed)
    batch = events[-100:]
    return BatchContext(
        "acme",
        f"{HOUR}.00.000001",
        "UTC",
        HOUR,
        batch,
        DASHBOARDS,
        FOLD(batch),
        FOLD(events),
        elapsed,
        known or usual(),
    )
