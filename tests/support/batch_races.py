"""Worlds in which it matters that each event goes into one batch: workers race, and events come again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from tests.support.batches import AGE_SECONDS, SIZE, batches, check_batched
from tests.support.calls import Call
from tests.support.clients import Producer
from tests.support.data import page, pages
from tests.support.deployed import World
from tidemark.aws.queries import query


def two_workers_fill_the_same_batch(world: World) -> None:
    producer = _begin(world, 1)
    producer.send(pages(world.now, 2))
    producer.send(pages(world.now, 1))
    world.poll()
    (first, second), world.fold_queue = world.fold_queue, []

    def other() -> None:
        with world.another_process("stream_fold"):
            world.deliver_to("stream_fold", [second])

    world.meanwhile(lambda call: _is_batch(call, "PutItem"), other)
    world.deliver_to("stream_fold", [first])
    check_batched(world)
    assert len(batches(world)) == 2


def an_event_comes_again_for_its_batch(world: World) -> None:
    producer, repeated = _begin(world, 0), page(world.now)
    producer.send([repeated, *pages(world.now, SIZE - 1)])
    world.fold()
    producer.send([repeated, page(world.now)])
    world.fold()
    check_batched(world)


def a_chain_grows_between_its_pages(world: World) -> None:
    producer = _begin(world, SIZE + 1)
    producer.send(pages(world.now, SIZE))
    world.poll()
    records, world.fold_queue = world.fold_queue, []

    def in_pages(*given: Any, **options: Any) -> Iterator[dict[str, Any]]:
        """Read as DynamoDB may: a full page has another one behind it, which was empty when the first one was read."""
        first = list(query(*given, **options))
        yield from first
        with patch("tidemark.aws.batches.query", query), world.another_process("stream_fold"):
            world.deliver_to("stream_fold", records)
        yield from (item for item in query(*given, **options) if item["sk"] > first[-1]["sk"])

    world.restart("stream_fold")
    with patch("tidemark.aws.batches.query", in_pages):
        world.deliver_to("stream_fold", records)
    check_batched(world)
    assert len(batches(world)) == 3


def _begin(world: World, events: int) -> Producer:
    """Have a workspace whose batches hold some events, and a worker that knows them."""
    world.settings(batch_events=SIZE, batch_seconds=AGE_SECONDS)
    producer = Producer(world)
    if events:
        producer.send(pages(world.now, events))
        world.fold()
    return producer


def _is_batch(call: Call, operation: str) -> bool:
    key = call.request.get("Item", {}).get("pk", {}) if isinstance(call.request, dict) else {}
    return call.operation == operation and str(key.get("S", "")).startswith("B#")
