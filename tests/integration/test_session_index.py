"""The index of sessions in DynamoDB: what is left unwritten is written again, in bounds."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults import Faults, without_pauses
from tidemark.aws.clients import dynamodb
from tidemark.aws.event_log import DynamoEventLog
from tidemark.aws.items import decode
from tidemark.aws.session_index import DynamoSessionIndex
from tidemark.domain.chunks import Chunk
from tidemark.domain.errors import Throttled, Unavailable
from tidemark.domain.timeline import NO_SEQUENCE, IndexEntry, Place, session_key
from tidemark.services import contention

HOUR = "2026-11-22T10:00Z"
KEY = session_key("s1")
PLACES = (Place(2**42, -5, 2**64 - 1), Place(0, NO_SEQUENCE, 0), Place(1, 2**53 - 1, 7))


def entry(number: int, hour: str = HOUR, session: str = KEY, shard: int = 3, expires_at: int = 99) -> IndexEntry:
    return IndexEntry(
        "demo", session, hour, shard, f"{number:032x}", "2026-11-22T10:00:00.000Z", expires_at, PLACES[: number % 3 + 1]
    )


@pytest.fixture
def index(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> DynamoSessionIndex:
    monkeypatch.setattr(contention, "time", SimpleNamespace(sleep=lambda _seconds: None))
    return DynamoSessionIndex(tables.work)


def test_an_entry_is_stored_as_documented_and_comes_back_whole(
    tables: SimpleNamespace, index: DynamoSessionIndex
) -> None:
    index.put([entry(2)])
    (item,) = [decode(found) for found in dynamodb().scan(TableName=tables.work)["Items"]]
    assert len(item.pop("places")) == 24 * 3
    assert item == {
        "pk": f"S#demo#{KEY}",
        "sk": f"{HOUR}#03#{2:032x}",
        "received_at": "2026-11-22T10:00:00.000Z",
        "expires_at": 99,
    }
    assert list(index.entries("demo", KEY, "")) == [entry(2)]


def test_entries_are_read_in_the_order_of_hours_from_an_hour_on(index: DynamoSessionIndex) -> None:
    hours = [f"2026-11-22T{hour:02d}:30Z" for hour in (12, 9, 10)]
    index.put([entry(number, hour) for number, hour in enumerate(hours)])
    index.put([entry(7, session=session_key("s2"))])
    assert [found.hour for found in index.entries("demo", KEY, "")] == sorted(hours)
    assert [found.hour for found in index.entries("demo", KEY, "2026-11-22T10:30Z")] == [hours[2], hours[0]]
    assert list(index.entries("other", KEY, "")) == []


def test_many_entries_are_written_25_a_request_and_one_that_repeats_once(
    index: DynamoSessionIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[int] = []
    real = dynamodb().batch_write_item

    def counted(RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803 - boto3's name
        requests.append(sum(map(len, RequestItems.values())))
        return real(RequestItems=RequestItems)

    monkeypatch.setattr(dynamodb(), "batch_write_item", counted)
    entries = [entry(number) for number in range(60)]
    index.put(entries + entries[:5])
    assert sorted(requests) == [10, 25, 25]
    assert list(index.entries("demo", KEY, "")) == entries


def test_what_the_table_leaves_unwritten_is_written_again(
    index: DynamoSessionIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dynamodb().batch_write_item

    def some(RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803 - boto3's name
        ((table, wanted),) = RequestItems.items()
        real(RequestItems={table: wanted[:4]})
        return {"UnprocessedItems": {table: wanted[4:]} if wanted[4:] else {}}

    monkeypatch.setattr(dynamodb(), "batch_write_item", some)
    entries = [entry(number) for number in range(25)]
    index.put(entries)
    assert list(index.entries("demo", KEY, "")) == entries


def test_a_table_that_never_takes_them_is_throttled(index: DynamoSessionIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def none(RequestItems: Any) -> Any:  # noqa: N803 - boto3's name
        asked.append(RequestItems)
        return {"UnprocessedItems": RequestItems}

    monkeypatch.setattr(dynamodb(), "batch_write_item", none)
    with pytest.raises(Throttled):
        index.put([entry(1)])
    assert len(asked) == contention.ATTEMPTS


@pytest.mark.parametrize("reader", ["index", "log"])
def test_a_page_that_cannot_be_read_is_an_error_of_ours(
    tables: SimpleNamespace, index: DynamoSessionIndex, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    """Also where it is asked for while the entries are being taken."""
    without_pauses(monkeypatch)
    faults = Faults(dynamodb())
    log = DynamoEventLog(tables.events)
    for act, meaning in (
        (faults.time_out, Unavailable),
        (lambda: faults.refuse("ProvisionedThroughputExceededException"), Throttled),
    ):
        act()
        with pytest.raises(meaning):
            list(index.entries("demo", KEY, "") if reader == "index" else log.read("demo", HOUR, 0))


def test_chunks_are_read_by_name_those_that_are_there(tables: SimpleNamespace) -> None:
    log = DynamoEventLog(tables.events)
    events = ({"event_id": "a", "type": "t", "timestamp": "2026-11-22T10:00:00.000Z", "properties": {}},)
    for number in range(130):
        log.put(Chunk("demo", HOUR, number % 2, f"{number:032x}", events), datetime(2026, 11, 22, tzinfo=UTC), 99)
    names = [(HOUR, number % 2, f"{number:032x}") for number in range(130)]
    found = list(log.get_many("demo", [*names, (HOUR, 0, "f" * 32)]))
    assert sorted(name for name, _, _ in found) == sorted(names)
    assert all(payload_bytes > 0 and tuple(read) == events for _, payload_bytes, read in found)
    assert list(log.get_many("other", names[:1])) == list(log.get_many("demo", [])) == []
