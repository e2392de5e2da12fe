"""Shares, means and percentiles that are otherwise than usual, in a batch or in all of its hour.

The batch shows what has just begun, the hour what is slight but lasts. Of the two the surer is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tidemark.domain import quantiles
from tidemark.domain.definitions import Measure
from tidemark.domain.numeric import MICRO
from tidemark.domain.usual_shares import Level, Share, Tail
from tidemark.domain.weighing import LIKELY, Finding, weigh_level, weigh_share

LEAST_MEAN_EVENTS = 30
"""The mean of fewer is not judged: of a skewed number, as durations are, it is far from normal."""

Scoped = Sequence[tuple[str, Any]]
"""What there is in the batch and in its hour, by the name of the scope."""


def ratio_findings(measure: Measure, share: Share, parts: Scoped) -> Iterator[Finding]:
    """Yield an odd ratio of counts, of (part, whole)."""
    unit = 100 if measure.options["percent"] else 1
    yield from _surest(
        _share(measure, unit * part / whole, unit * share.share, (part, whole), share, scope)
        for scope, (part, whole) in parts
        if whole > 0 and part <= whole
    )


def percentile_findings(measure: Measure, tail: Tail, sketches: Scoped) -> Iterator[Finding]:
    """Yield an odd percentile: many more values, or fewer, above the usual one than usual."""
    q = measure.options["percentile"] / 100
    yield from _surest(
        _share(
            measure,
            quantiles.quantile(sketch, q),
            tail.threshold,
            (quantiles.above(sketch, tail.threshold), sum(sketch.values())),
            tail.above,
            scope,
        )
        for scope, sketch in sketches
        if sketch
    )


def mean_findings(measure: Measure, level: Level, means: Scoped) -> Iterator[Finding]:
    """Yield an odd mean, of (sum in micro-units, how many)."""
    yield from _surest(_mean(measure, level, scope, *state) for scope, state in means if state[1] >= LEAST_MEAN_EVENTS)


def _mean(measure: Measure, level: Level, scope: str, micro: int, number: int) -> Finding:
    mean = micro / MICRO / number
    confidence, change = weigh_level(mean, number, level), _change(mean, level.mean)
    return Finding("anomaly", measure, mean, level.mean, confidence, change, scope, number, hours=level.hours)


def _share(measure: Measure, value: float, usual: float, found: tuple[int, int], share: Share, scope: str) -> Finding:
    part, whole = found
    change = math.log((part + 0.5) / (share.share * whole + 0.5))
    confidence = weigh_share(part, whole, share)
    return Finding("anomaly", measure, value, usual, confidence, change, scope, whole, hours=share.hours)


def _surest(weighed: Iterable[Finding]) -> Iterator[Finding]:
    best = max(weighed, key=lambda finding: finding.confidence, default=None)
    if best and best.confidence >= LIKELY:
        yield best


def _change(value: float, usual: float) -> float:
    """Return by how much a mean has changed, as a logarithm where that has a meaning."""
    return math.log(value / usual) if value > 0 and usual > 0 else math.copysign(1, value - usual)
