"""The hourly table of a dashboard: what a request asks for, its columns, and where a page of it ends."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256

from tidemark.domain.definitions import Dashboard, Measure
from tidemark.domain.errors import InvalidQuery

MAX_DAYS = 31
MAX_ROWS = 1000
"""About 1.2 KB each as JSON: a page stays far below the 6 MB that Lambda may answer."""
DEFAULT_ROWS = 744
"""The hours of 31 days."""
MAX_CURSOR = 512
MAX_MEMBERS = 500
"""Of a district. A page then reads 4,000 cells, 500 lists of hours and, once a minute, 500 settings: at most 9,500 read
units, $0.0012, in about 6 of the 25 seconds that a request has; and a month takes 93 such pages, $0.11."""

FORMATS = ("json", "csv")
PARAMETERS = frozenset({"dashboard", "from", "to", "by", "limit", "cursor", "format"})

PLACE_COLUMNS = ("hour", "workspace_id")
SOURCE_COLUMNS = ("data_sources_count", "calculation_method", "calculated_at", "created_at")
RESERVED = frozenset({*PLACE_COLUMNS, *SOURCE_COLUMNS})
"""No measure may have these names."""

Place = tuple[str, str]
"""A row's place in the order: (hour, workspace), the workspace empty where a row holds them all."""

_HOUR = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z", re.ASCII)
_EARLIEST, _LATEST = date(1971, 1, 4), date(9998, 12, 30)


@dataclass(frozen=True, slots=True)
class HourlyQuery:
    """The hours of the local days `first` to `last`, both included; `after` is the last place of the page before."""

    dashboard: str
    first: date
    last: date
    by_workspace: bool = False
    limit: int = DEFAULT_ROWS
    form: str = "json"
    after: Place | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, str], today: date) -> HourlyQuery:
        """Return what the parameters of a request ask for; raises `InvalidQuery` with the field at fault.

        `to` is `today` unless given, `from` the same day as `to`.
        """
        unknown = next((name for name in raw if name not in PARAMETERS), None)
        if unknown is not None:
            shown = unknown[:64].encode(errors="replace").decode()
            raise InvalidQuery(f"there is no parameter {shown!r}", field=shown)
        if "dashboard" not in raw:
            raise InvalidQuery("dashboard names an enabled dashboard, such as 'classroom'", field="dashboard")
        last = _day(raw["to"], "to") if "to" in raw else today
        first = _day(raw["from"], "from") if "from" in raw else last
        if first > last:
            raise InvalidQuery("from is not after to", field="from")
        if (last - first).days >= MAX_DAYS:
            raise InvalidQuery(f"from and to span at most {MAX_DAYS} days", code="range_too_large", field="from")
        if raw.get("by", "workspace") != "workspace":
            raise InvalidQuery("by is 'workspace', or left out", field="by")
        limit = _rows(raw["limit"]) if "limit" in raw else DEFAULT_ROWS
        form = raw.get("format", "json")
        if form not in FORMATS:
            raise InvalidQuery(f"format is {' or '.join(FORMATS)}", field="format")
        query = cls(raw["dashboard"], first, last, "by" in raw, limit, form)
        return replace(query, after=query._place(raw["cursor"])) if "cursor" in raw else query

    def cursor(self, place: Place) -> str:
        """Return the cursor of the page that begins after a place; it fits this query alone."""
        return urlsafe_b64encode(json.dumps([self._fingerprint(), *place]).encode()).decode().rstrip("=")

    def next_page(self, cursor: str) -> dict[str, str]:
        """Return the parameters that ask for the page of a cursor."""
        given = {"dashboard": self.dashboard, "from": self.first.isoformat(), "to": self.last.isoformat()}
        by = {"by": "workspace"} if self.by_workspace else {}
        return given | by | {"limit": str(self.limit), "format": self.form, "cursor": cursor}

    def _place(self, cursor: str) -> Place:
        try:
            if len(cursor) > MAX_CURSOR:
                raise ValueError
            fingerprint, hour, workspace = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if fingerprint != self._fingerprint() or not isinstance(workspace, str) or not _HOUR.fullmatch(hour):
                raise ValueError
        except (ValueError, TypeError, RecursionError):
            raise InvalidQuery(
                "the cursor is the next_cursor of another page of the same query", code="invalid_cursor", field="cursor"
            ) from None
        return hour, workspace

    def _fingerprint(self) -> str:
        meaning = [self.dashboard, self.first.isoformat(), self.last.isoformat(), self.by_workspace]
        return sha256(json.dumps(meaning).encode()).hexdigest()[:12]


def columns_of(dashboard: Dashboard) -> list[Measure]:
    """Return the measures that are columns, in the order of their declaration: all but lists, which are no value."""
    return [measure for measure in dashboard.measures.values() if measure.kind != "top"]


def identities_of(dashboard: Dashboard) -> frozenset[str]:
    """Return the states that the columns are computed from; what a ratio divides is a column itself."""
    return frozenset(measure.identity for measure in columns_of(dashboard) if measure.kind != "ratio")


def _day(text: str, field: str) -> date:
    try:
        day = date.fromisoformat(text)
        if day.isoformat() != text:  # it reads week dates too
            raise ValueError
    except ValueError:
        raise InvalidQuery(f"{field} is a date like '2026-11-22'", field=field) from None
    if not _EARLIEST + timedelta(days=MAX_DAYS) <= day <= _LATEST - timedelta(days=MAX_DAYS):
        raise InvalidQuery(f"{field} lies between 1971 and 9998", field=field)
    return day


def _rows(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MAX_ROWS):
        raise InvalidQuery(f"limit is a whole number from 1 to {MAX_ROWS}", field="limit")
    return int(text)
