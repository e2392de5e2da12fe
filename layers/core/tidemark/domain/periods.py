"""Periods: the stretches of local time that the rows of a query stand for.

A period is one hour, or whole local days. Its bounds are instants, so that rows join without gap or overlap also where
the offset changes: a day may have 23 hours, and an hour 30 minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tidemark.domain.hours import day_of, hour_of, hour_seconds, hours_of_day

GRAINS = ("hour", "day", "week", "month", "all")

_DAY = timedelta(days=1)
_QUARTER = timedelta(minutes=15)
_QUARTERS_OF_AN_HOUR = 4


@dataclass(frozen=True, slots=True)
class Period:
    """The local days `first` to `last`, both included; with `hours` only those of them, all of one day.

    `start` is the first instant and `end` the one after the last, in UTC: times of one zone are compared by the clock,
    which may show an hour twice.
    """

    key: str
    first: date
    last: date
    start: datetime
    end: datetime
    hours: tuple[str, ...] | None = None

    @property
    def days(self) -> list[date]:
        """The local days, in order."""
        return [self.first + n * _DAY for n in range((self.last - self.first).days + 1)]


def periods(first: date, last: date, grain: str, timezone: str, now: datetime) -> Iterator[Period]:
    """Yield the periods of a grain from the day `first` to the day `last`, in order; of hours none after that of `now`.

    Weeks begin on Monday (ISO 8601). The first and the last week or month may be cut by the bounds. A period's key is
    the day that it begins with, or the name of its hour; keys ascend.
    """
    if grain == "hour":
        yield from _hours(first, last, timezone, hour_of(now, timezone))
        return
    while first <= last:
        end = min(last, _last_of(grain, first, last))
        yield _of_days(first, end, timezone)
        first = end + _DAY


def shifted(period: Period, days: int, timezone: str) -> Period:
    """Return the period so many days earlier; an hour's is the same hour of the clock.

    Where a clock shows an hour twice, both are that hour; where it skips it, there are none.
    """
    first, last = period.first - days * _DAY, period.last - days * _DAY
    if period.hours is None:
        return _of_days(first, last, timezone)
    wanted = {_clock_hour(hour, timezone) for hour in period.hours}
    same = tuple(hour for hour in hours_of_day(first, timezone) if _clock_hour(hour, timezone) in wanted)
    if not same:
        # By the offset before, a time that is skipped is the instant at which the clock goes on.
        at = datetime.combine(first, time(min(wanted)), ZoneInfo(timezone)).astimezone(UTC)
        return Period(period.key, first, last, at, at, ())
    return Period(period.key, first, last, _bounds(same[0], timezone)[0], _bounds(same[-1], timezone)[1], same)


def day_start(day: date, timezone: str) -> datetime:
    """Return the first instant of a local day, in UTC."""
    # Of a midnight that comes twice the first; where it is skipped, the offset before gives the moment of the change.
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def hour_names(first: date, last: date, timezone: str) -> tuple[str, str]:
    """Return names that no hour of the days `first` to `last` comes before, and after."""
    # A name may lie up to an hour before the first instant of its hour.
    start = day_start(first, timezone) - timedelta(hours=1)
    end = day_start(last + _DAY, timezone)
    return start.strftime("%Y-%m-%dT%H:%MZ"), end.strftime("%Y-%m-%dT%H:%MZ")


def in_days(hours: list[str], first: date, last: date, timezone: str) -> dict[date, list[str]]:
    """Return the given hours that belong to the days `first` to `last`, by day."""
    found: dict[date, list[str]] = {}
    for hour in hours:
        day = day_of(hour, timezone)
        if first <= day <= last:
            found.setdefault(day, []).append(hour)
    return found


def _hours(first: date, last: date, timezone: str, latest: str) -> Iterator[Period]:
    day = first
    while day <= last:
        for hour in hours_of_day(day, timezone):
            if hour > latest:
                return
            yield Period(hour, day, day, *_bounds(hour, timezone), (hour,))
        day += _DAY


def _of_days(first: date, last: date, timezone: str) -> Period:
    return Period(first.isoformat(), first, last, day_start(first, timezone), day_start(last + _DAY, timezone))


def _last_of(grain: str, day: date, last: date) -> date:
    if grain == "day":
        return day
    if grain == "week":
        return day + (6 - day.weekday()) * _DAY
    if grain == "month":
        return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - _DAY
    return last


def _bounds(hour: str, timezone: str) -> tuple[datetime, datetime]:
    """Return the first instant of an hour, and the one after its last, in UTC."""
    named = datetime.fromtimestamp(hour_seconds(hour), UTC)
    inside = [
        quarter
        for quarter in (named + n * _QUARTER for n in range(_QUARTERS_OF_AN_HOUR))
        if hour_of(quarter, timezone) == hour
    ]
    return inside[0], inside[-1] + _QUARTER


def _clock_hour(hour: str, timezone: str) -> int:
    """Return what the clock shows during an hour, 0 to 23."""
    return _bounds(hour, timezone)[0].astimezone(ZoneInfo(timezone)).hour
