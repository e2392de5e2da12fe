"""What a request for a list of the administration asks for: which state, how many, and where a page of it begins."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tidemark.domain.errors import InvalidQuery
from tidemark.domain.events import MAX_NUMBER

MAX_ROWS = 100
DEFAULT_ROWS = 50
MAX_PARAMETER = 1024
"""Of a cursor, which may hold the key of an item."""

Place = list[str | int]
"""Where a page ends: the key of its last item, in the words of the list that it is of."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A page of at most `limit` entries of the list `name`, in `state` if one is given, behind `after`.

    `workspace` is what the request names, None if it names none.
    """

    name: str
    workspace: str | None = None
    state: str | None = None
    limit: int = DEFAULT_ROWS
    after: Place | None = None

    @classmethod
    def parse(cls, name: str, raw: Mapping[str, str], states: Collection[str] = (), *, paged: bool = True) -> ListQuery:
        """Return what the parameters of a request ask for; raises `InvalidQuery` with the field at fault.

        Parameters
        ----------
        states
            Those that may be asked for; none if the list has no such filter.
        paged
            Whether there is `limit` and `cursor`.
        """
        allowed = {"workspace", *(("state",) if states else ()), *(("limit", "cursor") if paged else ())}
        for field, text in raw.items():
            if field not in allowed:
                shown = field[:64].encode(errors="replace").decode()
                raise InvalidQuery(f"there is no parameter {shown!r}", field=shown)
            if len(text) > MAX_PARAMETER:
                raise InvalidQuery(f"{field} has at most {MAX_PARAMETER} characters", field=field)
        state = raw.get("state")
        if state is not None and state not in states:
            raise InvalidQuery(f"state is one of {', '.join(states)}", field="state")
        limit = _rows(raw["limit"]) if "limit" in raw else DEFAULT_ROWS
        query = cls(name, raw.get("workspace"), state, limit)
        if "cursor" not in raw:
            return query
        return cls(name, query.workspace, state, limit, query._place(raw["cursor"]))

    def cursor(self, place: Place) -> str:
        """Return the cursor of the page behind a place; it fits this list, workspace and state alone."""
        text = json.dumps([self._fingerprint(), place], separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _place(self, cursor: str) -> Place:
        try:
            fingerprint, place = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if fingerprint != self._fingerprint() or not _is_place(place):
                raise ValueError
        except (ValueError, TypeError, RecursionError):
            raise refused_cursor() from None
        found: Place = place
        return found

    def _fingerprint(self) -> str:
        return sha256(json.dumps([self.name, self.workspace, self.state]).encode()).hexdigest()[:12]


def refused_cursor() -> InvalidQuery:
    """Return the error for a cursor that is none of this list."""
    return InvalidQuery(
        "the cursor is the next_cursor of another page of the same list", code="invalid_cursor", field="cursor"
    )


def texts(place: Place, count: int) -> list[str]:
    """Return a place that is made of so many texts; raises `InvalidQuery` for any other."""
    found = [part for part in place if isinstance(part, str)]
    if len(found) != len(place) or len(found) != count:
        raise refused_cursor()
    return found


def _is_place(place: Any) -> bool:
    return isinstance(place, list) and 1 <= len(place) <= 4 and all(map(_is_part, place))


def _is_part(part: Any) -> bool:
    """Tell whether it may be a part of the key of an item."""
    if isinstance(part, str):
        return part != "" and part == part.encode(errors="replace").decode()
    return type(part) is int and 0 <= part <= MAX_NUMBER


def _rows(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= MAX_ROWS):
        raise InvalidQuery(f"limit is a whole number from 1 to {MAX_ROWS}", field="limit")
    return int(text)
