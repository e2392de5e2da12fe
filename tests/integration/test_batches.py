"""Batches in DynamoDB, on the tables of template.yaml, and through the handler of the stream."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.support.batches import AGE_SECONDS, SIZE, check_batched, sent
from tests.support.batches import batches as stored
from tests.support.clients import Producer
from tests.support.data import SMALL, pages
from tests.support.deployed import World
from tests.support.scenarios import watched
from tests.support.stack import Stack
from tidemark.aws import clients
from tidemark.aws.batches import DynamoBatches, dead_queue_of, key_of, queue_of
from tidemark.aws.items import decode, encode
from tidemark.domain.batches import Batch, Chain, SealedBy
from tidemark.domain.errors import Conflict
from tidemark.domain.jobs import RESEND_SECONDS

NOW = 1_795_000_000
CHAIN = Chain("acme", "2026-11-22T10:00Z", 3)
OPEN = Batch(CHAIN, 0, ids=frozenset({0, 7, 2**64 - 1}), chunks=("ab" * 16, "01" * 16), opened_at=NOW, version=1)
FULL = replace(OPEN, state="SEALED", sealed_at=NOW + 5, sealed_by="size")


@pytest.fixture
def batches(tables: SimpleNamespace) -> DynamoBatches:
    return DynamoBatches(tables.work)


def item(tables: SimpleNamespace, batch: Batch) -> dict[str, object]:
    key = encode(key_of(batch.chain.workspace, batch.batch_id))
    return decode(clients.dynamodb().get_item(TableName=tables.work, Key=key)["Item"])


def test_a_chain_comes_back_as_it_was_put_and_no_other(batches: DynamoBatches) -> None:
    others = [replace(OPEN, chain=replace(CHAIN, **other)) for other in ({"shard": 30}, {"workspace": "acm"})]
    chain = [replace(FULL, number=number) for number in (2, 10, 999_999, 1_000_000)] + [replace(OPEN, number=1_000_001)]
    for batch in [*others, *reversed(chain)]:
        batches.put(batch, NOW, NOW + 9)
    assert batches.chain(CHAIN) == chain
    assert batches.get("acme", chain[1].batch_id) == chain[1]
    assert batches.get("acme", f"{OPEN.batch_id[:-1]}5") is None


def test_a_batch_is_put_only_in_the_place_of_the_version_before(batches: DynamoBatches) -> None:
    batches.put(OPEN, NOW, NOW + 9)
    for stale in (OPEN, replace(OPEN, version=3)):
        with pytest.raises(Conflict):
            batches.put(stale, NOW, NOW + 9)
    batches.put(replace(FULL, version=2), NOW, NOW + 9)
    with pytest.raises(Conflict):
        batches.put(replace(OPEN, version=2), NOW, NOW + 9)
    assert batches.chain(CHAIN) == [replace(FULL, version=2)]


def test_a_batch_has_a_job_from_the_write_on_that_seals_it(tables: SimpleNamespace, batches: DynamoBatches) -> None:
    batches.put(OPEN, NOW + 600, NOW + 9)
    assert "job" not in item(tables, OPEN)
    batches.put(replace(FULL, number=1), NOW + 35, NOW + 9)
    assert batches.seal("acme", OPEN.batch_id, "age", NOW + 700)
    aged, full = item(tables, OPEN), item(tables, replace(FULL, number=1))
    assert (aged["state"], aged["job"], aged["attempts"], aged["version"]) == ("SEALED", "PENDING", 0, 2)
    assert (aged["sealed_by"], aged["sealed_at"], aged["due_at"]) == ("age", NOW + 700, NOW + 700 + RESEND_SECONDS)
    assert (full["state"], full["job"], full["attempts"], full["due_at"]) == ("SEALED", "PENDING", 0, NOW + 35)
    assert {aged["queue"], full["queue"]} == {queue_of("acme")}
    assert {aged["count"], full["count"]} == {3}


@pytest.mark.parametrize("sealed_by", ["age", "hand"])
def test_a_batch_is_sealed_once_and_takes_no_more(batches: DynamoBatches, sealed_by: SealedBy) -> None:
    assert not batches.seal("acme", OPEN.batch_id, sealed_by, NOW), "there is none, and none is made"
    batches.put(OPEN, NOW, NOW + 9)
    assert batches.seal("acme", OPEN.batch_id, sealed_by, NOW)
    assert not batches.seal("acme", OPEN.batch_id, sealed_by, NOW)
    with pytest.raises(Conflict):
        batches.put(replace(OPEN, version=2), NOW, NOW + 9)


def test_what_is_due_of_all_workspaces_is_found_and_nothing_else(
    tables: SimpleNamespace, batches: DynamoBatches
) -> None:
    for number in range(40):
        batches.put(replace(OPEN, chain=replace(CHAIN, workspace=f"w{number}")), NOW, NOW + 9)
    batches.put(replace(OPEN, number=1), NOW + 1, NOW + 9)
    dead = {**key_of("acme", "2026-11-22T10:00Z.00.000009"), "queue": dead_queue_of("acme"), "due_at": NOW}
    clients.dynamodb().put_item(TableName=tables.work, Item=encode(dead))
    batches.put(replace(FULL, number=2), NOW, NOW + 9)

    found = {(due.workspace, due.batch_id): due for due in batches.due(NOW)}

    assert len(found) == 41
    due = found["acme", replace(FULL, number=2).batch_id]
    assert (due.state, due.job, due.due_at, due.sealed_at, due.attempts) == ("SEALED", "PENDING", NOW, NOW + 5, 0)
    assert {(due.state, due.job) for due in found.values() if due.workspace != "acme"} == {("OPEN", "")}
    assert len({queue_of(workspace) for workspace, _ in found}) > 8, "they are spread over the partitions"


def test_the_fold_puts_events_into_batches_when_viewers_have_them_and_queues_what_is_full(stack: Stack) -> None:
    with World(stack, definitions=SMALL) as world:
        world.settings(batch_events=SIZE, batch_seconds=AGE_SECONDS)
        watched(world)
        producer = Producer(world)
        producer.send(pages(world.now, SIZE + 1))
        world.fold()
        check_batched(world)
        assert sent(world) == {stored(world)[0]["sk"]}
        producer.send(pages(world.now, 1))
        stack.calls.log.clear()
        world.fold()
        check_batched(world)
        *before, last = [(call.operation, call.target) for call in stack.calls.log if call.handler == "stream_fold"]
        assert last == ("PutItem", "WorkTable"), "a chunk that fits its batch takes one request, after the views"
        assert ("TransactWriteItems", "SnapshotsTable") in before
        assert "WorkTable" not in {target for _, target in before}
