"""Segment's calls in the native form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tidemark.domain.events import InvalidEvent, normalise
from tidemark.domain.segment import is_call, to_native, with_context

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
COMMON = {"messageId": "m", "anonymousId": "a", "userId": "u", "timestamp": "2026-11-22T10:00:00Z"}
NATIVE = {
    "event_id": "m",
    "anonymous_id": "a",
    "user_id": "u",
    "timestamp": "2026-11-22T10:00:00.000Z",
}


def native(raw: dict[str, Any], call: str | None = None) -> dict[str, Any]:
    return normalise(to_native(raw, call), received_at=NOW, new_id=lambda: "random")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"type": "track", "event": "Signed Up", "properties": {"plan": "pro"}}, ("Signed Up", {"plan": "pro"})),
        (
            {"type": "page", "name": "Home", "category": "Docs", "properties": {"path": "/"}},
            ("page", {"name": "Home", "category": "Docs", "path": "/"}),
        ),
        ({"type": "screen", "name": "Main"}, ("screen", {"name": "Main"})),
        ({"type": "identify", "traits": {"plan": "pro"}}, ("identify", {"traits": {"plan": "pro"}})),
        ({"type": "group", "groupId": "g", "traits": {"x": 1}}, ("group", {"groupId": "g", "traits": {"x": 1}})),
        ({"type": "alias", "previousId": "p"}, ("alias", {"previousId": "p"})),
    ],
)
def test_every_call_becomes_an_event(raw: dict[str, Any], expected: tuple[str, dict[str, Any]]) -> None:
    event = native({**COMMON, **raw})
    assert event == {**NATIVE, "type": expected[0], "properties": expected[1]}


def test_a_route_names_the_call_of_a_body_that_does_not() -> None:
    assert native({"event": "x", "userId": "u"}, "track")["type"] == "x"
    assert native({"name": "Home"}, "page")["type"] == "page"


def test_a_number_as_an_id_becomes_a_string() -> None:
    event = native({"type": "identify", "userId": 42, "anonymousId": 7, "messageId": 1})
    assert (event["user_id"], event["anonymous_id"], event["event_id"]) == ("42", "7", "1")
    with pytest.raises(InvalidEvent) as caught:
        native({"type": "identify", "userId": True})
    assert (caught.value.code, caught.value.field) == ("invalid_id", "user_id")


def test_an_empty_or_null_id_is_none() -> None:
    event = native({"type": "identify", "userId": "", "anonymousId": None, "messageId": ""})
    assert event.keys() == {"event_id", "type", "timestamp", "properties"}


def test_a_track_call_needs_its_event() -> None:
    for raw in ({"type": "track", "userId": "u"}, {"type": "track", "event": None}, {"type": "track", "event": ""}):
        with pytest.raises(InvalidEvent) as caught:
            native(raw)
        assert caught.value.code == "invalid_type"


def test_what_concerns_delivery_is_dropped_and_what_is_unknown_is_kept() -> None:
    raw = {
        **COMMON,
        "type": "page",
        "integrations": {"All": True},
        "sentAt": "2026-11-22T10:00:00Z",
        "receivedAt": "x",
        "writeKey": "secret",
        "channel": "server",
        "version": 2,
        "_metadata": {},
        "projectId": "p",
        "rudderId": "r",
        "flavour": "new",
    }
    assert native(raw)["properties"] == {"flavour": "new"}


def test_the_original_timestamp_stands_in_for_a_missing_one() -> None:
    raw = {"type": "page", "originalTimestamp": "2026-11-22T09:00:00Z"}
    assert native(raw)["timestamp"] == "2026-11-22T09:00:00.000Z"
    assert native({**raw, "timestamp": "2026-11-22T08:00:00Z"})["timestamp"] == "2026-11-22T08:00:00.000Z"


def test_a_property_is_not_overwritten_by_the_calls_own_field() -> None:
    assert native({"type": "page", "name": "A", "properties": {"name": "B"}})["properties"] == {"name": "B"}


def test_bad_properties_are_still_refused() -> None:
    with pytest.raises(InvalidEvent) as caught:
        native({"type": "page", "name": "A", "properties": [1]})
    assert caught.value.field == "properties"


def test_an_id_in_both_forms_must_be_the_same() -> None:
    assert native({"type": "page", "messageId": "m", "event_id": "m"})["event_id"] == "m"
    with pytest.raises(InvalidEvent) as caught:
        native({"type": "page", "messageId": "m", "event_id": "n"})
    assert (caught.value.code, caught.value.field) == ("invalid_id", "messageId")


def test_the_forms_are_told_apart_by_keys_that_only_segment_has() -> None:
    assert is_call({"type": "page", "messageId": "m"})
    assert is_call({"type": "track", "event": "x"})
    assert not is_call({"type": "page", "event_id": "e", "timestamp": "x", "properties": {}, "context": {}})


def test_a_batch_shares_its_context() -> None:
    shared = {"ip": "192.0.2.1", "app": {"name": "x"}}
    assert with_context({"type": "page"}, shared)["context"] == shared
    assert with_context({"context": {"ip": "198.51.100.1"}}, shared)["context"] == {**shared, "ip": "198.51.100.1"}
    assert with_context({"context": "bad"}, shared)["context"] == "bad"
