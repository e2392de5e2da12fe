"""Messages to users: their form and bounds, and whom each goes to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.template import ROOT
from tidemark.domain import messages
from tidemark.domain.credentials import MAX_USER_CHARACTERS
from tidemark.domain.errors import InvalidRequest
from tidemark.domain.messages import Listener, Notice, acknowledged_ids, routes, thread_of

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def parse(**fields: Any) -> Notice:
    return Notice.parse({"user": "ada", "body": {}} | fields, NOW, lambda: "new")


def test_a_notice_has_what_its_sender_said() -> None:
    notice = parse(thread="t1", message_id="m1", body={"text": "hello"})
    assert notice == Notice("ada", "m1", {"text": "hello"}, "2026-11-22T10:30:00.000Z", "t1")


def test_a_notice_without_an_id_gets_one_and_without_a_thread_has_none() -> None:
    notice = parse(message_id=None, thread=None)
    assert (notice.message_id, notice.thread) == ("new", None)


@pytest.mark.parametrize(
    ("field", "longest"),
    [
        ("user", MAX_USER_CHARACTERS),
        ("thread", messages.MAX_THREAD_CHARACTERS),
        ("message_id", messages.MAX_MESSAGE_ID_CHARACTERS),
    ],
)
def test_texts_have_a_character_and_at_most_so_many(field: str, longest: int) -> None:
    parse(**{field: "\U0001f600" * longest})
    wrongs: list[Any] = ["", "x" * (longest + 1), 7, [], "\ud800"]
    for wrong in wrongs:
        with pytest.raises(InvalidRequest) as refused:
            parse(**{field: wrong})
        assert refused.value.field == field


def test_a_body_has_at_most_8_kilobytes_of_compact_json() -> None:
    empty = len(json.dumps({"t": ""}, separators=(",", ":")))
    parse(body={"t": "x" * (messages.MAX_BODY_BYTES - empty)})
    with pytest.raises(InvalidRequest, match="8193 bytes") as refused:
        parse(body={"t": "x" * (messages.MAX_BODY_BYTES - empty + 1)})
    assert refused.value.field == "body"
    with pytest.raises(InvalidRequest):
        parse(body={"t": "é" * (messages.MAX_BODY_BYTES // 2)})


@pytest.mark.parametrize("body", [None, [], "text", 7])
def test_a_body_is_an_object(body: Any) -> None:
    with pytest.raises(InvalidRequest, match="body is an object"):
        parse(body=body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"n": float("nan")}, "invalid_number"),
        ({"n": 2**53}, "invalid_number"),
        ({str(number): number for number in range(513)}, "too_many_properties"),
        (json.loads('{"a":' * 9 + "1" + "}" * 9), "too_deep"),
    ],
)
def test_a_body_keeps_the_bounds_of_properties(body: Any, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(body=body)
    assert (refused.value.code, refused.value.field) == (code, "body")


def test_acknowledged_ids_come_once_and_in_order() -> None:
    assert acknowledged_ids(["b", "a", "b"]) == ["b", "a"]
    assert len(acknowledged_ids([str(number) for number in range(messages.MAX_ACKNOWLEDGED)])) == 100


@pytest.mark.parametrize("raw", [None, "m", {}, [], [None], [""], ["x" * 129], ["m"] * 101, ["\ud800"]])
def test_what_is_no_list_of_ids_is_refused(raw: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        acknowledged_ids(raw)
    assert refused.value.field == "messages"


def test_a_thread_that_is_missing_is_none() -> None:
    assert thread_of({}) is None
    assert thread_of({"thread": "t1"}) == "t1"


threads = st.sampled_from(["t1", "t2", "t3"])
listeners = st.lists(st.builds(Listener, st.uuids().map(str), st.frozensets(threads), st.just(0)))


@given(listeners, st.none() | threads)
def test_every_listener_is_tried_and_those_of_the_thread_first(found: list[Listener], thread: str | None) -> None:
    named, others = routes(found, thread)
    assert sorted(named + others, key=found.index) == found
    assert all(thread in listener.threads for listener in named)
    assert not any(thread in listener.threads for listener in others)
    assert thread is not None or not named


def test_the_bounds_are_those_that_protocol_md_states() -> None:
    text = " ".join((ROOT / "docs" / "protocol.md").read_text(encoding="utf-8").split())
    assert f"holds {messages.MAX_PENDING} messages" in text
    assert f"at most {messages.MAX_BODY_BYTES // 1024} KB" in text
    assert f"for {messages.KEPT_SECONDS // 86_400} days" in text
    assert f"1 to {messages.MAX_ACKNOWLEDGED} message ids" in text
