"""Local hours and days.

An hour is the local hour of a workspace's timezone, named by the UTC instant at which it starts: `2026-11-22T10:00Z`.
In a zone with half hours it starts at :30. Across a change of offset an instant belongs to the hour that its own
offset gives, so that a change within an hour (Lord Howe moves by 30 minutes) splits it into two hours with different
names. A name may then lie before the first instant of its hour; it is a name, and unique. (A change by whole hours in
the middle of an hour leaves both parts under one name. The last that crossed midnight was Newfoundland's of 2010, at
00:01: that minute counts on the day before.)
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_QUARTER = timedelta(minutes=15)
"""Every offset in force since 1972 is a multiple of this (tz database), so no hour starts elsewhere."""


def hour_of(instant: datetime, timezone: str) -> str:
    """Return the hour of an aware `instant` in the zone named `timezone`."""
    return _name(_start(instant.astimezone(ZoneInfo(timezone))))


def hour_seconds(hour: str) -> int:
    """Return the start of an hour, in Unix seconds."""
    return int(datetime.fromisoformat(hour.removesuffix("Z")).replace(tzinfo=UTC).timestamp())


@lru_cache(maxsize=4096)
def day_of(hour: str, timezone: str) -> date:
    """Return the local day that an hour belongs to."""
    start = datetime.fromtimestamp(hour_seconds(hour), UTC)
    last = start + timedelta(minutes=59)
    # Where the offset changes within, the hour holds either its first or its last minute.
    instant = last if hour_of(last, timezone) == hour else start
    return instant.astimezone(ZoneInfo(timezone)).date()


def hours_within(hour: str, timezone: str) -> list[str]:
    """Return the hours of the zone to which the four quarters from the start of an hour on belong, in order."""
    start = datetime.fromtimestamp(hour_seconds(hour), UTC)
    return [hour_of(start + n * _QUARTER, timezone) for n in range(4)]


def is_cut_alike(hour: str, timezone: str, other: str) -> bool:
    """Answer whether every instant from the start of an hour to 60 minutes later is in the same hour in both zones."""
    return hours_within(hour, timezone) == hours_within(hour, other)


def is_hour(hour: str, timezone: str) -> bool:
    """Answer whether the zone has an hour of that name."""
    return hour in hours_within(hour, timezone)


def is_whole_hour(hour: str, timezone: str) -> bool:
    """Answer whether every instant from the start of an hour to 60 minutes later is in it, in the zone."""
    return set(hours_within(hour, timezone)) == {hour}


def last_day_of(hour: str, timezone: str) -> date:
    """Return the local day, in any zone, of the last minute that an hour of this name may have, in whatever zone."""
    last = datetime.fromtimestamp(hour_seconds(hour), UTC) + timedelta(minutes=59)
    return last.astimezone(ZoneInfo(timezone)).date()


def day_seconds(day: date) -> int:
    """Return a day's place in a series: its midnight in UTC, in Unix seconds, whatever the zone."""
    return int(datetime.combine(day, time(), UTC).timestamp())


@lru_cache(maxsize=4096)
def hours_of_day(day: date, timezone: str) -> tuple[str, ...]:
    """Return the hours of a local day in order: 24, or more or fewer where the offset changes."""
    instant, end = min(_midnights(day, timezone)), max(_midnights(day + timedelta(days=1), timezone))
    names: dict[str, None] = {}
    while instant < end:
        names[hour_of(instant, timezone)] = None
        instant += _QUARTER
    return tuple(name for name in names if day_of(name, timezone) == day)


def last_hour_until(day: date, timezone: str) -> str:
    """Return the hour of the last minute before a local day is over, also of a day that the zone leaves out."""
    end = max(_midnights(day + timedelta(days=1), timezone))
    return hour_of(end - timedelta(minutes=1), timezone)


def _midnights(day: date, timezone: str) -> list[datetime]:
    """Return the instants that a day may begin at: two where midnight comes twice, or is skipped."""
    midnight = datetime.combine(day, time(), ZoneInfo(timezone))
    return [midnight.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]


def _start(local: datetime) -> datetime:
    """Return the UTC instant at which the local hour of `local` starts, by its own offset."""
    return local.astimezone(UTC) - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def _name(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%MZ")
