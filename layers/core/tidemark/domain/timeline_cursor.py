"""Where the reading of a timeline stands between two pages: what a cursor carries, and the gaps seen so far."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

from tidemark.domain.errors import InvalidRequest
from tidemark.domain.events import MAX_NUMBER
from tidemark.domain.timeline import NO_SEQUENCE, Place

MAX_GAPS = 20
"""That are listed at a time. They travel in the cursor, which is part of an address: with 20 it stays below 1.3 KB."""
MAX_CURSOR_CHARACTERS = 2048

_VERSION = 1
_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", re.ASCII)
_SESSION_CHARACTERS = 8


@dataclass(slots=True)
class Gaps:
    """The sequence numbers from 1 that have not been seen, though one above them has.

    `ranges` are [first, last], ascending; `more` says that there were more than 20 at a time, of which the highest are
    not listed.
    """

    expected: int = 1
    ranges: list[tuple[int, int]] = field(default_factory=list)
    more: bool = False

    def see(self, sequence: int) -> None:
        """Take in a number; those below 1 count for nothing."""
        if sequence >= self.expected:
            if sequence > self.expected:
                self.ranges.append((self.expected, sequence - 1))
            self.expected = sequence + 1
        elif sequence >= 1:
            self.ranges = [part for gap in self.ranges for part in _without(gap, sequence)]
        if len(self.ranges) > MAX_GAPS:
            del self.ranges[MAX_GAPS:]
            self.more = True


@dataclass(frozen=True, slots=True)
class Cursor:
    """A reading that has come to the event at `after` in `hour`, its `seq`-th."""

    hour: str = ""
    after: Place | None = None
    seq: int = 0
    gaps: Gaps = field(default_factory=Gaps)

    def encode(self, session: str) -> str:
        """Return the text of the cursor, which holds for the session of this key."""
        gaps = [self.gaps.expected, self.gaps.more, self.gaps.ranges]
        parts = [_VERSION, session[:_SESSION_CHARACTERS], self.hour, self.after, self.seq, *gaps]
        return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, session: str) -> Cursor:
        """Return what `encode` wrote for the session of this key.

        Raises `InvalidRequest` (code `invalid_cursor`) for anything else.
        """
        refused = InvalidRequest("the cursor is not one of this timeline", code="invalid_cursor", field="cursor")
        if len(text) > MAX_CURSOR_CHARACTERS:
            raise refused
        try:
            parts = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
            version, name, hour, after, seq, expected, more, ranges = parts
            place = Place(*after)
            gaps = Gaps(expected, [(first, last) for first, last in ranges], more)
        except (ValueError, TypeError, RecursionError):
            raise refused from None
        if not (
            [version, name] == [_VERSION, session[:_SESSION_CHARACTERS]]
            and isinstance(hour, str)
            and _HOUR.fullmatch(hour)
            and _is_place(place)
            and _is_whole(seq, 0, MAX_NUMBER)
            and _is_gaps(gaps)
        ):
            raise refused
        return cls(hour, place, seq, gaps)


def _is_place(place: Place) -> bool:
    return (
        _is_whole(place.milliseconds, 0, MAX_NUMBER)
        and _is_whole(place.sequence, NO_SEQUENCE, MAX_NUMBER)
        and _is_whole(place.identity, 0, 2**64 - 1)
    )


def _is_gaps(gaps: Gaps) -> bool:
    """Tell whether they could have come of seeing numbers: ascending, apart, and below the next expected one."""
    if not (_is_whole(gaps.expected, 1, MAX_NUMBER + 1) and isinstance(gaps.more, bool)):
        return False
    least = 1
    for first, last in gaps.ranges:
        if not (_is_whole(first, least, MAX_NUMBER) and _is_whole(last, first, gaps.expected - 1)):
            return False
        least = last + 2
    return len(gaps.ranges) <= MAX_GAPS


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _without(gap: tuple[int, int], sequence: int) -> list[tuple[int, int]]:
    """Return what is left of a gap without a number."""
    first, last = gap
    if not first <= sequence <= last:
        return [gap]
    parts = [(first, sequence - 1), (sequence + 1, last)]
    return [(low, high) for low, high in parts if low <= high]
