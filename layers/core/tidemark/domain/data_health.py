"""Health of the data: whether the rollup keeps up, and which hours are compared with which."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tidemark.domain.closing import is_closed, run_seconds, running_slot
from tidemark.domain.health import State
from tidemark.domain.hours import hour_of, hour_seconds

START_SECONDS = 300
"""How late a run may begin: EventBridge keeps its minute, and a function that failed is tried twice more."""
DOWN_RUNS = 2
"""So many missed runs in a row are no accident any more; the alarm for missed runs rings then too."""

USABLE = frozenset({"ACTIVE", "UPDATING"})
"""In these states DynamoDB reads and writes a table; an update does not interrupt it."""

_QUARTER = timedelta(minutes=15)
_WEEK = timedelta(days=7)


def lag_seconds(slot: str, now_seconds: int) -> int:
    """Return how long ago the run of a slot was due: 0 to 3,600 while every run comes."""
    return now_seconds - run_seconds(slot)


def rollup_state(last_slot: str | None, oldest_due: str | None, now_seconds: int) -> State:
    """Return how the rollup does by its last run and the oldest slot in which something is still due.

    It is `degraded` if a run was missed, or periods that an earlier run queued are still not closed; `down` if two runs
    were missed; `unknown` before the first run.
    """
    if last_slot is None:
        return "unknown"
    expected = running_slot(now_seconds - START_SECONDS)
    missed = (run_seconds(expected) - run_seconds(last_slot)) // 3600
    if missed >= DOWN_RUNS:
        return "down"
    left_over = oldest_due is not None and oldest_due < expected
    return "degraded" if missed > 0 or left_over else "ok"


def closed_hours(now: datetime, timezone: str, count: int) -> list[str]:
    """Return the last `count` hours that have closed, oldest first."""
    hours: dict[str, None] = {}
    instant = now
    while len(hours) < count:
        hour = hour_of(instant, timezone)
        if is_closed(hour, int(now.timestamp())):
            hours[hour] = None
        instant -= _QUARTER
    return sorted(hours)


def week_before(hour: str, timezone: str) -> str:
    """Return the hour of the same local time seven days before, also across a change of the offset."""
    local = datetime.fromtimestamp(hour_seconds(hour), UTC).astimezone(ZoneInfo(timezone))
    return hour_of((local - _WEEK).astimezone(UTC), timezone)


def worst(states: Iterable[State]) -> State:
    """Return the worst of some states; what is unknown is worse than `ok`."""
    found = set(states)
    order: tuple[State, ...] = ("down", "degraded", "unknown")
    return next((state for state in order if state in found), "ok")
