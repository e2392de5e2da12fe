"""When hours and days close, and in which run of the rollup.

The rollup runs at minute 5 of every UTC hour. A run is named by its `slot`, that hour: `2026-11-22T11`. An hour closes
five minutes after it has ended: what comes later is late. It is then recomputed from the log, and stays as it is until
something late comes for it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from tidemark.domain.hours import hour_seconds, hours_of_day

GRACE_SECONDS = 300
"""How long after its end an hour is open: for events on their way, and for the fold to take them in."""
HOUR_SECONDS = 3600
SLOT_LENGTH = len("2026-11-22T11")
EVERY_DAY = "days"
"""The period that is all days of a workspace: each is to be closed anew."""


def closes_at(hour: str) -> int:
    """Return when an hour closes, in Unix seconds."""
    return hour_seconds(hour) + HOUR_SECONDS + GRACE_SECONDS


def is_closed(hour: str, now_seconds: int) -> bool:
    """Answer whether an hour has closed."""
    return closes_at(hour) <= now_seconds


def day_closes_at(day: date, timezone: str) -> int:
    """Return when the last hour of a local day closes, in Unix seconds."""
    return closes_at(hours_of_day(day, timezone)[-1])


def slot_at(seconds: int) -> str:
    """Return the slot of the first run at or after an instant."""
    start = -(-(seconds - GRACE_SECONDS) // HOUR_SECONDS) * HOUR_SECONDS
    return datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%dT%H")


def run_seconds(slot: str) -> int:
    """Return when the run of a slot begins, in Unix seconds."""
    return hour_seconds(f"{slot}:00Z") + GRACE_SECONDS


def running_slot(seconds: int) -> str:
    """Return the slot of the last run at or before an instant."""
    return slot_at(seconds - HOUR_SECONDS + 1)


def slots(first: str, last: str) -> list[str]:
    """Return the slots from `first` to `last`, both included."""
    start, end = _instant(first), _instant(last)
    count = int((end - start) / timedelta(hours=1)) + 1
    return [(start + timedelta(hours=n)).strftime("%Y-%m-%dT%H") for n in range(count)]


def is_day(period: str) -> bool:
    """Answer whether a period is a day or every day, and not an hour."""
    return "T" not in period


def _instant(slot: str) -> datetime:
    return datetime.fromisoformat(f"{slot}:00:00+00:00")
