"""Ingest: what is acknowledged is stored, what is not is named, and a retry changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from tests.fakes import MemoryEventLog
from tidemark.domain.errors import InvalidRequest, RequestTooLarge, Throttled, Unavailable
from tidemark.domain.events import clock_shift
from tidemark.services.ingest import Receipt, ingest
from tidemark.services.ports import Workspace

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
DEMO = Workspace("demo", retention_days=90)


def send(log: MemoryEventLog, events: Any, workspace: Workspace = DEMO, **options: Any) -> Receipt:
    ids = count()
    options = {"received_at": NOW, "new_id": lambda: f"random-{next(ids)}"} | options
    return ingest(log, workspace, events, **options)


def page(event_id: str, hour: int = 10, **fields: Any) -> dict[str, Any]:
    return {"event_id": event_id, "type": "page", "timestamp": f"2026-11-22T{hour:02}:00:00Z", **fields}


def test_what_is_acknowledged_is_stored_in_the_order_of_the_request() -> None:
    log = MemoryEventLog()
    receipt = send(log, [page("b"), page("a", hour=9), page("c")])
    assert receipt == Receipt(("b", "a", "c"), ())
    assert {event["event_id"] for event in log.events} == {"a", "b", "c"}
    assert len(log.chunks) == 2


def test_both_forms_may_stand_in_one_batch() -> None:
    log = MemoryEventLog()
    send(log, [page("a"), {"type": "track", "event": "x", "messageId": "b", "userId": 1}])
    assert {event["event_id"]: event["type"] for event in log.events} == {"a": "page", "b": "x"}


def test_one_bad_event_does_not_take_the_others_with_it() -> None:
    log = MemoryEventLog()
    bad: list[Any] = [
        page("late", hour=13),
        "x",
        {"event_id": 5},
        {"messageId": "m", "type": "track"},
        {"type": "\ud800"},
    ]
    receipt = send(log, [bad[0], page("a"), *bad[1:]])
    assert receipt.accepted == ("a",)
    assert [rejection.as_dict() for rejection in receipt.rejected] == [
        {
            "index": 0,
            "code": "timestamp_in_future",
            "message": "timestamp lies more than an hour ahead",
            "event_id": "late",
            "field": "timestamp",
        },
        {"index": 2, "code": "invalid_event", "message": "an event is an object"},
        {
            "index": 3,
            "code": "invalid_id",
            "message": "event_id is a string of 1 to 256 characters",
            "field": "event_id",
        },
        {
            "index": 4,
            "code": "invalid_type",
            "message": "a track call names its event",
            "event_id": "m",
            "field": "event",
        },
        {"index": 5, "code": "invalid_type", "message": "type is not valid Unicode", "field": "type"},
    ]


def test_an_id_that_cannot_be_repeated_in_an_answer_is_left_out_or_made_safe() -> None:
    receipt = send(MemoryEventLog(), [{"event_id": "x" * 257, "type": "t"}, {"event_id": "\ud800", "type": "t"}])
    assert [rejection.event_id for rejection in receipt.rejected] == [None, "?"]


def test_a_repeated_id_is_stored_once_and_acknowledged_twice() -> None:
    log = MemoryEventLog()
    assert send(log, [page("a", properties={"n": 1}), page("a", properties={"n": 2})]).accepted == ("a", "a")
    assert [event["properties"] for event in log.events] == [{"n": 1}]


def test_a_retry_makes_the_same_chunks_whatever_its_order_and_its_moment() -> None:
    events = [page(str(n), hour=n % 3) for n in range(20)] + [{"type": "page", "timestamp": "2026-11-22T08:00:00Z"}]
    log = MemoryEventLog()
    send(log, events)
    keys = set(log.chunks)
    for seconds in (1, 20):
        received_at = NOW + timedelta(seconds=seconds)
        send(log, events[::-1], received_at=received_at)
    assert set(log.chunks) == keys


def test_a_retry_with_a_corrected_clock_meets_its_own_chunks() -> None:
    log = MemoryEventLog()
    events = [page("a", hour=6), {"type": "page", "timestamp": "2026-11-22T06:30:00Z"}]
    for transit in (timedelta(seconds=1), timedelta(seconds=25)):
        # The SDK stamps sentAt anew at every attempt; its clock is 4 h behind.
        received_at = NOW + transit
        sent_at = (NOW - timedelta(hours=4)).isoformat()
        send(log, events, received_at=received_at, shift=clock_shift(sent_at, received_at))
    assert {event["timestamp"] for event in log.events} == {"2026-11-22T10:00:00.000Z", "2026-11-22T10:30:00.000Z"}
    assert len(log.chunks) == 1


def test_chunks_follow_the_hours_of_the_workspaces_timezone_and_its_shards() -> None:
    log = MemoryEventLog()
    workspace = Workspace("kolkata", timezone="Asia/Kolkata", shards=((0, 2),))
    send(log, [page(str(n)) for n in range(20)], workspace)
    assert {(workspace, hour, shard) for workspace, hour, shard, _ in log.chunks} == {
        ("kolkata", "2026-11-22T09:30Z", 0),
        ("kolkata", "2026-11-22T09:30Z", 1),
    }


def test_retention_counts_from_the_receipt_so_that_old_events_stay_too() -> None:
    log = MemoryEventLog()
    send(log, [{**page("a"), "timestamp": "2015-05-17T10:05:03Z"}], Workspace("demo", retention_days=7))
    assert log.expiries == [int(NOW.timestamp()) + 7 * 86_400]


@pytest.mark.parametrize("failure", [Throttled("slow down"), Unavailable("no answer")])
def test_what_could_not_be_stored_is_not_acknowledged(failure: Throttled | Unavailable) -> None:
    log = MemoryEventLog()
    log.failures = [failure]
    receipt = send(log, [page("a"), {"type": ""}])
    assert receipt.accepted == ()
    assert receipt.failure is failure
    assert [(found.index, found.event_id, found.code) for found in receipt.rejected] == [
        (0, "a", failure.code),
        (1, None, "invalid_type"),
    ]
    assert log.events == []


def test_of_several_chunks_exactly_the_stored_ones_are_acknowledged() -> None:
    log = MemoryEventLog()
    log.failures = [None, Throttled("slow down"), None]
    receipt = send(log, [page("a", hour=8), page("b", hour=9), page("c", hour=10), page("b", hour=9)])
    stored = {event["event_id"] for event in log.events}
    assert set(receipt.accepted) == stored
    assert len(stored) == 2
    lost = {"a", "b", "c"} - stored
    assert {rejection.event_id for rejection in receipt.rejected} == lost
    assert isinstance(receipt.failure, Throttled)


def test_a_duplicate_of_an_event_that_was_not_stored_is_not_acknowledged_either() -> None:
    log = MemoryEventLog()
    log.failures = [Throttled("slow down")]
    receipt = send(log, [page("a"), {**page("a"), "timestamp": "2026-11-22T10:20:00Z"}])
    assert receipt.accepted == ()
    assert [rejection.index for rejection in receipt.rejected] == [0, 1]


@pytest.mark.parametrize("hours", [[10], [8, 9, 10]])
def test_a_defect_of_the_log_is_raised_not_reported_as_a_rejection(hours: list[int]) -> None:
    log = MemoryEventLog()
    log.failures = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        send(log, [page(str(hour), hour=hour) for hour in hours])


def test_a_request_has_at_most_2500_events() -> None:
    log = MemoryEventLog()
    assert len(send(log, [page(str(n)) for n in range(2_500)]).accepted) == 2_500
    with pytest.raises(RequestTooLarge) as caught:
        send(log, [page(str(n)) for n in range(2_501)])
    assert caught.value.code == "too_many_events"


@pytest.mark.parametrize("events", [None, {}, "x", 5])
def test_events_that_are_no_list_are_an_invalid_request(events: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        send(MemoryEventLog(), events)
    assert (caught.value.code, caught.value.field) == ("invalid_request", "events")


def test_an_empty_request_stores_nothing() -> None:
    assert send(MemoryEventLog(), []) == Receipt((), ())
