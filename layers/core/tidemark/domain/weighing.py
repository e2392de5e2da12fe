"""How sure it is that something is otherwise than usual.

The constants were chosen on simulated weeks with known anomalies, and what they give was measured on others
(benchmarks/anomalies.py): of the claims with a confidence of 0.9, nine in ten are right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tidemark.domain.definitions import Measure
from tidemark.domain.robust import even_count, even_share, normal_probability, posterior
from tidemark.domain.usual_rates import Rate
from tidemark.domain.usual_shares import Level, Share

PRIOR = 0.08
"""How probable it is that a measure is odd, before anything is seen of it."""
RATE_EFFECTS = (0.7, 2.1)
SHARE_EFFECT = 1.2
LEVEL_EFFECT = 0.5
"""By how much the odd has changed: the standard deviation of the logarithm of a rate, of a share's odds, of a mean.
Rates change in two ways: some have twice or half as much, and some ten or a hundred times, which is odd on any site."""
LEVEL_TOLERANCE = 0.03
"""By what share means stray from hour to hour for no reason, beside chance."""
MOST_FREEDOM = 12
SKEWED_FREEDOM = 5
"""Degrees of freedom: the fewer, the more is left to chance. A sum or a mean may be large for a single event."""
LIKELY = 0.7
"""What is less sure is not said: of all that is said, nine in ten are right."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is otherwise than usual: `value` instead of `usual`, in the measure's unit.

    `scope` is what was looked at, the `batch` or its `hour`, with so many `events`. `key` is the value of a top list
    that it is about, `elapsed` the share of the hour that an amount stands for. `change` is a logarithm, and `hours`
    (weeks of a trend) those that say what is usual.
    """

    kind: str
    measure: Measure
    value: float
    usual: float
    confidence: float
    change: float
    scope: str
    events: int = 0
    key: str | None = None
    elapsed: float = 1.0
    hours: int = 0


def weigh_amount(amount: float, expected: float, rate: Rate, elapsed: float) -> float:
    """Return how sure it is that an amount is odd of which so much was `expected`."""
    count, mean = amount / rate.grain, expected / rate.grain
    dispersion = _dispersion(rate, elapsed)
    doubt = 1 + (mean * rate.error) ** 2 / (mean + (dispersion * mean) ** 2)
    deviation = (even_count(count, dispersion) - even_count(mean, dispersion)) / math.sqrt(doubt)
    middle = (count + mean) / 2
    information = middle / (1 + dispersion * dispersion * middle) / doubt
    freedom = _freedom(2 * rate.weeks if rate.counted else SKEWED_FREEDOM)
    return posterior(deviation, information, PRIOR, freedom, *RATE_EFFECTS)


def weigh_direction(amount: float, expected: float, rate: Rate) -> float:
    """Return how sure it is that the hour's rate, chance apart, is on that side of what is usual.

    Rates vary by the dispersion, and counts by chance as well: of a small count that is off it is mostly chance.
    """
    count, mean = amount / rate.grain, expected / rate.grain
    deviation = even_count(count, 0) - even_count(mean, 0)
    chance, meant = 1 + mean * rate.error**2, mean * rate.dispersion**2
    return normal_probability(abs(deviation) * math.sqrt(meant / chance / (chance + meant)))


def weigh_share(part: float, whole: float, share: Share, prior: float = PRIOR) -> float:
    """Return how sure it is that `part` of `whole` events is another share than usual."""
    variance = 1 / (4 * whole) + share.dispersion**2 * (1 + 1 / share.hours) + 1 / (4 * share.total)
    deviation = (even_share(part, whole) - math.asin(math.sqrt(share.share))) / math.sqrt(variance)
    middle = (share.share + (part + 0.375) / (whole + 0.75)) / 2
    return posterior(deviation, middle * (1 - middle) / 4 / variance, prior, _freedom(share.hours / 2), SHARE_EFFECT)


def weigh_level(mean: float, events: int, level: Level) -> float:
    """Return how sure it is that the mean of so many events is another than usual."""
    chance = level.deviation**2 * (1 / events + math.pi / 2 / level.total)
    variance = chance + (LEVEL_TOLERANCE * level.mean) ** 2
    if not variance:  # every value was 0 so far
        return PRIOR
    deviation = (mean - level.mean) / math.sqrt(variance)
    freedom = min(SKEWED_FREEDOM, _freedom(level.hours / 2))
    return posterior(deviation, level.mean**2 / variance, PRIOR, freedom, LEVEL_EFFECT)


def _dispersion(rate: Rate, elapsed: float) -> float:
    """Return by what share an amount varies beside chance; a sum, of which that is all, more the less time it had."""
    return rate.dispersion if rate.counted else rate.dispersion / math.sqrt(elapsed)


def _freedom(hours: float) -> float:
    """Return the degrees of freedom that so many hours leave to the odd."""
    return max(2.0, min(MOST_FREEDOM, hours))
