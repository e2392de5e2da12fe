"""Top lists: counts by key, bounded, with a stated error.

Counts are exact while an hour has at most 2 x `CAPACITY` keys. A stored list that has more keeps the `CAPACITY`
largest (ties by key) and adds the largest count that it dropped to `error`. So the true count of every key, shown or
not, lies in [count, count + error]: a key loses at most that much each time. Merging adds counts and errors; it drops
nothing. Truncating at twice what is kept makes truncations rare: each needs CAPACITY new keys.

A list that stands by itself is packed with its largest keys apart, since mostly they are all that is shown: to read
400 others takes 150 µs, and 30 days have 60 such lists.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from struct import Struct
from typing import Any

CAPACITY = 200

KEY_LENGTH = 200
"""Characters of a key that are kept; longer ones are cut and end in an ellipsis."""

LARGEST = 25
"""Keys that are packed apart, more than the dashboards show."""

_PREFIX = Struct(">II")
"""The bytes of the largest, and the CRC-32 of the others: what is read later must be known to be whole now."""


class Ranked(Mapping[str, int]):
    """Counts of which the `largest` are at hand, in order; the others are unpacked when they are asked for."""

    def __init__(self, largest: dict[str, int], others: bytes) -> None:
        self.largest = largest
        self._others = others

    @property
    def is_at_hand(self) -> bool:
        """Whether there are no others."""
        return not self._others

    @cached_property
    def every(self) -> dict[str, int]:
        """All of them."""
        return self.largest | _load(self._others) if self._others else self.largest

    def __getitem__(self, key: str) -> int:
        return self.every[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.every)

    def __len__(self) -> int:
        return len(self.every)


@dataclass(frozen=True, slots=True)
class TopList:
    """Counts by key, each short of the true one by at most `error`."""

    counts: Mapping[str, int] = field(default_factory=dict)
    error: int = 0


def of_values(texts: Iterable[str]) -> TopList:
    """Return the list of the given keys."""
    counts = Counter(texts)
    if any(len(key) > KEY_LENGTH for key in counts):
        shortened: Counter[str] = Counter()
        for key, number in counts.items():
            shortened[_shorten(key)] += number
        counts = shortened
    return TopList(counts)


def merge(lists: Iterable[TopList]) -> TopList:
    """Return the list of all together."""
    counts: Counter[str] = Counter()
    error = 0
    for part in lists:
        counts.update(part.counts.every if isinstance(part.counts, Ranked) else part.counts)
        error += part.error
    return TopList(counts, error)


def compact(top: TopList) -> TopList:
    """Return the list in its bounded form, as it is stored."""
    if len(top.counts) <= 2 * CAPACITY:
        return top
    ordered = _ordered(top.counts)
    return TopList(dict(ordered[:CAPACITY]), top.error + ordered[CAPACITY][1])


def rows(top: TopList, limit: int) -> list[tuple[str, int]]:
    """Return the `limit` largest (key, count), ties by key."""
    counts = top.counts
    if isinstance(counts, Ranked):
        if counts.is_at_hand or limit <= len(counts.largest):
            return list(counts.largest.items())[:limit]
        counts = counts.every
    if len(counts) > limit:
        # Numbers alone sort ten times as fast as pairs by a key, and few are left of hundreds.
        least = sorted(counts.values())[-limit]
        counts = {key: count for key, count in counts.items() if count >= least}
    return _ordered(counts)[:limit]


def pack(top: TopList) -> bytes:
    """Return the stored form of a list that stands by itself."""
    ordered = _ordered(top.counts)
    largest = _dump([dict(ordered[:LARGEST]), top.error])
    others = _dump(dict(sorted(ordered[LARGEST:]))) if len(ordered) > LARGEST else b""
    return _PREFIX.pack(len(largest), zlib.crc32(others)) + largest + others


def unpack(blob: bytes) -> TopList:
    """Return the list that `pack` wrote; raises `ValueError` if some of it is missing."""
    size, check = _PREFIX.unpack_from(blob)
    largest, others = blob[_PREFIX.size : _PREFIX.size + size], blob[_PREFIX.size + size :]
    if zlib.crc32(others) != check:
        raise ValueError("the smaller counts of a top list are not what they were")
    counts, error = _load(largest)
    return TopList(Ranked(counts, others), error)


def _dump(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def _load(blob: bytes) -> Any:
    return json.loads(zlib.decompress(blob))


def _ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _shorten(key: str) -> str:
    return key if len(key) <= KEY_LENGTH else key[: KEY_LENGTH - 1] + "…"
