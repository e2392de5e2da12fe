"""A set of event hashes: the same answers as a `set`, in less memory."""

from __future__ import annotations

import random
import tracemalloc
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain import idset
from tidemark.domain.idset import IdSet

NUMBERS = st.integers(0, 40) | st.integers(0, 2**64 - 1)


@given(st.lists(st.lists(NUMBERS, max_size=12), max_size=30), st.lists(NUMBERS))
def test_it_has_what_was_added_and_nothing_else(added: list[list[int]], asked: list[int]) -> None:
    with patch.object(idset, "RECENT", 4), patch.object(idset, "LONGEST_RUN", 32):
        found, expected = IdSet(), set[int]()
        for numbers in added:
            found.update(numbers)
            expected.update(numbers)
            assert all(number in found for number in numbers)
    assert [number in found for number in asked] == [number in expected for number in asked]
    assert all(number in found for number in expected)
    assert len(expected) <= len(found) <= sum(map(len, added))


def test_a_hundred_thousand_take_less_than_a_megabyte_and_a_half_and_hardly_more_for_a_moment() -> None:
    rng = random.Random(1)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        found = IdSet()
        for _ in range(1000):
            found.update(frozenset(rng.getrandbits(64) for _ in range(100)))
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == 100_000
    assert after - before < 1_500_000
    assert peak - after < 500_000
