"""The order of a timeline, what it shows, its gaps and its cursors."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.chunks import Chunk, chunk_events, event_hash
from tidemark.domain.definitions import Dashboard
from tidemark.domain.errors import InvalidRequest
from tidemark.domain.events import EPOCH, MAX_NUMBER, format_timestamp
from tidemark.domain.timeline import (
    NO_SEQUENCE,
    Place,
    check_session_id,
    declared,
    entries_of,
    in_order,
    session_key,
    shown,
)
from tidemark.domain.timeline_cursor import MAX_CURSOR_CHARACTERS, MAX_GAPS, Cursor, Gaps

HOUR = "2026-11-22T10:00Z"
TYPES = {"started", "member_join", "ended"}


def event(event_id: str, type_: str = "started", session: str | None = "s1", **fields: Any) -> dict[str, Any]:
    made = {"event_id": event_id, "type": type_, "timestamp": "2026-11-22T10:00:00.000Z", "properties": {}, **fields}
    return made if session is None else {**made, "session_id": session}


def chunk(*events: dict[str, Any], key: str = "c1") -> Chunk:
    return Chunk("demo", HOUR, 0, key, events)


def order_of(*chunks: tuple[str, str, list[dict[str, Any]]]) -> list[int]:
    """Return the identities of the events of (key, received at, events) in the order of the timeline."""
    entries = [
        entry
        for key, received_at, events in chunks
        for entry in entries_of(chunk(*events, key=key), TYPES, received_at, 0)
    ]
    return [place.identity for place, _ in in_order(entries)]


def hashes(*event_ids: str) -> list[int]:
    return [event_hash(event_id) for event_id in event_ids]


def test_a_chunk_is_indexed_once_a_session_and_only_for_declared_types() -> None:
    events = [
        event("a"),
        event("b", session="s2"),
        event("c", "member_join"),
        event("d", "page"),
        event("e", session=None),
        event("f", "page", session="s3"),
    ]
    entries = entries_of(chunk(*events), TYPES, "2026-11-22T10:00:01.000Z", 99)
    assert [(entry.session, [place.identity for place in entry.places]) for entry in entries] == [
        (session_key("s1"), hashes("a", "c")),
        (session_key("s2"), hashes("b")),
    ]
    assert {(e.workspace, e.hour, e.shard, e.chunk, e.received_at, e.expires_at) for e in entries} == {
        ("demo", HOUR, 0, "c1", "2026-11-22T10:00:01.000Z", 99)
    }


def test_a_place_is_exact_to_the_millisecond() -> None:
    for milliseconds in (0, 1, 1_795_305_600_001, 1_795_305_600_999):
        timestamp = format_timestamp(EPOCH + timedelta(milliseconds=milliseconds))
        ((entry,)) = entries_of(chunk(event("a", timestamp=timestamp)), TYPES, "", 0)
        assert entry.places == (Place(milliseconds, NO_SEQUENCE, event_hash("a")),)


def test_events_stand_in_the_order_of_time_then_of_the_clients_own_number() -> None:
    later = event("z", timestamp="2026-11-22T10:00:00.001Z", properties={"sequence": 1})
    numbered = [event(f"n{n}", properties={"sequence": n}) for n in (10, 9, 2)]
    unnumbered = event("u", properties={"sequence": "3"})
    found = order_of(("c1", "r1", [later, numbered[0]]), ("c2", "r2", [numbered[1], unnumbered, numbered[2]]))
    assert found == hashes("u", "n2", "n9", "n10", "z")


def test_an_event_that_came_in_several_chunks_stands_where_the_first_request_put_it() -> None:
    early, late = "2026-11-22T10:00:00.000Z", "2026-11-22T10:30:00.000Z"
    retried = [event("a", timestamp=late), event("a", timestamp=early)]
    between = event("b", timestamp="2026-11-22T10:15:00.000Z")
    assert order_of(("c1", "r2", [retried[1]]), ("c2", "r1", [retried[0], between])) == hashes("b", "a")
    assert order_of(("c2", "r1", [retried[1], between]), ("c1", "r2", [retried[0]])) == hashes("a", "b")
    assert order_of(("c2", "r", [retried[0]]), ("c1", "r", [retried[1], between])) == hashes("a", "b")


@given(st.permutations(range(12)), st.lists(st.integers(1, 4), min_size=12, max_size=12))
def test_the_order_does_not_depend_on_how_events_were_chunked_and_repeated(order: list[int], sizes: list[int]) -> None:
    events = [event(f"e{n}", timestamp=f"2026-11-22T10:00:0{n // 3}.000Z") for n in range(12)]
    whole = order_of(("c", "r", events))
    parts = []
    for at, size in zip(order, sizes, strict=True):
        parts.append((f"c{at}-{size}", f"r{at}", events[at : at + size]))
    assert order_of(*parts) == whole
    assert len(whole) == 12


def test_a_timeline_shows_the_declared_fields_and_nothing_else() -> None:
    full = event(
        "a",
        "member_join",
        user_id="u1",
        anonymous_id="x",
        context={"ip": "192.0.2.1", "app": {"version": "1"}},
        properties={
            "role": "student",
            "name": "Ann",
            "sequence": 4,
            "place": {"room": 1, "address": "home"},
            "n": None,
        },
    )
    paths = ("user_id", "properties.role", "properties.place.room", "properties.n", "context.app.version")
    assert shown(full, paths, 7) == {
        "seq": 7,
        "event_id": "a",
        "type": "member_join",
        "timestamp": "2026-11-22T10:00:00.000Z",
        "sequence": 4,
        "user_id": "u1",
        "properties": {"role": "student", "place": {"room": 1}, "n": None},
        "context": {"app": {"version": "1"}},
    }
    assert shown(full, (), 1).keys() == {"seq", "event_id", "type", "timestamp", "sequence", "properties"}
    assert shown(full, (), 1)["properties"] == {}


@pytest.mark.parametrize("properties", [{}, {"place": "here"}, {"place": [1]}, {"place": None}])
def test_a_declared_field_that_an_event_lacks_is_left_out(properties: dict[str, Any]) -> None:
    found = shown(event("a", properties=properties), ("user_id", "properties.place.room", "context.app"), 1)
    assert found.keys() == {"seq", "event_id", "type", "timestamp", "properties"}
    assert found["properties"] == {}


def test_a_whole_object_and_a_part_of_it_may_both_be_declared() -> None:
    source = event("a", properties={"place": {"room": 1, "floor": 2}})
    for paths in (("properties.place", "properties.place.room"), ("properties.place.room", "properties.place")):
        assert shown(source, paths, 1)["properties"] == {"place": {"room": 1, "floor": 2}}


@pytest.mark.parametrize("sequence", [True, 1.0, "1", None, [1]])
def test_only_an_integer_is_a_sequence_number(sequence: Any) -> None:
    assert "sequence" not in shown(event("a", properties={"sequence": sequence}), (), 1)


def test_dashboards_declare_timelines_together() -> None:
    one, two = (
        Dashboard("d", "D", {}, (), (), {}, timelines)
        for timelines in ({"started": (), "join": ("user_id",)}, {"join": ("properties.role", "user_id")})
    )
    assert declared([one, two]) == {"started": (), "join": ("user_id", "properties.role")}
    assert declared([]) == {}


@pytest.mark.parametrize("session_id", ["", "x" * 257, "\ud800"])
def test_what_no_event_may_have_is_no_session_id(session_id: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_session_id(session_id)
    assert (refused.value.code, refused.value.field) == ("invalid_id", "session_id")


def test_the_key_of_a_session_tells_nothing_and_is_short() -> None:
    assert check_session_id("ä/#" * 80) == "ä/#" * 80
    assert len(session_key("ä/#" * 80)) == 32
    assert session_key("s1") != session_key("s2")


# ── Gaps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def gaps_of(*sequences: int) -> list[tuple[int, int]]:
    gaps = Gaps()
    for sequence in sequences:
        gaps.see(sequence)
    return gaps.ranges


def test_a_gap_is_what_lies_below_a_number_and_was_never_seen() -> None:
    assert gaps_of() == gaps_of(1, 2, 3) == gaps_of(2, 1) == gaps_of(0, -5, 1) == []
    assert gaps_of(3) == [(1, 2)]
    assert gaps_of(1, 10, 5, 5) == [(2, 4), (6, 9)]
    assert gaps_of(MAX_NUMBER) == [(1, MAX_NUMBER - 1)]


@given(st.lists(st.integers(-2, 25), max_size=40))
def test_gaps_are_the_missing_numbers_in_whatever_order_they_come(sequences: list[int]) -> None:
    missing = set(range(1, max([0, *sequences]) + 1)) - set(sequences)
    ranges = gaps_of(*sequences)
    assert {number for first, last in ranges for number in range(first, last + 1)} == missing
    assert ranges == sorted(ranges)


def test_only_so_many_gaps_are_listed_and_it_says_so() -> None:
    gaps = Gaps()
    for sequence in range(2, 2 * MAX_GAPS + 2, 2):
        gaps.see(sequence)
    assert (len(gaps.ranges), gaps.more) == (MAX_GAPS, False)
    gaps.see(2 * MAX_GAPS + 2)
    assert (gaps.ranges[0], len(gaps.ranges), gaps.more) == ((1, 1), MAX_GAPS, True)


# ── Cursors ──────────────────────────────────────────────────────────────────────────────────────────────────────────

KEY = session_key("s1")


@given(
    st.builds(Place, st.integers(0, 2**42), st.integers(NO_SEQUENCE, MAX_NUMBER), st.integers(0, 2**64 - 1)),
    st.integers(0, 10**6),
    st.lists(st.integers(1, MAX_NUMBER), max_size=60),
)
def test_a_cursor_comes_back_as_it_was_and_is_short(place: Place, seq: int, sequences: list[int]) -> None:
    gaps = Gaps()
    for sequence in sequences:
        gaps.see(sequence)
    cursor = Cursor(HOUR, place, seq, gaps)
    text = cursor.encode(KEY)
    assert Cursor.parse(text, KEY) == cursor
    assert len(text) <= MAX_CURSOR_CHARACTERS
    assert text.isascii()
    assert not set(text) & set("+/=&?#")


def refused(text: str, session: str = KEY) -> None:
    with pytest.raises(InvalidRequest) as found:
        Cursor.parse(text, session)
    assert (found.value.code, found.value.field) == ("invalid_cursor", "cursor")


def test_a_cursor_holds_for_its_own_session_alone() -> None:
    refused(Cursor(HOUR, Place(1, 2, 3), 4).encode(KEY), session_key("s2"))


PARTS = [1, KEY[:8], HOUR, [1, 2, 3], 4, 9, False, [[1, 2], [4, 4]]]


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, 2),
        (2, ""),
        (2, "2026-11-22T10:00Z#"),
        (2, 7),
        (3, None),
        (3, [1, 2]),
        (3, [1, 2, -1]),
        (3, [1, 2, 2**64]),
        (3, ["1", 2, 3]),
        (3, [-1, 2, 3]),
        (4, -1),
        (4, 1.5),
        (4, True),
        (5, 0),
        (5, None),
        (6, 0),
        (7, None),
        (7, [[1]]),
        (7, [[2, 1]]),
        (7, [[1, 9]]),
        (7, [[4, 4], [1, 2]]),
        (7, [[1, 2], [3, 4]]),
        (7, [["1", 2]]),
        (7, [[1, 1]] * (MAX_GAPS + 1)),
    ],
)
def test_a_cursor_that_was_tampered_with_is_refused(at: int, value: Any) -> None:
    def text(parts: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")

    assert Cursor.parse(text(PARTS), KEY).seq == 4
    refused(text([*PARTS[:at], value, *PARTS[at + 1 :]]))
    refused(text(PARTS[:-1]))
    refused(text({str(part): 1 for part in range(8)}))


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_whatever_is_no_cursor_is_refused_and_nothing_else(text: str) -> None:
    refused(text)


def test_a_long_cursor_is_refused_before_it_is_read() -> None:
    refused("A" * (MAX_CURSOR_CHARACTERS + 1))


def test_chunks_as_ingest_makes_them_are_indexed_by_their_own_hours() -> None:
    events = [event("a"), event("b", timestamp="2026-11-22T11:00:00.000Z")]
    chunks = chunk_events("demo", events, timezone="UTC", shards_at=lambda _hour: 1)
    entries = [entry for each in chunks for entry in entries_of(each, TYPES, "", 0)]
    assert [entry.hour for entry in entries] == ["2026-11-22T10:00Z", "2026-11-22T11:00Z"]
