"""Amounts that are otherwise than usual, and their trends over the weeks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tidemark.domain.definitions import Measure
from tidemark.domain.usual import amount
from tidemark.domain.usual_rates import Rate
from tidemark.domain.weighing import LIKELY, Finding, weigh_amount, weigh_direction

LEAST_ANOMALY = math.log(1.2)
LEAST_CHANGE = math.log(1.1)
LEAST_TREND = math.log(1.02)
"""What changes by less (of a trend, in a week) is not worth saying."""
LIKELY_CHANGE = 0.8
LEAST_EVENTS = 20
"""A change of fewer is mostly chance."""


def rate_findings(measure: Measure, rate: Rate, state: Any, elapsed: float | None) -> Iterator[Finding]:
    """Yield what is odd about a measure in the hour so far, of which a share has `elapsed`, and its trend."""
    trend = rate.trend
    if trend and trend.is_likely and abs(trend.weekly) >= LEAST_TREND:
        before = rate.expected * math.exp(-trend.weekly * (trend.weeks - 1))
        yield Finding(
            "trend", measure, rate.expected, before, trend.confidence, trend.weekly, "hour", hours=trend.weeks
        )
    # Of those who came in a part of an hour nobody knows how many will come again in the rest.
    if elapsed is None or (measure.kind == "unique" and elapsed < 1):
        return
    found, expected = max(0.0, amount(measure.kind, state)), rate.by(elapsed)
    change = math.log((found / rate.grain + 0.5) / (expected / rate.grain + 0.5))
    finding = Finding("anomaly", measure, found, expected, 0, change, "hour", elapsed=elapsed, hours=rate.weeks)
    oddness, direction = weigh_amount(found, expected, rate, elapsed), weigh_direction(found, expected, rate)
    if oddness >= LIKELY and abs(change) >= LEAST_ANOMALY:
        yield replace(finding, confidence=oddness)
    elif direction >= LIKELY_CHANGE and abs(change) >= LEAST_CHANGE and rate.counted and expected >= LEAST_EVENTS:
        yield replace(finding, kind="change", confidence=direction)
