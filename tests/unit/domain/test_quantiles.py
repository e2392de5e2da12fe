"""Percentiles: within the stated relative error of the exact ones, and the same in any order."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import LARGEST, numbers, partition
from tidemark.domain.quantiles import ACCURACY, merge, of_values, quantile

SMALLEST = 1e-9

columns = st.lists(numbers, min_size=1, max_size=60)
fractions = st.integers(0, 100).map(lambda percent: percent / 100)


def exact(values: list[float], q: float) -> float:
    """Return the value at rank q x (n - 1), the lower of the two if that lies between."""
    return sorted(values)[math.floor(q * (len(values) - 1))]


@given(columns, fractions)
def test_a_quantile_is_within_its_relative_error_of_the_exact_one(column: list[float], q: float) -> None:
    found, wanted = quantile(of_values(column), q), exact(column, q)
    # Below 10^-9 a size is not told from it; rounding of logarithms takes a little more than the bound.
    assert abs(found - wanted) <= ACCURACY * (1 + 1e-9) * abs(wanted) + 2 * SMALLEST * (0 < abs(wanted) < SMALLEST)


@pytest.mark.parametrize("draw", ["gauss", "lognormvariate", "expovariate"])
def test_quantiles_of_common_distributions_are_within_one_percent(draw: str) -> None:
    chance = random.Random(7)
    values = [getattr(chance, draw)(*((3.0,) if draw == "expovariate" else (3.0, 2.0))) for _ in range(5_000)]
    sketch = of_values(values)
    for percent in range(101):
        wanted = exact(values, percent / 100)
        assert abs(quantile(sketch, percent / 100) - wanted) <= ACCURACY * (1 + 1e-9) * abs(wanted)


@given(columns)
def test_quantiles_grow_with_their_rank(column: list[float]) -> None:
    sketch = of_values(column)
    shown = [quantile(sketch, percent / 100) for percent in range(0, 101, 5)]
    assert shown == sorted(shown)


@given(columns, st.randoms(use_true_random=False))
def test_a_sketch_depends_on_the_values_alone(column: list[float], chance: random.Random) -> None:
    assert merge(of_values(part) for part in partition(column, chance)) == of_values(column)


def test_the_quantile_of_nothing_is_zero() -> None:
    assert quantile(Counter(), 0.5) == 0


@given(numbers)
def test_a_quantile_of_one_value_keeps_its_sign_and_what_json_keeps(value: float) -> None:
    found = quantile(of_values([value]), 0.5)
    assert (found > 0) == (value > 0)
    assert (found < 0) == (value < 0)
    assert abs(found) <= LARGEST


def test_a_sketch_is_bounded() -> None:
    everything = [sign * 10 ** (exponent / 100) for exponent in range(-1_200, 1_800) for sign in (1, -1)] + [0.0]
    assert len(of_values(everything)) <= 2 * 2_813 + 1
