"""The analysis in a world: whatever becomes of workers and messages, every job ends once, well or with its reason."""

from __future__ import annotations

import json
import zlib
from typing import Any

from tests.support.batches import SIZE, batches
from tests.support.clients import Producer
from tests.support.closing import let_pass, run
from tests.support.cold import noted
from tests.support.data import pages
from tests.support.deployed import World
from tests.support.jobs import Job
from tests.support.scenarios import Armed, scenario
from tidemark.aws.batches import dead_queue_of, key_of
from tidemark.aws.items import encode
from tidemark.domain.insights import from_json
from tidemark.domain.jobs import BATCH_MISSING, LEASE_EXPIRED, MAX_ATTEMPTS, NOT_DELIVERED

LEASE_MINUTES = 16
ROUNDS = 8


@scenario("queue_analysis")
def queue_analysis(world: World, armed: Armed) -> None:
    sealed = _sealed(world)
    lost = _of_lost_events(world, sealed, MAX_ATTEMPTS - 2)
    world.stack.analysis_jobs.queued.append(_message(world, lost))
    _open_breaker(world)  # of which the time is over: the first job is the probe
    with armed():
        world.analyse()
    found = _come_to_rest(world)
    assert found[sealed]["state"] == "ANALYZED"
    insight = from_json(json.loads(zlib.decompress(found[sealed]["insight"])))
    assert (insight.provider, insight.events) == ("statistical", SIZE)
    (breaker,) = world.stack.items("WorkTable", "BREAKER")
    assert breaker["state"] in ("CLOSED", "HALF_OPEN")  # a probe of which nothing was heard is followed by another
    _check_dead(world, found[lost], {BATCH_MISSING, LEASE_EXPIRED, NOT_DELIVERED, "unavailable", "throttled"})
    assert noted(world) == [sealed.partition(".")[0]], "cold storage will not have the batch"


@scenario("queue_deadletter")
def queue_deadletter(world: World, armed: Armed) -> None:
    last = _of_lost_events(world, _sealed(world), MAX_ATTEMPTS - 1)
    world.stack.analysis_jobs.queued[:] = [_message(world, last)]
    world.analyse()
    world.stack.analysis_dead_letters.queued *= 2  # a queue may deliver twice
    with armed():
        world.bury()
    (item,) = (each for each in batches(world) if each["sk"] == last)
    _check_dead(world, item, {BATCH_MISSING})
    assert item["trace"]["cause"] == "BatchMissing"
    assert item["input"] == {"provider": "statistical"}


def _open_breaker(world: World) -> None:
    until = int(world.now.timestamp()) - 1
    breaker = {"state": "OPEN", "failures": 5, "opened_at": until - 600, "until": until, "probe": "", "version": 9}
    item = {"pk": "BREAKER", "sk": "statistical", "writer": "x", **breaker}
    world.stack.dynamodb.put_item(TableName="WorkTable", Item=encode(item))


def _sealed(world: World) -> str:
    """Have a batch filled and its job sent; return its id."""
    world.settings(batch_events=SIZE)
    Producer(world).send(pages(world.now, SIZE))
    world.fold()
    (item,) = batches(world)
    return str(item["sk"])


def _of_lost_events(world: World, like: str, attempts: int) -> str:
    """Have a pending batch whose events are not in the log any more; return its id."""
    (item,) = (each for each in batches(world) if each["sk"] == like)
    name = f"2026-11-01T00:00Z.00.{attempts:06d}"
    stored = item | key_of(world.workspace, name) | {"attempts": attempts}
    world.stack.dynamodb.put_item(TableName="WorkTable", Item=encode(stored))
    return name


def _message(world: World, batch: str) -> Job:
    return Job(batch, json.dumps({"workspace": world.workspace, "batch": batch}), 0)


def _come_to_rest(world: World) -> dict[str, dict[str, Any]]:
    """Let time pass, the schedule run and messages come until every job has ended; return the batches by id."""
    for _ in range(ROUNDS):
        world.analyse()
        world.bury()
        found = {item["sk"]: item for item in batches(world)}
        if all(item["job"] in ("SUCCESS", "FAILED") for item in found.values()):
            return found
        let_pass(world, LEASE_MINUTES)
        run(world, "cron_batches")
    raise AssertionError(f"jobs never end: {[(item['sk'], item['job']) for item in batches(world)]}")


def _check_dead(world: World, item: dict[str, Any], codes: set[str]) -> None:
    assert (item["state"], item["job"], item["queue"]) == ("SEALED", "FAILED", dead_queue_of(world.workspace))
    assert item["error"]["code"] in codes
    assert item["attempts"] <= MAX_ATTEMPTS
    assert item["attempts"] == MAX_ATTEMPTS or item["error"]["code"] == NOT_DELIVERED
