"""What a query of metrics asks for: measures of a dashboard over local days, by grain, compared, broken down, paged."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import chain, dropwhile

from tidemark.domain.definitions import Dashboard, Measure
from tidemark.domain.errors import InvalidQuery
from tidemark.domain.periods import GRAINS, Period, periods

MAX_DAYS = 1100
"""Three years. A row over all of them reads 1,100 day cells, 11 batch reads; compared, twice as many."""
DEFAULT_DAYS = 30
MAX_ROWS = 1000
MAX_GROUPS = 200
"""An hour's cell keeps as many keys of a breakdown for certain."""
MAX_PARAMETER = 4096
"""Characters of a parameter's value."""

PARAMETERS = frozenset(
    {"dashboard", "measures", "from", "to", "grain", "group_by", "groups", "compare", "limit", "cursor"}
)

_DAY = timedelta(days=1)
_EARLIEST = date(1969, 12, 31)
"""Events are from 1970 on, in UTC."""


@dataclass(frozen=True, slots=True)
class MetricsQuery:
    """The measures `measures` over the local days `first` to `last`, both included, in rows of a `grain`.

    `group_by` is the top list by whose keys the rows are broken down, at most `groups` of them. `compare` asks for as
    many days just before, too. A page has at most `limit` rows and begins with the period of the key `begin`.
    """

    dashboard: Dashboard
    timezone: str
    measures: tuple[str, ...]
    first: date
    last: date
    grain: str = "day"
    group_by: str | None = None
    groups: int = 0
    compare: bool = False
    limit: int = MAX_ROWS
    begin: str | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, str], dashboard: Dashboard, timezone: str, today: date) -> MetricsQuery:
        """Return what the parameters of a request ask for; raises `InvalidQuery` with the field at fault.

        `to` is `today` unless given, `from` 29 days before `to`.
        """
        for name, text in raw.items():
            if name not in PARAMETERS:
                shown = name[:64].encode(errors="replace").decode()
                raise InvalidQuery(f"there is no parameter {shown!r}", field=shown)
            if len(text) > MAX_PARAMETER:
                raise InvalidQuery(f"{name} has at most {MAX_PARAMETER} characters", field=name)
        cursor = _Cursor.read(raw["cursor"]) if "cursor" in raw else None
        last = _day(raw["to"], "to") if "to" in raw else cursor.last if cursor else today
        first = _day(raw["from"], "from") if "from" in raw else cursor.first if cursor else _default_first(last)
        _check_range(first, last, today, timezone)
        group_by = _group_by(raw.get("group_by"), dashboard)
        query = cls(
            dashboard=dashboard,
            timezone=timezone,
            measures=_measures(raw.get("measures"), dashboard, group_by),
            first=first,
            last=last,
            grain=_choice(raw, "grain", GRAINS) or "day",
            group_by=group_by.name if group_by else None,
            groups=_groups(raw.get("groups"), group_by),
            compare=_choice(raw, "compare", ("previous",)) is not None,
            limit=_number(raw["limit"], "limit", MAX_ROWS) if "limit" in raw else MAX_ROWS,
        )
        return replace(query, begin=cursor.begin_of(query)) if cursor else query

    @property
    def days(self) -> int:
        """How many days it spans."""
        return (self.last - self.first).days + 1

    @property
    def previous(self) -> tuple[date, date]:
        """The first and the last of as many days just before."""
        return self.first - self.days * _DAY, self.first - _DAY

    @property
    def shown(self) -> tuple[Measure, ...]:
        """The measures of a row's values."""
        return tuple(self.dashboard.measures[name] for name in self.measures)

    @property
    def identities(self) -> frozenset[str]:
        """The states that the answer is computed from."""
        return frozenset(_identities(self.dashboard, [*self.measures, *([self.group_by] if self.group_by else [])]))

    def periods(self, now: datetime) -> Iterator[Period]:
        """Return the periods of the page and of all after it; raises `InvalidQuery` if its first does not exist."""
        first = self.first
        if self.begin is not None and self.grain == "hour":
            near = date.fromisoformat(self.begin[: len("2026-11-22")])  # the hours of the days before need not be named
            if not self.first <= near + _DAY <= self.last + 2 * _DAY:
                raise _bad_cursor()
            first = max(self.first, near - _DAY)
        every = periods(first, self.last, self.grain, self.timezone, now)
        if self.begin is None:
            return every
        found = dropwhile(lambda period: period.key != self.begin, every)
        begin = next(found, None)
        if begin is None:
            raise _bad_cursor()
        return chain([begin], found)

    def cursor(self, begin: str) -> str:
        """Return the cursor of the page that begins with the period of that key; it fits this query alone."""
        return _Cursor(begin, self.first, self.last, self.fingerprint).text()

    @property
    def fingerprint(self) -> str:
        """A hash of all that the answer depends on but for the page and the data."""
        meaning = [
            self.dashboard.fingerprint,
            self.timezone,
            self.measures,
            self.first.isoformat(),
            self.last.isoformat(),
            self.grain,
            self.group_by,
            self.groups,
            self.compare,
        ]
        return sha256(json.dumps(meaning).encode()).hexdigest()[:16]


def groupable(dashboard: Dashboard, top: Measure) -> list[str]:
    """Return the measures that a top list breaks down: those that count the very events whose values it lists."""
    return [
        measure.name
        for measure in dashboard.measures.values()
        if measure.kind == "count" and set(measure.events) == set(top.events) and measure.where == top.where
    ]


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a page begins, and of which query it is."""

    begin: str
    first: date
    last: date
    fingerprint: str

    @classmethod
    def read(cls, text: str) -> _Cursor:
        try:
            begin, first, last, fingerprint = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if not isinstance(begin, str) or not isinstance(fingerprint, str):
                raise TypeError
            return cls(begin, date.fromisoformat(first), date.fromisoformat(last), fingerprint)
        except (ValueError, TypeError, RecursionError):
            raise _bad_cursor() from None

    def begin_of(self, query: MetricsQuery) -> str:
        """Return where the page begins, if it is one of that query."""
        if self.fingerprint != query.fingerprint:
            raise _bad_cursor()
        try:
            if query.grain == "hour":
                datetime.strptime(self.begin, "%Y-%m-%dT%H:%MZ")  # noqa: DTZ007  # only whether it is a name
            else:
                date.fromisoformat(self.begin)
        except ValueError:
            raise _bad_cursor() from None
        return self.begin

    def text(self) -> str:
        content = json.dumps([self.begin, self.first.isoformat(), self.last.isoformat(), self.fingerprint])
        return urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _bad_cursor() -> InvalidQuery:
    return InvalidQuery(
        "the cursor is the next_cursor of another page of the same query", code="invalid_cursor", field="cursor"
    )


def _identities(dashboard: Dashboard, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        measure = dashboard.measures[name]
        if measure.kind == "ratio":
            yield from _identities(dashboard, (measure.options["of"], measure.options["over"]))
        else:
            yield measure.identity


def _default_first(last: date) -> date:
    return max(_EARLIEST, last - timedelta(days=DEFAULT_DAYS - 1))


def _check_range(first: date, last: date, today: date, timezone: str) -> None:
    if last > today:
        raise InvalidQuery(f"to is at most today, {today.isoformat()} in {timezone}", field="to")
    if first < _EARLIEST:
        raise InvalidQuery(f"from is at least {_EARLIEST.isoformat()}", field="from")
    if first > last:
        raise InvalidQuery("from is not after to", field="from")
    if (last - first).days >= MAX_DAYS:
        raise InvalidQuery(f"from and to span at most {MAX_DAYS} days", code="range_too_large", field="from")


def _day(text: str, field: str) -> date:
    try:
        day = date.fromisoformat(text)
        if day.isoformat() != text:  # it reads week dates too
            raise ValueError
    except ValueError:
        raise InvalidQuery(f"{field} is a date like '2026-11-22'", field=field) from None
    return day


def _number(text: str, field: str, largest: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= largest):
        raise InvalidQuery(f"{field} is a whole number from 1 to {largest}", field=field)
    return int(text)


def _choice(raw: Mapping[str, str], field: str, allowed: Iterable[str]) -> str | None:
    given = raw.get(field)
    if given is not None and given not in allowed:
        raise InvalidQuery(f"{field} is {' or '.join(allowed)}", field=field)
    return given


def _measures(text: str | None, dashboard: Dashboard, group_by: Measure | None) -> tuple[str, ...]:
    known = groupable(dashboard, group_by) if group_by else list(dashboard.measures)
    if text is None:
        return tuple(known)
    names = text.split(",")
    for name in names:
        if name not in dashboard.measures:
            shown = name[:64].encode(errors="replace").decode()
            raise InvalidQuery(
                f"the dashboard {dashboard.name!r} has no measure {shown!r}", code="unknown_measure", field="measures"
            )
        if group_by and name not in known:
            raise InvalidQuery(
                f"{name!r} cannot be broken down by {group_by.name!r}, but {_listed(known)}",
                code="not_groupable",
                field="measures",
            )
    if len(set(names)) < len(names):
        raise InvalidQuery("measures names each measure once", field="measures")
    return tuple(names)


def _group_by(name: str | None, dashboard: Dashboard) -> Measure | None:
    if name is None:
        return None
    found = dashboard.measures.get(name)
    if found is None or found.kind != "top":
        lists = [measure.name for measure in dashboard.measures.values() if measure.kind == "top"]
        raise InvalidQuery(
            f"group_by names a top list of the dashboard {dashboard.name!r}: {_listed(lists)}",
            code="not_groupable",
            field="group_by",
        )
    return found


def _groups(text: str | None, group_by: Measure | None) -> int:
    if text is not None and group_by is None:
        raise InvalidQuery("groups is for queries with group_by", field="groups")
    if group_by is None:
        return 0
    return _number(text, "groups", MAX_GROUPS) if text is not None else int(group_by.options["limit"])


def _listed(names: list[str]) -> str:
    return ", ".join(names) if names else "there is none"
