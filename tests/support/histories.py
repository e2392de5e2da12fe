"""Random histories of page views and meetings: out of order, late, a little ahead, repeated, and in part odd."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from tests.support.strategies import event
from tidemark.domain.events import format_timestamp

Event = dict[str, Any]


def batches(seed: int, now: datetime, days: int, number: int) -> list[list[Event]]:
    """Return `number` different events of some days up to `now`, in batches, with repetitions in them and across them.

    An id may also come again in another hour, where it counts again. An event with the same id in the same hour is
    always the same event.
    """
    chance = random.Random(seed)
    events = [_event(chance, f"{seed:x}-{n}", _instant(chance, now, days)) for n in range(number)]
    moved = [
        found | {"timestamp": format_timestamp(datetime.fromisoformat(found["timestamp"]) - timedelta(hours=5))}
        for found in chance.sample(events, number // 20)
    ]
    everything = events + moved
    everything += chance.choices(everything, k=number // 4)
    chance.shuffle(everything)
    cuts = sorted(chance.sample(range(len(everything) + 1), min(len(everything), chance.randint(1, 12))))
    return [everything[start:end] for start, end in zip([0, *cuts], [*cuts, len(everything)], strict=True)]


def _instant(chance: random.Random, now: datetime, days: int) -> datetime:
    """Return a time that is mostly of the last hours, at times just ahead, or before the days asked for."""
    back = chance.choice([chance.uniform(-0.7, 3), chance.uniform(0, 60), chance.uniform(0, 24 * (days + 2))])
    return now - timedelta(hours=back)


def _event(chance: random.Random, event_id: str, instant: datetime) -> Event:
    make = chance.choice([_page, _page, _page, _meeting, _task, _other])
    return make(chance, event_id, format_timestamp(instant))


def _page(chance: random.Random, event_id: str, timestamp: str) -> Event:
    fields: dict[str, Any] = {
        "anonymous_id": f"v{min(int(chance.paretovariate(0.7)), 80)}",
        "path": f"/{min(int(chance.paretovariate(0.8)), 30)}",
        "status": chance.choice([200, 200, 200, 304, 404, 500, "404", None]),
        "bytes": chance.choice([chance.randint(0, 10**7), 0, 12.5, 10**12, "100", None, True]),
        "referrer": chance.choice(["https://example.org/", "https://ümläut.example/", "", None, "…"]),
        "method": chance.choice(["GET", "GET", "POST"]),
    }
    for name in chance.sample(sorted(fields), chance.choice([0, 0, 1, 2])):
        del fields[name]
    return event(event_id, timestamp, "page", **fields)


def _meeting(chance: random.Random, event_id: str, timestamp: str) -> Event:
    fields: dict[str, Any] = {
        "user_id": f"u{chance.randint(1, 15)}",
        "title": f"Meeting {chance.randint(1, 1000)}",
        "duration_minutes": chance.choice([chance.randint(1, 200), chance.randint(1, 20000) / 100]),
        "hours_saved": chance.randint(-100, 900) / 100,
        "participants": chance.randint(1, 12),
    }
    for name in chance.sample(sorted(fields), chance.choice([0, 0, 1])):
        del fields[name]
    return event(event_id, timestamp, "meeting_completed", **fields)


def _task(chance: random.Random, event_id: str, timestamp: str) -> Event:
    fields: Event = chance.choice([{}, {"priority": "high"}, {"priority": "medium"}, {"priority": ""}, {"priority": 1}])
    return event(event_id, timestamp, chance.choice(["task_created", "task_completed"]), **fields)


def _other(chance: random.Random, event_id: str, timestamp: str) -> Event:
    return event(event_id, timestamp, chance.choice(["screen", "identify"]), path="/1", status=404, bytes=1)
