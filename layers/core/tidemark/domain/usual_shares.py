"""What is usual of shares and means: what part of some events is of a kind, and how far hours stray from it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tidemark.domain import quantiles
from tidemark.domain.robust import even_share, median, spread, weighted_median
from tidemark.domain.toplists import TopList

LEAST_HOURS = 3
LEAST_EVENTS = 100
LEAST_DISPERSION = 0.01
"""Of a share, on the even scale: 1 % of the events about one half, 0.4 % about 5 %."""
TRIMMED = 3.5
"""An hour that strays so many times as far as others do is left out: it is odd itself."""
KEPT_KEYS = 400
JUDGED_KEYS = 20


@dataclass(frozen=True, slots=True)
class Share:
    """What part of `total` events over some `hours` is of a kind, and how far hours stray on the even scale."""

    share: float
    dispersion: float
    total: int
    hours: int


@dataclass(frozen=True, slots=True)
class Level:
    """The mean of a number over `total` events, and how far a single one strays from it."""

    mean: float
    deviation: float
    total: int
    hours: int


@dataclass(frozen=True, slots=True)
class Tail:
    """The events above a threshold, the usual percentile."""

    threshold: float
    above: Share


@dataclass(frozen=True, slots=True)
class Tops:
    """The values of a top list: the shares of the largest, the counts of those that are known, of `total`.

    A value that is not known had at most `missed` events.
    """

    largest: Mapping[str, Share]
    counts: Mapping[str, int]
    total: int
    missed: int
    dispersion: float
    hours: int


def share_of(hours: Sequence[tuple[int, int]]) -> Share | None:
    """Return the share that hours of (part, total) have, without those that stray far from the others."""
    hours = [(part, total) for part, total in hours if total > 0]
    if len(hours) < LEAST_HOURS or sum(total for _, total in hours) < LEAST_EVENTS:
        return None
    share = _pooled(hours)
    strays = _strays(hours, share)
    bound = TRIMMED * max(1.0, spread(strays))
    kept = [hour for hour, stray in zip(hours, strays, strict=True) if abs(stray) <= bound]
    if len(kept) < len(hours):
        hours, share = kept, _pooled(kept)
        strays = _strays(hours, share)
    excess = max(0.0, spread(strays) ** 2 - 1) / (4 * median(total for _, total in hours))
    return Share(share, max(LEAST_DISPERSION, math.sqrt(excess)), sum(total for _, total in hours), len(hours))


def _pooled(hours: Sequence[tuple[int, int]]) -> float:
    return min(1.0, sum(part for part, _ in hours) / sum(total for _, total in hours))


def _strays(hours: Sequence[tuple[int, int]], share: float) -> list[float]:
    even = math.asin(math.sqrt(share))
    return [2 * math.sqrt(total) * (even_share(part, total) - even) for part, total in hours]


def level_of(hours: Sequence[tuple[float, int]]) -> Level | None:
    """Return the level of hours of (mean, events)."""
    total = sum(number for _, number in hours)
    if len(hours) < LEAST_HOURS or total < LEAST_EVENTS:
        return None
    mean = weighted_median(hours)
    strays = [math.sqrt(number) * (value - mean) for value, number in hours]
    return Level(mean, spread(strays), total, len(hours))


def tail_of(states: Iterable[quantiles.Buckets], q: float) -> Tail | None:
    """Return the tail above the quantile `q` of hours."""
    hours = [state for state in states if state]
    if not hours:
        return None
    threshold = quantiles.quantile(quantiles.merge(hours), q)
    above = share_of([(quantiles.above(state, threshold), sum(state.values())) for state in hours])
    return Tail(threshold, above) if above else None


def tops_of(states: Iterable[TopList]) -> Tops | None:
    """Return the top list of hours."""
    hours = [state for state in states if state.counts]
    totals = [sum(state.counts.values()) for state in hours]
    if len(hours) < LEAST_HOURS or sum(totals) < LEAST_EVENTS:
        return None
    every: Counter[str] = Counter()
    for state in hours:
        every.update(state.counts)
    largest: dict[str, Share] = {}
    for key, _ in every.most_common(JUDGED_KEYS):
        share = share_of([(state.counts.get(key, 0), total) for state, total in zip(hours, totals, strict=True)])
        if share:
            largest[key] = share
    dropped = every.most_common(KEPT_KEYS + 1)[KEPT_KEYS:]
    missed = sum(state.error for state in hours) + (dropped[0][1] if dropped else 0)
    dispersion = median(share.dispersion for share in largest.values())
    return Tops(largest, dict(every.most_common(KEPT_KEYS)), sum(totals), missed, dispersion, len(hours))
