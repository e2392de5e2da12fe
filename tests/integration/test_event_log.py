"""The log of chunks in DynamoDB."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults import Faults, without_pauses
from tidemark.aws.clients import ATTEMPTS, dynamodb
from tidemark.aws.event_log import DynamoEventLog
from tidemark.aws.items import decode
from tidemark.domain import chunks
from tidemark.domain.errors import Conflict, Throttled, Unavailable

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
EVENTS: tuple[dict[str, Any], ...] = (
    {"event_id": "a", "type": "t", "timestamp": "2026-11-22T10:00:00.000Z", "properties": {"x": "é"}},
)
CHUNK = chunks.Chunk("demo", "2026-11-22T10:00Z", 3, "0" * 32, EVENTS)


def scan(table: str) -> list[dict[str, Any]]:
    return [decode(item) for item in dynamodb().scan(TableName=table)["Items"]]


def test_a_chunk_is_stored_as_documented(tables: SimpleNamespace) -> None:
    assert DynamoEventLog(tables.events).put(CHUNK, NOW, 1_800_000_000)
    (item,) = scan(tables.events)
    assert chunks.decode(item.pop("events")) == list(EVENTS)
    assert item == {
        "pk": "demo#2026-11-22T10:00Z#03",
        "sk": "0" * 32,
        "count": 1,
        "received_at": "2026-11-22T10:00:00.000Z",
        "expires_at": 1_800_000_000,
    }


def test_the_first_write_of_a_chunk_wins(tables: SimpleNamespace) -> None:
    log = DynamoEventLog(tables.events)
    assert log.put(CHUNK, NOW, 1)
    assert not log.put(CHUNK, NOW, 2)
    assert [item["expires_at"] for item in scan(tables.events)] == [1]


@pytest.fixture
def faults(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Faults of DynamoDB, without the pauses between the SDK's retries."""
    without_pauses(monkeypatch)
    return Faults(dynamodb())


@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        ("ProvisionedThroughputExceededException", 400, Throttled),
        ("ThrottlingException", 400, Throttled),
        ("InternalServerError", 500, Unavailable),
        ("ServiceUnavailable", 503, Unavailable),
    ],
)
def test_a_store_that_refuses_is_asked_again_and_then_reported(
    tables: SimpleNamespace, faults: Faults, code: str, status: int, meaning: type[Exception]
) -> None:
    faults.refuse(code, status)
    with pytest.raises(meaning):
        DynamoEventLog(tables.events).put(CHUNK, NOW, 1)
    assert faults.calls == ATTEMPTS


def test_a_store_that_does_not_answer_is_unavailable(tables: SimpleNamespace, faults: Faults) -> None:
    faults.time_out()
    with pytest.raises(Unavailable):
        DynamoEventLog(tables.events).put(CHUNK, NOW, 1)
    assert faults.calls == ATTEMPTS


def test_a_put_whose_answer_was_lost_meets_itself(tables: SimpleNamespace, faults: Faults) -> None:
    faults.lose_answer("PutItem", times=1)
    assert not DynamoEventLog(tables.events).put(CHUNK, NOW, 1)
    assert faults.calls == 2
    assert len(scan(tables.events)) == 1


def test_a_lack_of_permission_is_a_defect_not_a_reason_to_retry(tables: SimpleNamespace, faults: Faults) -> None:
    faults.refuse("AccessDeniedException")
    with pytest.raises(ClientError):
        DynamoEventLog(tables.events).put(CHUNK, NOW, 1)
    assert faults.calls == 1


def test_a_rewritten_chunk_keeps_its_place_and_its_times(tables: SimpleNamespace) -> None:
    log = DynamoEventLog(tables.events)
    other = {**EVENTS[0], "event_id": "b"}
    log.put(chunks.Chunk("demo", CHUNK.hour, 3, CHUNK.key, (*EVENTS, other)), NOW, 1_800_000_000)
    (logged,) = log.read("demo", CHUNK.hour, 3)
    log.rewrite(logged, [other])
    (after,) = log.read("demo", CHUNK.hour, 3)
    assert after.chunk.events == (other,)
    assert (after.received_at, after.expires_at, after.erased) == (logged.received_at, logged.expires_at, 1)
    log.rewrite(after, [])
    (item,) = scan(tables.events)
    assert (item["count"], item["erased"], chunks.decode(item["events"])) == (0, 2, [])
    assert not log.put(CHUNK, NOW, 1)


def test_a_chunk_that_is_not_what_was_read_is_not_rewritten(tables: SimpleNamespace) -> None:
    log = DynamoEventLog(tables.events)
    log.put(CHUNK, NOW, 1)
    (logged,) = log.read("demo", CHUNK.hour, 3)
    log.rewrite(logged, [])
    with pytest.raises(Conflict):
        log.rewrite(logged, [])
    dynamodb().delete_item(
        TableName=tables.events, Key={"pk": {"S": "demo#2026-11-22T10:00Z#03"}, "sk": {"S": "0" * 32}}
    )
    with pytest.raises(Conflict):
        log.rewrite(logged, [])
    assert scan(tables.events) == []
