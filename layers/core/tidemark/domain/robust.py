"""Statistics that a few odd hours do not mislead: medians instead of means, and doubt that little history leaves.

Counts are compared where their variance is even. A count with mean m and variance m + (t m)², which is a Poisson count
whose rate itself varies by the share t from hour to hour, has unit variance on the scale 2/t asinh(t sqrt(x + 3/8))
(Anscombe, "The transformation of Poisson, binomial and negative-binomial data", Biometrika 1948). A share of n events
has variance 1/4n on the scale asin sqrt.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

NORMAL_MAD = 0.6745
"""The median absolute deviation of a standard normal variable."""


def median(values: Iterable[float]) -> float:
    """Return the median; raises `ValueError` for no values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values have no median")
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def weighted_median(pairs: Iterable[tuple[float, float]]) -> float:
    """Return the median of (value, weight), halfway between two values where the weights are even.

    Raises `ValueError` if nothing has a weight.
    """
    ordered = sorted((value, weight) for value, weight in pairs if weight > 0)
    half = sum(weight for _, weight in ordered) / 2
    seen = 0.0
    for at, (value, weight) in enumerate(ordered):
        seen += weight
        if math.isclose(seen, half):
            return (value + ordered[at + 1][0]) / 2
        if seen > half:
            return value
    raise ValueError("no values have no median")


def spread(deviations: Iterable[float]) -> float:
    """Return the standard deviation of what deviates from 0, by the median absolute deviation."""
    return median(map(abs, deviations)) / NORMAL_MAD


def theil_sen(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope through (x, y): the median of all pairs' slopes; raises `ValueError` for fewer than two."""
    return median((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x1 != x2)


def even_count(count: float, dispersion: float) -> float:
    """Return a count on the scale where its variance is 1; `dispersion` is t above."""
    root = math.sqrt(count + 0.375)
    # Below this the two agree to nine digits, and the quotient would lose them.
    return 2 * root if dispersion * root < 1e-4 else 2 / dispersion * math.asinh(dispersion * root)


def even_share(part: float, total: float) -> float:
    """Return a share, `part` of `total` events, on the scale where its variance is 1/4 of 1/`total`."""
    return math.asin(math.sqrt(min(1.0, (part + 0.375) / (total + 0.75))))


def normal_probability(deviation: float) -> float:
    """Return the probability that a standard normal variable is below `deviation`."""
    return (1 + math.erf(deviation / math.sqrt(2))) / 2


def posterior(deviation: float, information: float, prior: float, freedom: float, *effects: float) -> float:
    """Return the probability that something has changed, given that it is `deviation` standard deviations off.

    Without a change the deviation follows Student's t. With one, the changed logarithm itself varies by one of the
    `effects`, all as likely, which moves the deviation by sqrt(`information`) each unit, so it is as much wider. Where
    there is little information, the two are alike and the answer is the `prior`; with few degrees of freedom no
    deviation is convincing.
    """
    gains = [_gain(deviation * deviation, 1 + information * effect * effect, freedom) for effect in effects]
    most = max(gains)
    gain = most + math.log(sum(math.exp(each - most) for each in gains) / len(gains))
    evidence = math.log(prior / (1 - prior)) + gain
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, evidence))))


def _gain(square: float, widening: float, freedom: float) -> float:
    """Return the logarithm of how much more probable a deviation of that square is where it is so much wider."""
    return _log_tail(square, freedom) - _log_tail(square / widening, freedom) - math.log(widening) / 2


def _log_tail(square: float, freedom: float) -> float:
    """Return how much less probable, as a logarithm, a deviation of that square is than none."""
    return (freedom + 1) / 2 * math.log1p(square / freedom)
