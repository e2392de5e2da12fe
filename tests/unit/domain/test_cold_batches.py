"""Batches as JSON, there and back, and what becomes of two lists of them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.support.memory_cold import analysed
from tidemark.domain.cold_batches import analysed_of, merged, row_of
from tidemark.domain.events import compact_json

PLACES = st.lists(st.tuples(st.integers(0, 5), st.sampled_from((100, 900))), unique=True).map(sorted)


def test_a_batch_comes_back_from_json_as_it_was() -> None:
    before = analysed(3)
    row = json.loads(compact_json(row_of(before)))
    assert analysed_of(row) == before
    assert (row["batch_id"], row["events"]) == ("2026-11-21T10:00Z.00.000003", 2)
    assert row["event_hashes"] == ["0000000000000003", "ffffffffffffffff"]


@given(newer=PLACES, older=PLACES)
def test_each_batch_is_there_once_in_order_and_as_the_newer_list_has_it(
    newer: list[tuple[int, int]], older: list[tuple[int, int]]
) -> None:
    new = [row_of(analysed(*place, summary="new")) for place in newer]
    old = [row_of(analysed(*place, summary="old")) for place in older]
    found = [((row["number"], row["opened_at"]), row["insight"]["summary"]) for row in merged(new, old)]
    assert found == [(place, "new" if place in newer else "old") for place in sorted({*newer, *older})]
