"""Unique counts: exact while small, an estimate within its stated error beyond, and the same in any order."""

from __future__ import annotations

import math
import random

import pytest
from datasketches import hll_sketch, tgt_hll_type  # type: ignore[import-untyped]  # has no stubs
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import partition, texts
from tidemark.domain.uniques import (
    EXACT_LIMIT,
    PRECISION,
    Uniques,
    compact,
    count,
    dump,
    hash_text,
    load,
    merge,
    of_values,
)

STANDARD_ERROR = 1.04 / math.sqrt(1 << PRECISION)


def names(number: int, salt: int = 0) -> list[str]:
    return [f"visitor-{salt}-{n}" for n in range(number)]


def sketched(state: Uniques) -> Uniques:
    """Return the state with registers in any case, as one that has been large has them."""
    return merge([compact(of_values(names(EXACT_LIMIT + 1))), state])


@given(st.lists(texts))
def test_the_count_is_exact_while_the_set_is_small(values: list[str]) -> None:
    assert count(compact(of_values(values))) == len(set(values))


def test_a_stored_set_becomes_registers_beyond_the_limit_and_not_before() -> None:
    assert compact(of_values(names(EXACT_LIMIT))).registers == b""
    assert count(compact(of_values(names(EXACT_LIMIT)))) == EXACT_LIMIT
    grown = compact(of_values(names(EXACT_LIMIT + 1)))
    assert len(grown.registers) == 1 << PRECISION
    assert not grown.hashes


def test_a_union_of_exact_sets_is_exact_whatever_its_size() -> None:
    hours = [compact(of_values(names(400, salt))) for salt in range(50)]
    assert count(merge([*hours, *hours])) == 20_000


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5))
def test_a_union_of_sketches_has_the_highest_of_each_register(patterns: list[bytes]) -> None:
    size = 1 << PRECISION
    sketches = [(bytes(byte % 54 for byte in pattern) * size)[:size] for pattern in patterns]
    union = merge([Uniques(registers=sketch) for sketch in sketches])
    assert union == Uniques(registers=bytes(map(max, zip(*sketches, strict=True))))


@pytest.mark.parametrize("number", [513, 1_000, 2_000, 5_000, 12_000, 30_000, 100_000])
def test_an_estimate_is_within_four_standard_errors(number: int) -> None:
    for salt in range(3 if number <= 12_000 else 1):
        estimate = count(compact(of_values(names(number, salt))))
        assert abs(estimate / number - 1) < 4 * STANDARD_ERROR


@pytest.mark.parametrize("number", [600, 1_500, 4_000, 10_000, 40_000])
def test_the_estimate_agrees_with_apache_datasketches(number: int) -> None:
    """Both are within 4 sigma of the truth, their hashes being independent: so within 4 x sqrt(2) of one another."""
    oracle = hll_sketch(PRECISION, tgt_hll_type.HLL_8)
    for name in names(number):
        oracle.update(name)
    estimate = count(compact(of_values(names(number))))
    assert abs(estimate / oracle.get_estimate() - 1) < 4 * math.sqrt(2) * STANDARD_ERROR


def test_the_mean_error_over_many_sets_is_what_theory_says() -> None:
    """Bias and spread: 60 sets of 3,000; the mean error of so many is within 4 / sqrt(60) of a standard error of 0."""
    errors = [count(compact(of_values(names(3_000, salt)))) / 3_000 - 1 for salt in range(60)]
    mean = sum(errors) / len(errors)
    spread = math.sqrt(sum((error - mean) ** 2 for error in errors) / (len(errors) - 1))
    assert abs(mean) < 4 / math.sqrt(60) * STANDARD_ERROR
    assert 0.6 * STANDARD_ERROR < spread < 1.4 * STANDARD_ERROR


@given(st.integers(0, 2_000), st.randoms(use_true_random=False))
def test_the_state_depends_on_the_values_alone(number: int, chance: random.Random) -> None:
    values = names(number)
    whole = compact(of_values(values))
    again = values + chance.choices(values, k=50) if values else []
    folded = Uniques()
    for part in partition(again, chance):
        folded = compact(merge((folded, of_values(part))))
    assert folded == whole
    assert dump(folded) == dump(whole)
    at_once = compact(merge(compact(of_values(part)) for part in partition(again, chance)))
    assert at_once == whole


states = st.one_of(
    st.lists(texts, max_size=6).map(of_values),
    st.lists(texts, max_size=6).map(of_values).map(sketched),
    st.integers(0, 3).map(lambda salt: compact(of_values(names(800, salt)))),
)


@given(states, states, states)
def test_merging_is_a_union(one: Uniques, two: Uniques, three: Uniques) -> None:
    assert merge((one, two)) == merge((two, one))
    assert merge((merge((one, two)), three)) == merge((one, merge((two, three)))) == merge((one, two, three))
    assert merge((one, one)) == one == merge((one,)) == merge((one, Uniques()))
    assert merge(()) == Uniques()


@given(states)
def test_a_state_survives_its_dump(state: Uniques) -> None:
    assert load(dump(state)) == state
    assert compact(compact(state)) == compact(state)


@pytest.mark.parametrize("values", [names(3), names(EXACT_LIMIT + 1)])
def test_a_state_that_is_cut_is_not_loaded(values: list[str]) -> None:
    stored = dump(compact(of_values(values)))
    cut = {"registers": stored["registers"][:-4]} if isinstance(stored, dict) else stored[:-4]
    with pytest.raises(ValueError, match=r"bytes each|registers"):
        load(cut)


def test_registers_hold_the_longest_run_of_zeros() -> None:
    """By hand: the first 12 bits choose the register, the 52 others give the rank, 53 if all are zero."""
    empty = bytes(1 << PRECISION)
    full = merge([Uniques(registers=empty), Uniques(frozenset({0x001_8000000000000, 0x002_0000000000000}))]).registers
    assert (full[1], full[2]) == (1, 53)
    assert sum(full) == 54
    assert merge([Uniques(registers=full), Uniques(frozenset({0x001_4000000000000}))]).registers[1] == 2
    assert merge([Uniques(registers=full), Uniques(frozenset({0x001_FFFFFFFFFFFFF}))]).registers[1] == 1


def test_the_hash_is_fixed_for_good() -> None:
    """States are stored: another hash would count everybody twice."""
    assert hash_text("") == 0xE4A6A0577479B2B4
    assert hash_text("visitor") == hash_text("visitor")
    assert len({hash_text(name) for name in names(100_000)}) == 100_000
