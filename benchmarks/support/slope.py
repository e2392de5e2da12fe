"""Whether memory grows: a line through its samples, and what its slope is due to."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

T_95: Mapping[int, float] = {1: 12.71, 2: 4.30, 5: 2.57, 10: 2.23, 20: 2.09, 30: 2.04, 60: 2.00}
"""Student's t for a 95 % interval by degrees of freedom, at most."""

Series = Sequence[tuple[float, float]]
"""Samples as (minute, value)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted line: its mean, its slope a minute, the half width of the slope's 95 % interval, and its minutes."""

    mean: float
    slope: float
    spread: float
    minutes: float

    def verdict(self, cache: float) -> str:
        """Return "flat" if the slope's interval reaches zero, "cache" if a cache of that size explains it, or "GROWS".

        A cache explains a slope if even its upper end, over the time that was measured, stays within the cache. Of too
        few samples the verdict is "unknown".
        """
        if math.isinf(self.spread):
            return "unknown"
        if self.slope <= self.spread:
            return "flat"
        return "cache" if (self.slope + self.spread) * self.minutes <= cache else "GROWS"


def fit(series: Series) -> Line:
    """Fit a line by least squares; the half width is infinite for fewer than three samples."""
    minutes, values = [x for x, _ in series], [y for _, y in series]
    mean, lasted = statistics.fmean(values), max(minutes) - min(minutes)
    if len(series) < 3:
        return Line(mean, 0.0, math.inf, lasted)
    slope, intercept = statistics.linear_regression(minutes, values)
    residuals = sum((y - intercept - slope * x) ** 2 for x, y in series)
    freedom = len(series) - 2
    centre = statistics.fmean(minutes)
    error = math.sqrt(residuals / freedom / sum((x - centre) ** 2 for x in minutes))
    return Line(mean, slope, error * T_95[max(least for least in T_95 if least <= freedom)], lasted)
