"""Batches: what new events make of a chain, and how a batch is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.batches import Batch, Chain, assigned, batch_id, parse_batch_id
from tidemark.domain.errors import InvalidRequest

CHAIN = Chain("acme", "2026-11-22T10:00Z", 0)
NOW = 1_795_000_000


@given(
    parts=st.lists(st.integers(1, 7), max_size=6),
    size=st.integers(1, 9),
    before=st.none() | st.tuples(st.sampled_from(["OPEN", "SEALED", "ANALYZED"]), st.integers(1, 9)),
)
def test_new_events_fill_the_open_batch_and_then_others_each_event_once(
    parts: list[int], size: int, before: tuple[str, int] | None
) -> None:
    tail = before and Batch(CHAIN, 40, before[0], frozenset(range(-before[1], 0)), ("c",), NOW - 9, version=3)
    known = tail if tail and tail.state == "OPEN" else Batch(CHAIN, 41 if tail else 0, opened_at=NOW)
    fresh = [(f"k{place}", [100 * place + n for n in range(count)]) for place, count in enumerate(parts)]

    written = list(assigned(CHAIN, tail or None, fresh, size, NOW))

    new = [batch.ids - known.ids for batch in written]
    assert sorted(identity for each in new for identity in each) == [n for _, ids in fresh for n in ids]
    assert [batch.number for batch in written] == list(range(known.number, known.number + len(written)))
    for place, batch in enumerate(written):
        before_it = known if place == 0 else Batch(CHAIN, batch.number, opened_at=NOW)
        assert batch.version == before_it.version + 1
        assert batch.ids == before_it.ids | new[place]
        assert len(batch.ids) <= size or (batch.ids == known.ids and place == 0)
        assert (batch.state == "SEALED") == (len(batch.ids) >= size)
        assert (batch.sealed_at, batch.sealed_by) == ((NOW, "size") if batch.state == "SEALED" else (0, ""))
        assert batch.opened_at == before_it.opened_at
        assert set(batch.chunks) == {*before_it.chunks, *(key for key, ids in fresh if new[place] & set(ids))}
    assert [batch.state for batch in written[:-1]] == ["SEALED"] * (len(written) - 1)


@given(st.integers(0, 99), st.integers(0, 10**9 - 1))
def test_a_batch_is_found_by_its_id(shard: int, number: int) -> None:
    chain = Chain("acme", "2026-11-22T10:30Z", shard)
    assert parse_batch_id("acme", batch_id(chain, number)) == (chain, number)


@pytest.mark.parametrize("text", ["", "x", "2026-11-22T10:00Z.00.1", "2026-11-22T10:00Z.00.000001\n", "2026.00.000001"])
def test_what_is_no_batch_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_batch_id("acme", text)
    assert (refused.value.code, refused.value.field) == ("invalid_batch", "batch")


def test_batches_are_listed_in_the_order_of_their_numbers() -> None:
    names = [batch_id(CHAIN, number) for number in (0, 9, 10, 99_999, 100_000, 999_999)]
    assert names == sorted(names)
