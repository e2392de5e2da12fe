"""Views: what one looks at, and the hours that it covers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tidemark.domain.errors import InvalidView
from tidemark.domain.hours import day_of, hour_of, hours_of_day

DEFAULT_DAYS = 30
MAX_DAYS = 366
"""Bounds what one cold render reads: 366 days are 8,784 hour cells, 88 batch reads."""

_DASHBOARD = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class View:
    """A dashboard over the last `days` local days; with `to` the window ends with that day and is not live."""

    dashboard: str
    days: int = DEFAULT_DAYS
    to: date | None = None

    @property
    def key(self) -> str:
        """The name of the view in the tables: `web:30`, or `web:5:2015-05-21`."""
        return f"{self.dashboard}:{self.days}" + (f":{self.to.isoformat()}" if self.to else "")

    def first_day(self, today: date, trailing_hours: int = 0) -> date:
        """Return the first day of its window, which ends with `today` unless its end is fixed.

        Or that of its last `trailing_hours` hours, if they begin before.
        """
        return (self.to or today) - timedelta(days=max(self.days - 1, -(-trailing_hours // 24)))

    @classmethod
    def from_key(cls, key: str) -> View:
        """Return the view that `key` names."""
        dashboard, days, *to = key.split(":")
        return cls(dashboard, int(days), date.fromisoformat(to[0]) if to else None)

    @classmethod
    def parse(cls, raw: object) -> View:
        """Return the view that a request asks for; raises `InvalidView` with the field at fault."""
        if not isinstance(raw, Mapping):
            raise InvalidView("a view is an object like {'dashboard': 'web', 'days': 30}", field="view")
        unknown = sorted(set(map(str, raw)) - {"dashboard", "days", "to"})
        if unknown:
            name = unknown[0][:64].encode(errors="replace").decode()
            raise InvalidView(f"a view has no field {name!r}", field=f"view.{name}")
        return cls(_dashboard(raw.get("dashboard")), _days(raw.get("days", DEFAULT_DAYS)), _to(raw.get("to")))

    def as_dict(self) -> dict[str, Any]:
        """Return the view as it stands on the wire."""
        view: dict[str, Any] = {"dashboard": self.dashboard, "days": self.days}
        if self.to:
            view["to"] = self.to.isoformat()
        return view


@dataclass(frozen=True, slots=True)
class Window:
    """The local days of a view and their hours, up to the hour of rendering."""

    timezone: str
    first: date
    last: date
    hour: str
    hours: tuple[str, ...]
    """The hours of the days, in order, none after `hour`."""
    trailing: tuple[str, ...]
    """The last hours up to the window's end, for series by hour; they may begin before `first`."""

    @property
    def days(self) -> tuple[date, ...]:
        """The local days of the window, in order."""
        return tuple(self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))


def window_of(view: View, now: datetime, timezone: str, trailing_hours: int = 0) -> Window:
    """Return the window of `view` at the aware time `now`, with its last `trailing_hours` hours."""
    hour = hour_of(now, timezone)
    return _window(view, now.astimezone(ZoneInfo(timezone)).date(), hour, timezone, trailing_hours)


def window_at_hour(view: View, hour: str, timezone: str, trailing_hours: int = 0) -> Window:
    """Return the window of `view` as it was rendered for `hour`."""
    return _window(view, day_of(hour, timezone), hour, timezone, trailing_hours)


@lru_cache(maxsize=256)
def _window(view: View, today: date, hour: str, timezone: str, trailing_hours: int) -> Window:
    last = view.to or today
    first = view.first_day(today)
    by_day = [hours_of_day(first + timedelta(days=n), timezone) for n in range(view.days)]
    hours = tuple(name for names in by_day for name in names if name <= hour)
    trailing, day = list(hours), first
    while len(trailing) < trailing_hours:
        day -= timedelta(days=1)
        trailing[:0] = [name for name in hours_of_day(day, timezone) if name <= hour]
        if (first - day).days > trailing_hours:
            break
    return Window(timezone, first, last, hour, hours, tuple(trailing[-trailing_hours:]) if trailing_hours else ())


def _dashboard(value: object) -> str:
    if not isinstance(value, str) or not _DASHBOARD.fullmatch(value):
        raise InvalidView("dashboard is a name like 'web'", field="view.dashboard")
    return value


def _days(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_DAYS:
        raise InvalidView(f"days is a whole number from 1 to {MAX_DAYS}", field="view.days")
    return value


def _to(value: object) -> date | None:
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise ValueError
        day = date.fromisoformat(value)
        if day.isoformat() != value:  # it reads week dates too
            raise ValueError
    except ValueError:
        raise InvalidView("to is a date like '2026-11-22'", field="view.to") from None
    if not date(1971, 1, 4) <= day <= datetime.max.replace(tzinfo=UTC).date() - timedelta(days=366):
        raise InvalidView("to lies between 1971-01-04 and 9998-12-30", field="view.to")
    return day
