"""Numbers that fold in any order."""

from __future__ import annotations

import json
import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import LARGEST, numbers, values
from tidemark.domain.numeric import (
    MICRO,
    bounded,
    canonical,
    from_micro,
    numeric,
    quotient,
    rounded,
    to_micro,
)


@given(st.lists(numbers))
def test_a_sum_is_exactly_that_of_its_values_rounded_to_micro_units(column: list[float]) -> None:
    total = sum(Fraction(round(Fraction(value) * MICRO), MICRO) for value in column)
    off = abs(Fraction(to_micro(column), MICRO) - total)
    # Only a value halfway between two micro-units may go either way: the product with 10^6 is rounded too.
    halves = sum(abs(Fraction(value) * MICRO % 1 - Fraction(1, 2)) < Fraction(1, MICRO) for value in column)
    assert off <= Fraction(halves, MICRO)


@given(st.lists(st.integers(-LARGEST, LARGEST)))
def test_integers_are_summed_exactly_and_so_are_the_same_numbers_as_floats(column: list[int]) -> None:
    assert to_micro(column) == sum(column) * MICRO == to_micro([float(value) for value in column])


@given(st.lists(numbers), st.lists(numbers))
def test_a_sum_is_the_sum_of_its_parts(one: list[float], other: list[float]) -> None:
    assert to_micro(one + other) == to_micro(one) + to_micro(other) == to_micro(other + one)


@given(st.integers(-(10**30), 10**30))
def test_a_sum_is_shown_as_the_nearest_number_within_what_json_keeps(micro: int) -> None:
    shown = from_micro(micro)
    wanted = Fraction(micro, MICRO)
    if abs(wanted) >= LARGEST:
        assert shown == math.copysign(1, micro) * LARGEST
    else:
        assert abs(Fraction(shown) - wanted) <= abs(wanted) / 2**52
    assert json.loads(json.dumps(shown)) == shown


@given(numbers)
def test_a_number_has_one_form(value: float) -> None:
    form = canonical(value)
    assert form == value
    assert json.dumps(form) == json.dumps(canonical(float(value))) or abs(value) > LARGEST
    assert isinstance(form, int) == (value == int(value))
    assert json.dumps(canonical(-0.0)) == "0"


shown = st.integers(-(10**22), 10**22).map(from_micro) | st.integers(-50, 50).map(from_micro)


@given(shown, shown)
def test_a_quotient_of_what_is_shown_is_finite_and_whole_where_it_can_be(numerator: float, denominator: float) -> None:
    result = quotient(numerator * 100, denominator)
    assert abs(result) <= LARGEST
    assert isinstance(result, int) == (result == int(result))
    assert denominator != 0 or result == 0


def test_results_are_rounded_to_four_digits() -> None:
    assert quotient(1, 3) == 0.3333
    assert quotient(2, 3) == 0.6667
    assert quotient(200, 2) == 100
    assert rounded(0.00004) == 0
    assert str(rounded(-0.00004)) == "0"
    assert bounded(2**60) == LARGEST
    assert bounded(-(2**60)) == -LARGEST


@given(st.lists(values))
def test_only_numbers_are_numeric(column: list[object]) -> None:
    assert all(type(value) in (int, float) for value in numeric(column))
    assert len(numeric(column)) == len([v for v in column if isinstance(v, int | float) and not isinstance(v, bool)])
