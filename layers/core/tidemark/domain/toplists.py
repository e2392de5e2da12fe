"""Top lists: counts by key, bounded, with a stated error.

Counts are exact while an hour has at most 2 x `CAPACITY` keys. A stored list that has more keeps the `CAPACITY`
largest (ties by key) and adds the largest count that it dropped to `error`. So the true count of every key, shown or
not, lies in [count, count + error]: a key loses at most that much each time. Merging adds counts and errors; it drops
nothing. Truncating at twice what is kept makes truncations rare: each needs CAPACITY new keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CAPACITY = 200

KEY_LENGTH = 200
"""Characters of a key that are kept; longer ones are cut and end in an ellipsis."""


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
        counts.update(part.counts)
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
    if len(counts) > limit:
        # Numbers alone sort ten times as fast as pairs by a key, and few are left of hundreds.
        least = sorted(counts.values())[-limit]
        counts = {key: count for key, count in counts.items() if count >= least}
    return _ordered(counts)[:limit]


def _ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _shorten(key: str) -> str:
    return key if len(key) <= KEY_LENGTH else key[: KEY_LENGTH - 1] + "…"
