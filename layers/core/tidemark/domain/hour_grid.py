"""Which earlier hours say what is usual in an hour: itself and the few before it, today and in the weeks before.

The same hour of the same weekday says how much there should be. Those just before it say how much hours deviate from
what they usually are, since six values alone would not, and whether the weeks rise or fall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tidemark.domain.cells import Cell
from tidemark.domain.hours import hour_of, hour_seconds

WEEKS = 6
COLUMNS = 6
"""The hour itself and the five before it. With six weeks that is 41 cells, within one request of 100 keys, also in two
shards."""

Place = tuple[int, int]
"""(hours before the hour, weeks before its week)"""


@dataclass(frozen=True, slots=True)
class PastHour:
    """What an hour held; `covers` names the measures of which it has every event (hashes of their identities)."""

    cell: Cell
    covers: frozenset[str]


@lru_cache(maxsize=256)
def hours_before(hour: str, timezone: str) -> Mapping[Place, str]:
    """Return the earlier hours by their places; a week before is the same hour by the clock of `timezone`."""
    places: dict[Place, str] = {}
    for column in range(COLUMNS):
        # Half past, so that a clock that was changed by an hour in between still shows the right one.
        middle = datetime.fromtimestamp(hour_seconds(hour), UTC) - timedelta(hours=column) + timedelta(minutes=30)
        local = middle.astimezone(ZoneInfo(timezone))
        for week in range(WEEKS + 1):
            if (column, week) != (0, 0):
                places[column, week] = hour_of(local - timedelta(weeks=week), timezone)
    return places


def known_hours(places: Mapping[Place, str], found: Mapping[str, PastHour]) -> dict[Place, PastHour | None]:
    """Return what the hours held by place; None where an hour had no events.

    Hours before the first that is known are left out: the workspace may not have been there yet.
    """
    first = min((hour for hour in places.values() if hour in found), default=None)
    if first is None:
        return {}
    return {place: found.get(hour) for place, hour in places.items() if hour >= first}
