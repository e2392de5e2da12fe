"""What is usual of rates: how much there is in an hour, how far hours stray from it, and whether weeks rise or fall."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tidemark.domain.hour_grid import Place
from tidemark.domain.robust import even_count, median, posterior, spread, theil_sen, weighted_median

AGING = 0.85
"""What a week takes off the weight of an hour."""
LEAST_DISPERSION = 0.05
LIKELY_DISPERSION = 0.15
LIKELY_WEIGHT = 4
"""The rate of an hour varies from week to week by 15 %, as if four hours had said so, until more say otherwise; and by
5 % at least, so that nothing much smaller counts as odd however much data there is."""
LEAST_WEEKS = 2
TREND_WEEKS = 4
TREND_HOURS = 3
LIKELY_TREND = 0.8
TREND_PRIOR = 0.3
TREND_EFFECT = 0.05
"""How probable it is that there is a trend, and the standard deviation of its weekly logarithm."""
LEANING_EVENTS = 10
LARGEST_LEAN = 0.8
SUM_GRAINS = 1e6
"""An hour's sum is taken for so many grains: its variance is learned as a whole, and none of it is that of a count."""
MOST_WHERE_NONE = math.log(2)
"""A Poisson count of which half are 0 has this mean at most, and its surprises are reckoned from that."""
_MEDIAN_COST = math.pi / 2
"""A median of n values varies as a mean of n divided by this."""
_FEW = 0.8
"""The median deviation of n values from their own median is short by n / (n - 0.8) (Croux and Rousseeuw, 1992)."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The change of the logarithm in a week over so many weeks, and the probability that there is one."""

    weekly: float
    confidence: float
    weeks: int

    @property
    def is_likely(self) -> bool:
        """Whether it is worth saying."""
        return self.confidence >= LIKELY_TREND

    @property
    def likely_weekly(self) -> float:
        """What is to be expected of it: as much as it is likely."""
        return self.weekly * self.confidence


@dataclass(frozen=True, slots=True)
class Rate:
    """How much there is in a full hour of the present week, their trend reckoned with as far as it is likely.

    `lean` is how much more there is at its end than at its beginning, as a share; `dispersion` by what share the rate
    varies from week to week, `error` that of the expectation itself. One event is `grain` of the measure's unit; if it
    is not `counted` there are no single events, and all that varies is dispersion.
    """

    expected: float
    lean: float
    dispersion: float
    error: float
    grain: float
    counted: bool
    weeks: int
    trend: Trend | None = None

    def by(self, elapsed: float) -> float:
        """Return how much there is when a share of the hour has elapsed."""
        return self.expected * elapsed * (1 - self.lean * (1 - elapsed) / 2)


def rate_of(amounts: Mapping[Place, float], *, counted: bool) -> Rate | None:
    """Return the rate that past hours had, None if too few are known; `counted` says that amounts are of events."""
    if sum(column == 0 for column, _ in amounts) < LEAST_WEEKS:
        return None
    centers = _centers(amounts)
    expected = centers[0]
    if expected <= 0:
        return _hardly_any(amounts) if counted else None
    grain = 1.0 if counted else expected / SUM_GRAINS
    dispersion = _dispersion(amounts, centers, grain)
    trend = _trend(amounts, centers, math.sqrt(dispersion * dispersion + grain / expected))
    weights = {week: AGING**week for column, week in amounts if column == 0}
    drift = 0.0
    if trend:
        risen = {place: value * math.exp(trend.likely_weekly * place[1]) for place, value in amounts.items()}
        centers = _centers(risen)
        expected, dispersion = centers[0], _dispersion(risen, centers, grain)
        age = sum(week * weight for week, weight in weights.items()) / sum(weights.values())
        drift = age * trend.weekly * math.sqrt(trend.confidence * (1 - trend.confidence))
    count = sum(weights.values()) ** 2 / sum(weight * weight for weight in weights.values())
    error = math.sqrt(_MEDIAN_COST * (grain / expected + dispersion * dispersion) / count + drift * drift)
    before = centers.get(1, expected)
    leans = expected / grain >= LEANING_EVENTS
    lean = max(-LARGEST_LEAN, min(LARGEST_LEAN, 1 - before / expected)) if leans else 0.0
    return Rate(expected, lean, dispersion, error, grain, counted, len(weights), trend)


def _hardly_any(amounts: Mapping[Place, float]) -> Rate:
    """Return the rate of an hour that is empty as often as not: that there are many in it is odd, that none is not."""
    counts = [value for (column, _), value in amounts.items() if column == 0]
    return Rate(
        MOST_WHERE_NONE, 0.0, LIKELY_DISPERSION, 1 / math.sqrt(len(counts)), 1.0, counted=True, weeks=len(counts)
    )


def _centers(amounts: Mapping[Place, float]) -> dict[int, float]:
    """Return what is usual in each column."""
    columns: dict[int, list[tuple[float, float]]] = {}
    for (column, week), value in amounts.items():
        if week:
            columns.setdefault(column, []).append((value, AGING**week))
    return {column: weighted_median(pairs) for column, pairs in columns.items()}


def _dispersion(amounts: Mapping[Place, float], centers: Mapping[int, float], grain: float) -> float:
    """Return by what share rates vary beyond chance: that with which the hours stray by 1 on the even scale."""
    pairs = [
        (value / grain, centers[column] / grain)
        for (column, week), value in amounts.items()
        if week and centers[column] > 0
    ]
    weeks = max(week for _, week in amounts)
    short = weeks / (weeks - _FEW)

    def stray(dispersion: float) -> float:
        return short * spread(even_count(value, dispersion) - even_count(center, dispersion) for value, center in pairs)

    low, high = LEAST_DISPERSION, 2.0
    if stray(low) > 1:
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if stray(middle) > 1 else (low, middle)
    found = low * low * len(pairs) + LIKELY_DISPERSION**2 * LIKELY_WEIGHT
    return math.sqrt(found / (len(pairs) + LIKELY_WEIGHT))


def _trend(amounts: Mapping[Place, float], centers: Mapping[int, float], stray: float) -> Trend | None:
    """Return how the weeks rise or fall: the level of each is the median of its hours, each by its own usual.

    An hour strays by the share `stray`; that few levels happen to lie in line does not make them surer.
    """
    levels: dict[int, list[float]] = {}
    for (column, week), value in amounts.items():
        if centers.get(column, 0) > 0:
            levels.setdefault(week, []).append(math.log((value + 0.5) / (centers[column] + 0.5)))
    levels = {week: found for week, found in levels.items() if len(found) >= TREND_HOURS}
    if len(levels) < TREND_WEEKS:
        return None
    points = [(-float(week), median(found)) for week, found in levels.items()]
    slope = theil_sen(points)
    middle = median(level - slope * at for at, level in points)
    freedom = len(points) - 2
    seen = sum((level - slope * at - middle) ** 2 for at, level in points) / freedom
    meant = _MEDIAN_COST * stray * stray / min(map(len, levels.values()))
    center = sum(at for at, _ in points) / len(points)
    error = math.sqrt(max(seen, meant) / sum((at - center) ** 2 for at, _ in points))
    return Trend(slope, posterior(slope / error, 1 / error**2, TREND_PRIOR, freedom, TREND_EFFECT), len(points))
