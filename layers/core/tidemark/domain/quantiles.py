"""Percentiles: DDSketch (Masson, Rim, Lee, "DDSketch", VLDB 2019) with a fixed range instead of collapsing buckets.

A value falls into the bucket of its logarithm, so that a quantile is within `ACCURACY` of a true value, relatively.
Sizes are clamped to [10^-9, 2^53], which bounds a sketch to 2 x 2,813 buckets and a zero: never collapsed, so merging
is exact in any order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

ACCURACY = 0.01
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GAMMA = math.log(_GAMMA)
_SMALLEST, _LARGEST = 1e-9, float(2**53)
_OFFSET = 1 - math.ceil(math.log(_SMALLEST) / _LOG_GAMMA)

Buckets = Mapping[int, int]
"""Counts by bucket. Bucket numbers order as the values do: negative ones below zero, 0 for zero itself."""


def of_values(values: Iterable[float]) -> Counter[int]:
    """Return the sketch of finite numbers."""
    return Counter(map(_bucket, values))


def merge(sketches: Iterable[Buckets]) -> Counter[int]:
    """Return the sketch of all values together."""
    total: Counter[int] = Counter()
    for sketch in sketches:
        total.update(sketch)
    return total


def quantile(sketch: Buckets, q: float) -> float:
    """Return the value at rank q x (n - 1), 0 <= q <= 1; 0 for no values."""
    rank, seen = q * (sum(sketch.values()) - 1), 0
    for bucket in sorted(sketch):
        seen += sketch[bucket]
        if seen > rank:
            return _value(bucket)
    return 0.0


def above(sketch: Buckets, value: float) -> int:
    """Return how many values are larger than `value`; those within `ACCURACY` of it are not."""
    bound = _bucket(value)
    return sum(number for bucket, number in sketch.items() if bucket > bound)


def _bucket(value: float) -> int:
    if value == 0:
        return 0
    size = min(max(abs(value), _SMALLEST), _LARGEST)
    bucket = math.ceil(math.log(size) / _LOG_GAMMA) + _OFFSET
    return bucket if value > 0 else -bucket


def _value(bucket: int) -> float:
    if bucket == 0:
        return 0.0
    size = float(2 * _GAMMA ** (abs(bucket) - _OFFSET) / (_GAMMA + 1))
    return size if bucket > 0 else -size
