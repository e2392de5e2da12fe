"""The laws of chunks: the same content makes the same chunks, and every event lands in exactly one."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.chunks import MAX_CHUNK_BYTES, Chunk, chunk_events, chunk_key, decode, encode, event_hash, refiled
from tidemark.domain.events import EPOCH, MAX_EVENT_BYTES, compact_json, format_timestamp
from tidemark.domain.hours import hour_of

ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]


def event(event_id: str, timestamp: str = "2026-11-22T10:00:00.000Z", **properties: Any) -> dict[str, Any]:
    return {"event_id": event_id, "type": "t", "timestamp": timestamp, "properties": properties}


def chunks_of(events: list[dict[str, Any]], timezone: str = "UTC", shards: int = 1) -> list[Chunk]:
    return chunk_events("demo", events, timezone=timezone, shards_at=lambda _: shards)


moments = st.integers(0, 60 * 365 * 24 * 60 * 60_000).map(
    lambda ms: format_timestamp(EPOCH + timedelta(milliseconds=ms))
)
near = st.integers(0, 4 * 60 * 60_000).map(
    lambda ms: format_timestamp(datetime(2026, 11, 1, 4, tzinfo=UTC) + timedelta(milliseconds=ms))
)
histories = st.lists(
    st.builds(event, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4), near | moments),
    max_size=40,
    unique_by=lambda found: found["event_id"],
)


@given(histories, st.sampled_from(ZONES), st.sampled_from([1, 2, 8]), st.randoms())
def test_the_order_of_a_request_does_not_matter(
    events: list[dict[str, Any]], timezone: str, shards: int, order: random.Random
) -> None:
    shuffled = order.sample(events, len(events))
    assert chunks_of(shuffled, timezone, shards) == chunks_of(events, timezone, shards)


@given(histories, st.sampled_from(ZONES), st.sampled_from([1, 2, 8]))
def test_every_event_lands_in_exactly_one_chunk_of_its_hour_and_shard(
    events: list[dict[str, Any]], timezone: str, shards: int
) -> None:
    chunks = chunks_of(events, timezone, shards)
    landed = [found for chunk in chunks for found in chunk.events]
    assert sorted(landed, key=lambda found: found["event_id"]) == sorted(events, key=lambda found: found["event_id"])
    for chunk in chunks:
        assert 0 <= chunk.shard < shards
        for found in chunk.events:
            assert event_hash(found["event_id"]) % shards == chunk.shard
            assert hour_of(datetime.fromisoformat(found["timestamp"]), timezone) == chunk.hour
        assert [found["event_id"] for found in chunk.events] == sorted(found["event_id"] for found in chunk.events)
    assert len({(chunk.hour, chunk.shard, chunk.key) for chunk in chunks}) == len(chunks)


@given(histories)
def test_what_is_encoded_is_decoded(events: list[dict[str, Any]]) -> None:
    assert decode(encode(events)) == events


def test_an_id_counts_once_an_hour_and_the_first_one_wins() -> None:
    (chunk,) = chunks_of([event("a", n=1), event("a", n=2), event("b")])
    assert [found["properties"] for found in chunk.events] == [{"n": 1}, {}]
    assert len(chunks_of([event("a"), event("a", "2026-11-22T11:00:00.000Z")])) == 2


def test_no_events_make_no_chunk() -> None:
    assert chunks_of([]) == []


def test_the_number_of_shards_is_that_of_the_hour() -> None:
    asked: list[int] = []

    def shards_at(hour_seconds: int) -> int:
        asked.append(hour_seconds)
        return 4 if hour_seconds >= 1795341600 else 1

    ids = [str(n) for n in range(50)]
    events = [event(i, "2026-11-22T09:59:59.999Z") for i in ids] + [event(i) for i in ids]
    chunks = chunk_events("demo", events, timezone="UTC", shards_at=shards_at)
    assert {(chunk.hour, chunk.shard) for chunk in chunks} == {
        ("2026-11-22T09:00Z", 0),
        *(("2026-11-22T10:00Z", shard) for shard in range(4)),
    }
    assert sorted(set(asked)) == [1795338000, 1795341600]


def test_large_requests_are_cut_so_that_every_blob_fits_an_item_even_if_nothing_compresses() -> None:
    # Characters of three bytes with random bits: about the least compressible JSON there is.
    def noise() -> str:
        return "".join(chr(0x4E00 + byte % 20_000) for byte in os.urandom(5_000)) + os.urandom(7_000).hex()

    events = [event(f"{n:04}", noise=noise()) for n in range(30)]
    assert all(len(compact_json(found)) <= MAX_EVENT_BYTES for found in events)
    chunks = chunks_of(events)
    assert len(chunks) > 1
    assert sum(len(chunk.events) for chunk in chunks) == len(events)
    for chunk in chunks:
        assert len(compact_json(list(chunk.events))) <= MAX_CHUNK_BYTES + 2
        assert len(encode(chunk.events)) < 300 * 1024
    assert chunks_of(events[::-1]) == chunks


def test_incompressible_bytes_grow_by_less_than_the_room_that_is_left() -> None:
    import zlib

    assert len(zlib.compress(os.urandom(MAX_CHUNK_BYTES), 9)) < MAX_CHUNK_BYTES + 1024


def test_a_key_names_its_content_without_ambiguity() -> None:
    keys = {
        chunk_key("demo", "2026-11-22T10:00Z", 0, ["a", "b"]),
        chunk_key("demo", "2026-11-22T10:00Z", 0, ["ab"]),
        chunk_key("demo", "2026-11-22T10:00Z", 0, ['a","b']),
        chunk_key("demo", "2026-11-22T10:00Z", 1, ["a", "b"]),
        chunk_key("demo", "2026-11-22T11:00Z", 0, ["a", "b"]),
        chunk_key("other", "2026-11-22T10:00Z", 0, ["a", "b"]),
    }
    assert len(keys) == 6
    assert all(len(key) == 32 and int(key, 16) >= 0 for key in keys)


def test_keys_and_hashes_do_not_change_between_versions() -> None:
    """A retry may meet a newer version of the code than the first attempt did."""
    assert chunk_key("demo", "2026-11-22T10:00Z", 0, ["a", "b"]) == "f5adff8badd19c8f4a7e03286749af70"
    assert event_hash("a") == 0x40F89E395B66422F


@given(
    st.sampled_from(["UTC", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York"]),
    st.sampled_from(["UTC", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    st.lists(st.integers(0, 500 * 86_400), min_size=1, max_size=20, unique=True),
    st.sampled_from([1, 4]),
)
def test_chunks_that_are_filed_anew_hold_every_event_where_the_timezone_has_it(
    old: str, new: str, ages: list[int], shards: int
) -> None:
    start = datetime(2026, 11, 22, tzinfo=UTC)
    events = [event(f"e{age}", format_timestamp(start - timedelta(seconds=age))) for age in ages]
    filed: list[Chunk] = []
    for chunk in chunks_of(events, old, shards):
        parts = refiled(chunk, timezone=new, shards_at=lambda _: shards)
        assert parts == refiled(chunk, timezone=new, shards_at=lambda _: shards)
        filed += [chunk] if parts is None else parts
    assert len({(each.hour, each.shard, each.key) for each in filed}) == len(filed)
    assert sorted(each["event_id"] for chunk in filed for each in chunk.events) == sorted(e["event_id"] for e in events)
    born = {(c.hour, c.shard, e["event_id"]) for c in chunks_of(events, new, shards) for e in c.events}
    assert {(c.hour, c.shard, e["event_id"]) for c in filed for e in c.events} == born
    assert all(refiled(chunk, timezone=new, shards_at=lambda _: shards) is None for chunk in filed)


def test_chunks_of_the_same_ids_stay_apart_when_they_are_filed_anew() -> None:
    first, second = (
        chunks_of([event("a", "2026-11-22T10:05:00.000Z", path="/1"), event(other, "2026-11-22T10:50:00.000Z")])[0]
        for other in "bc"
    )
    parts = [refiled(chunk, timezone="Asia/Kolkata", shards_at=lambda _: 1) for chunk in (first, second)]
    one, other = (part[0] for part in parts if part)
    assert (one.hour, [each["event_id"] for each in one.events]) == ("2026-11-22T09:30Z", ["a"])
    assert one.events == other.events
    assert one.key != other.key


def test_a_chunk_without_events_is_filed_nowhere_once_its_hour_is_none() -> None:
    erased = Chunk("w", "2026-11-22T10:00Z", 0, "0" * 32, ())
    assert refiled(erased, timezone="Asia/Kolkata", shards_at=lambda _: 1) == []
    assert refiled(erased, timezone="Europe/Berlin", shards_at=lambda _: 1) is None
