"""Top lists: exact up to twice the capacity, and beyond it never further off than they say."""

from __future__ import annotations

import random
import struct
import zlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import partition, texts
from tidemark.domain.toplists import (
    CAPACITY,
    KEY_LENGTH,
    LARGEST,
    TopList,
    compact,
    merge,
    of_values,
    pack,
    rows,
    unpack,
)

seeds = st.integers(0, 2**32)


def traffic(chance: random.Random, keys: int, number: int) -> list[str]:
    """Return keys that come as paths do: some often, most seldom (Pareto)."""
    return [f"/{min(int(chance.paretovariate(0.6)), keys)}" for _ in range(number)]


@given(st.lists(texts), st.randoms(use_true_random=False))
def test_a_list_is_exact_and_the_same_in_any_order(keys: list[str], chance: random.Random) -> None:
    folded = TopList()
    for part in partition(keys, chance):
        folded = compact(merge((folded, of_values(part))))
    assert folded == of_values(keys) == TopList(Counter(keys), 0)


@given(seeds)
def test_up_to_twice_the_capacity_of_keys_nothing_is_lost(seed: int) -> None:
    chance = random.Random(seed)
    keys = [f"/{n}" for n in range(2 * CAPACITY)] + traffic(chance, 2 * CAPACITY - 1, 500)
    folded = TopList()
    for part in partition(keys, chance):
        folded = compact(merge((folded, of_values(part))))
    assert folded == TopList(Counter(keys), 0)


@given(seeds, st.integers(1, 40), st.integers(500, 4_000))
def test_a_true_count_lies_within_the_stated_error(seed: int, batches: int, distinct: int) -> None:
    """Over any history of truncations: batches folded into hours, in part compacted, hours merged, compacted again."""
    chance = random.Random(seed)
    keys = traffic(chance, distinct, 4_000) + [f"/once/{n}" for n in range(600)]
    chance.shuffle(keys)
    truth = Counter(keys)
    hours = [TopList() for _ in range(3)]
    size = -(-len(keys) // batches)
    for start in range(0, len(keys), size):
        hour = chance.randrange(3)
        hours[hour] = compact(merge((hours[hour], of_values(keys[start : start + size]))))
    for top in (merge(hours), compact(merge(hours)), merge([compact(merge(hours[:2])), hours[2]])):
        assert set(top.counts) <= set(truth)
        for key, number in truth.items():
            shown = top.counts.get(key, 0)
            assert shown <= number <= shown + top.error


@given(seeds)
def test_compacting_bounds_a_list_and_keeps_the_largest(seed: int) -> None:
    chance = random.Random(seed)
    top = TopList({f"/{n}": chance.randint(1, 50) for n in range(chance.randint(0, 900))}, chance.randint(0, 5))
    bounded = compact(top)
    assert len(bounded.counts) <= 2 * CAPACITY
    assert compact(bounded) == bounded
    assert rows(bounded, CAPACITY) == rows(top, CAPACITY)
    dropped = [number for key, number in top.counts.items() if key not in bounded.counts]
    assert bounded.error == top.error + max(dropped, default=0)


@given(st.lists(st.builds(TopList, st.dictionaries(texts, st.integers(1, 9), max_size=5), st.integers(0, 9))))
def test_merging_adds_counts_and_errors(lists: list[TopList]) -> None:
    merged = merge(lists)
    assert merged.error == sum(part.error for part in lists)
    assert merged.counts == sum((Counter(part.counts) for part in lists), Counter())
    assert merge(reversed(lists)) == merged == merge((merge(lists[:1]), merge(lists[1:])))


@given(seeds, st.integers(0, 120), st.integers(1, 130))
def test_a_packed_list_shows_and_merges_as_before(seed: int, keys: int, limit: int) -> None:
    chance = random.Random(seed)
    top = TopList({f"/{n}": chance.randint(1, 9) for n in range(keys)}, chance.randint(0, 5))
    other = TopList({f"/{n}": 1 for n in range(0, 200, 3)}, 1)
    assert rows(unpack(pack(top)), limit) == rows(top, limit)
    assert unpack(pack(top)) == top
    assert merge((unpack(pack(top)), unpack(pack(other)))) == merge((top, other))
    assert pack(unpack(pack(top))) == pack(top)


@pytest.mark.parametrize("keys", [0, 3, LARGEST, LARGEST + 1, 400])
def test_a_packed_list_that_is_cut_anywhere_is_noticed_at_once(keys: int) -> None:
    packed = pack(TopList({f"/{n}": n for n in range(1, keys + 1)}))
    for end in range(len(packed)):
        with pytest.raises((ValueError, struct.error, zlib.error)):
            unpack(packed[:end])


def test_rows_are_the_largest_first_ties_by_key() -> None:
    assert rows(TopList({"b": 2, "c": 5, "a": 2, "d": 1}), 3) == [("c", 5), ("a", 2), ("b", 2)]


def test_long_keys_are_cut_and_count_together() -> None:
    longest = "x" * KEY_LENGTH
    top = of_values([longest, longest + "y", longest + "z"])
    assert top.counts == {longest: 1, "x" * (KEY_LENGTH - 1) + "…": 2}
    assert all(len(key) <= KEY_LENGTH for key in top.counts)
