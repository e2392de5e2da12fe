"""What a request for the insights of a workspace asks for: days, how many, and where a page of them begins."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256

from tidemark.domain.batches import parse_batch_id
from tidemark.domain.errors import InvalidQuery, InvalidRequest
from tidemark.domain.hours import hours_of_day

MAX_ROWS = 100
"""Of 4 KB each at most: half a megabyte, of the 6 that Lambda may answer."""
DEFAULT_ROWS = 20
MAX_PARAMETER = 512
PARAMETERS = frozenset({"from", "to", "limit", "cursor"})

_DAY = timedelta(days=1)
_EARLIEST, _LATEST = date(1971, 1, 4), date(9998, 12, 30)


@dataclass(frozen=True, slots=True)
class InsightQuery:
    """Insights of the hours `first` to `last`, both included and None where open, those before the id `before`."""

    first: str | None = None
    last: str | None = None
    limit: int = DEFAULT_ROWS
    before: str | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, str], timezone: str) -> InsightQuery:
        """Return what the parameters of a request ask for; raises `InvalidQuery` with the field at fault.

        `from` and `to` are local days of `timezone`, both included.
        """
        for name, text in raw.items():
            if name not in PARAMETERS:
                shown = name[:64].encode(errors="replace").decode()
                raise InvalidQuery(f"there is no parameter {shown!r}", field=shown)
            if len(text) > MAX_PARAMETER:
                raise InvalidQuery(f"{name} has at most {MAX_PARAMETER} characters", field=name)
        first = _day(raw["from"], "from") if "from" in raw else None
        last = _day(raw["to"], "to") if "to" in raw else None
        if first and last and first > last:
            raise InvalidQuery("from is not after to", field="from")
        query = cls(
            _hours(first, timezone, _DAY)[0] if first else None,
            _hours(last, timezone, -_DAY)[-1] if last else None,
            _rows(raw["limit"]) if "limit" in raw else DEFAULT_ROWS,
        )
        return replace(query, before=query._place(raw["cursor"])) if "cursor" in raw else query

    def cursor(self, insight_id: str) -> str:
        """Return the cursor of the page behind an insight; it fits this query alone."""
        return urlsafe_b64encode(json.dumps([self._fingerprint(), insight_id]).encode()).decode().rstrip("=")

    def _place(self, cursor: str) -> str:
        try:
            fingerprint, insight_id = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if fingerprint != self._fingerprint():
                raise ValueError
            chain, _ = parse_batch_id("", insight_id)
            if not (self.first or chain.hour) <= chain.hour <= (self.last or chain.hour):
                raise ValueError
        except (ValueError, TypeError, RecursionError, InvalidRequest):
            raise InvalidQuery(
                "the cursor is the next_cursor of another page of the same query", code="invalid_cursor", field="cursor"
            ) from None
        return str(insight_id)

    def _fingerprint(self) -> str:
        return sha256(json.dumps([self.first, self.last]).encode()).hexdigest()[:12]


def _day(text: str, field: str) -> date:
    try:
        day = date.fromisoformat(text)
        if day.isoformat() != text:  # it reads week dates too
            raise ValueError
    except ValueError:
        raise InvalidQuery(f"{field} is a date like '2026-11-22'", field=field) from None
    if not _EARLIEST <= day <= _LATEST:
        raise InvalidQuery(f"{field} lies between {_EARLIEST} and {_LATEST}", field=field)
    return day


def _hours(day: date, timezone: str, step: timedelta) -> tuple[str, ...]:
    """Return the hours of a local day, or of the next one in direction: who crosses the date line skips a day."""
    return hours_of_day(day, timezone) or hours_of_day(day + step, timezone)


def _rows(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= MAX_ROWS):
        raise InvalidQuery(f"limit is a whole number from 1 to {MAX_ROWS}", field="limit")
    return int(text)
