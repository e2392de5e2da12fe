"""The native event: every bound with its code, times, ids and clock skew."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.errors import InvalidRequest
from tidemark.domain.events import (
    MAX_EVENT_BYTES,
    MAX_NUMBER,
    InvalidEvent,
    clock_shift,
    compact_json,
    format_timestamp,
    normalise,
)

NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def native(raw: dict[str, Any], shift: timedelta = timedelta(), new_id: str = "random") -> dict[str, Any]:
    return normalise(raw, received_at=NOW, shift=shift, new_id=lambda: new_id)


def nested(levels: int) -> dict[str, Any]:
    """An object with so many levels, itself included."""
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_a_full_event_keeps_every_field() -> None:
    raw = {
        "event_id": "e1",
        "type": "page",
        "timestamp": "2026-11-22T09:59:58.5Z",
        "anonymous_id": "a",
        "user_id": "u",
        "session_id": "s",
        "properties": {"path": "/", "tags": ["x", None, True]},
        "context": {"ip": "192.0.2.1"},
    }
    assert native(raw) == {**raw, "timestamp": "2026-11-22T09:59:58.500Z"}


def test_only_the_type_is_required_and_properties_are_always_there() -> None:
    assert native({"type": "page"}) == {
        "event_id": "random",
        "type": "page",
        "timestamp": "2026-11-22T10:00:00.123Z",
        "properties": {},
    }


def test_a_null_is_a_missing_field() -> None:
    names = ("event_id", "timestamp", "anonymous_id", "user_id", "session_id", "properties", "context")
    assert native({"type": "page", **dict.fromkeys(names)}) == native({"type": "page"})


def test_the_input_is_left_as_it_was() -> None:
    raw = {"type": "page", "path": "/", "properties": {"a": 1}}
    before = json.dumps(raw)
    native(raw)
    assert json.dumps(raw) == before


def test_unknown_keys_move_into_the_properties() -> None:
    event = native({"type": "page", "path": "/", "bytes": 5, "properties": {"status": 200, "bytes": 5}})
    assert event["properties"] == {"status": 200, "path": "/", "bytes": 5}


@pytest.mark.parametrize(
    ("raw", "code", "field"),
    [
        ({}, "invalid_type", "type"),
        ({"type": ""}, "invalid_type", "type"),
        ({"type": None}, "invalid_type", "type"),
        ({"type": 7}, "invalid_type", "type"),
        ({"type": "x" * 129}, "invalid_type", "type"),
        ({"type": "\ud800"}, "invalid_type", "type"),
        ({"type": "t", "event_id": ""}, "invalid_id", "event_id"),
        ({"type": "t", "event_id": 5}, "invalid_id", "event_id"),
        ({"type": "t", "event_id": "x" * 257}, "invalid_id", "event_id"),
        ({"type": "t", "event_id": "\udfff"}, "invalid_id", "event_id"),
        ({"type": "t", "anonymous_id": ""}, "invalid_id", "anonymous_id"),
        ({"type": "t", "user_id": ["u"]}, "invalid_id", "user_id"),
        ({"type": "t", "session_id": True}, "invalid_id", "session_id"),
        ({"type": "t", "properties": []}, "invalid_event", "properties"),
        ({"type": "t", "properties": "x"}, "invalid_event", "properties"),
        ({"type": "t", "properties": {"a": {1}}}, "invalid_event", "properties"),
        ({"type": "t", "properties": {"a": "\ud800"}}, "invalid_event", "properties"),
        ({"type": "t", "properties": {"\ud800": 1}}, "invalid_event", "properties"),
        ({"type": "t", "timestamp": "2026-11-22", "properties": {"a": "\ud800"}}, "invalid_event", "properties"),
        ({"type": "t", "context": "x"}, "invalid_event", "context"),
        ({"type": "t", "context": []}, "invalid_event", "context"),
        ({"type": "t", "context": {"a": "\udc00"}}, "invalid_event", "context"),
        ({"type": "t", "a": 1, "properties": {"a": 2}}, "invalid_event", "a"),
        ({"type": "t", "properties": nested(9)}, "too_deep", "properties"),
        ({"type": "t", "properties": {"a": [[[[[[[[]]]]]]]]}}, "too_deep", "properties"),
        ({"type": "t", "context": nested(9)}, "too_deep", "context"),
        ({"type": "t", "properties": {str(n): n for n in range(513)}}, "too_many_properties", "properties"),
        ({"type": "t", "properties": {"a": [{str(n): 0} for n in range(512)]}}, "too_many_properties", "properties"),
        ({"type": "t", "properties": {"a": float("nan")}}, "invalid_number", "properties"),
        ({"type": "t", "properties": {"a": [float("inf")]}}, "invalid_number", "properties"),
        ({"type": "t", "properties": {"a": {"b": MAX_NUMBER + 1}}}, "invalid_number", "properties"),
        ({"type": "t", "properties": {"a": -(10**400)}}, "invalid_number", "properties"),
        ({"type": "t", "context": {"a": 1e300}}, "invalid_number", "context"),
        ({"type": "t", "properties": {"a": "x" * MAX_EVENT_BYTES}}, "event_too_large", None),
        ({"type": "t", "context": {"a": "é" * 16384}}, "event_too_large", None),
    ],
)
def test_a_broken_bound_is_named_by_code_and_field(raw: dict[str, Any], code: str, field: str | None) -> None:
    with pytest.raises(InvalidEvent) as caught:
        native(raw)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_what_lies_on_a_bound_is_kept() -> None:
    properties = {"deep": nested(7), "largest": MAX_NUMBER, "least": -MAX_NUMBER, "half": 0.5}
    properties |= {f"k{n}": None for n in range(512 - 4 - 6)}
    event = native({"type": "t" * 128, "event_id": "é" * 256, "properties": properties})
    assert event["properties"] == properties
    room = MAX_EVENT_BYTES - len(compact_json(native({"type": "t", "properties": {"a": ""}})))
    assert len(compact_json(native({"type": "t", "properties": {"a": "x" * room}}))) == MAX_EVENT_BYTES


def test_nesting_that_a_recursion_would_not_survive_is_too_deep() -> None:
    with pytest.raises(InvalidEvent) as caught:
        native({"type": "t", "properties": nested(100_000)})
    assert caught.value.code == "too_deep"


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22T10:00:00.999999Z", "2026-11-22T10:00:00.999Z"),
        ("2026-11-22T15:30:00+05:30", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22T10:00:00", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22 10:00:00", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22", "2026-11-22T00:00:00.000Z"),
        ("20261122T100000Z", "2026-11-22T10:00:00.000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("2026-11-22T11:00:00.123Z", "2026-11-22T11:00:00.123Z"),
        (1795341600000, "2026-11-22T10:00:00.000Z"),
        (1795341600000.9, "2026-11-22T10:00:00.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_read_as_iso_8601_or_milliseconds(timestamp: object, expected: str) -> None:
    assert native({"type": "t", "timestamp": timestamp})["timestamp"] == expected


@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        "yesterday",
        "2026-13-01",
        "2026-02-30T00:00:00Z",
        "2026-11-22T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1969-12-31T23:59:59.999Z",
        "2026-11-22x10:00:00",
        "2026-11-22T10:00:00+99:00",
        "\uff11\uff19\uff19\uff19-01-01",
        "\ud800" * 10,
        -1,
        2**63,
        10**400,
        float("nan"),
        float("-inf"),
        True,
        {},
        [],
    ],
)
def test_what_is_no_time_since_1970_is_an_invalid_timestamp(timestamp: object) -> None:
    with pytest.raises(InvalidEvent) as caught:
        native({"type": "t", "timestamp": timestamp})
    assert (caught.value.code, caught.value.field) == ("invalid_timestamp", "timestamp")


def test_a_time_more_than_an_hour_ahead_is_refused() -> None:
    with pytest.raises(InvalidEvent) as caught:
        native({"type": "t", "timestamp": "2026-11-22T11:00:00.124Z"})
    assert (caught.value.code, caught.value.field) == ("timestamp_in_future", "timestamp")


@given(st.text() | st.binary().map(repr) | st.floats() | st.integers())
def test_no_timestamp_crashes(timestamp: object) -> None:
    with suppress(InvalidEvent):
        stamped = native({"type": "t", "timestamp": timestamp})["timestamp"]
        assert format_timestamp(datetime.fromisoformat(stamped)) == stamped


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(["event_id", "type", "timestamp", "user_id", "properties", "context", "x"]), json_values
    )
)
def test_whatever_is_sent_becomes_an_event_that_can_be_stored_or_a_rejection(raw: dict[str, Any]) -> None:
    with suppress(InvalidEvent):
        event = native(raw)
        assert json.loads(compact_json(event)) == event
        assert {"event_id", "type", "timestamp", "properties"} <= event.keys()
        assert normalise(event, received_at=NOW, new_id=str) == event


def test_an_id_is_derived_from_the_content_of_an_event_with_a_timestamp() -> None:
    raw = {"type": "page", "timestamp": "2026-11-22T10:00:00Z", "properties": {"a": 1, "b": 2}}
    derived = native(raw)["event_id"]
    assert len(derived) == 32
    reordered = {"properties": {"b": 2, "a": 1}, "timestamp": "2026-11-22T11:00:00+01:00", "type": "page"}
    assert native(reordered)["event_id"] == derived
    assert native({**raw, "user_id": "u"})["event_id"] != derived
    assert native({**raw, "timestamp": "2026-11-22T10:00:01Z"})["event_id"] != derived
    assert native(raw, new_id="another")["event_id"] == derived


def test_the_derived_id_does_not_depend_on_the_clock_correction_of_the_attempt() -> None:
    raw = {"type": "page", "timestamp": "2026-11-22T09:00:00Z"}
    assert native(raw, shift=7 * MINUTE)["event_id"] == native(raw, shift=8 * MINUTE)["event_id"]


def test_without_id_and_timestamp_an_event_is_new_each_time() -> None:
    assert native({"type": "t"}, new_id="1")["event_id"] != native({"type": "t"}, new_id="2")["event_id"]


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        (timedelta(), timedelta()),
        (5 * MINUTE, timedelta()),
        (-5 * MINUTE, timedelta()),
        (5 * MINUTE + timedelta(milliseconds=1), 5 * MINUTE),
        (7 * MINUTE + timedelta(seconds=29), 7 * MINUTE),
        (7 * MINUTE + timedelta(seconds=31), 8 * MINUTE),
        (-7 * MINUTE - timedelta(seconds=31), -8 * MINUTE),
        (timedelta(hours=5, minutes=30, seconds=2), timedelta(hours=5, minutes=30)),
    ],
)
def test_a_clock_is_corrected_beyond_5_minutes_in_whole_minutes(behind: timedelta, expected: timedelta) -> None:
    assert clock_shift((NOW - behind).isoformat(), NOW) == expected


@given(st.integers(-720, 720), st.floats(0, 29), st.floats(0, 29))
def test_a_retry_of_a_clock_that_is_wrong_by_minutes_meets_the_same_hour(
    skew_minutes: int, first_seconds: float, second_seconds: float
) -> None:
    skew = skew_minutes * MINUTE
    shifts = set()
    for transit in (first_seconds, second_seconds):
        received_at = NOW + timedelta(seconds=transit)
        shifts.add(clock_shift((NOW - skew).isoformat(), received_at))
    # At the edge of the tolerance a moment decides whether there is a correction at all.
    assert len(shifts) == 1 or abs(skew_minutes) == 5


def test_a_missing_sent_at_corrects_nothing_and_a_bad_one_is_an_error() -> None:
    assert clock_shift(None, NOW) == timedelta()
    for bad in ("soon", True, {}, float("nan")):
        with pytest.raises(InvalidRequest) as caught:
            clock_shift(bad, NOW)
        assert (caught.value.code, caught.value.field) == ("invalid_request", "sentAt")


def test_the_correction_moves_the_timestamp_and_what_it_moves_out_of_bounds_is_refused() -> None:
    raw = {"type": "t", "event_id": "e", "timestamp": "2026-11-22T09:00:00Z"}
    assert native(raw, shift=10 * MINUTE)["timestamp"] == "2026-11-22T09:10:00.000Z"
    with pytest.raises(InvalidEvent) as caught:
        native({**raw, "timestamp": "1970-01-01T00:05:00Z"}, shift=-10 * MINUTE)
    assert caught.value.code == "invalid_timestamp"
    with pytest.raises(InvalidEvent) as caught:
        native({**raw, "timestamp": "2026-11-22T10:55:00Z"}, shift=10 * MINUTE)
    assert caught.value.code == "timestamp_in_future"
    with pytest.raises(InvalidEvent) as caught:
        native({**raw, "timestamp": "9999-12-31T23:59:59Z"}, shift=10 * MINUTE)
    assert caught.value.code in ("invalid_timestamp", "timestamp_in_future")


def test_timestamps_are_written_in_one_form() -> None:
    moment = datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert format_timestamp(moment) == "2026-11-22T10:00:00.000Z"
