"""The schedule of the batches in a world: what is old is sealed, what was lost is sent again."""

from __future__ import annotations

import json
from unittest.mock import patch

from tests.support.batches import AGE_SECONDS, SIZE, batches, check_batched, sent
from tests.support.clients import Producer
from tests.support.closing import let_pass, run
from tests.support.cold import analysed_long_ago, cold_rows
from tests.support.data import pages
from tests.support.deployed import World
from tests.support.scenarios import Armed, scenario
from tidemark.aws.batches import key_of
from tidemark.aws.items import encode
from tidemark.domain.jobs import MAX_ATTEMPTS


@scenario("cron_batches")
def cron_batches(world: World, armed: Armed) -> None:
    # Each is a request, whatever is in it.
    with patch("tidemark.aws.batches.QUEUES", 2), patch("tidemark.aws.cold_notes.PARTITIONS", 1):
        world.settings(batch_events=SIZE, batch_seconds=AGE_SECONDS)
        Producer(world).send(pages(world.now, SIZE + 1))
        world.fold()
        check_batched(world)
        full, young = (item["sk"] for item in batches(world))
        assert sent(world) == {full}  # and that message is lost
        died, gave_up = (_run_by_a_worker_that_died(world, full, attempts) for attempts in (1, MAX_ATTEMPTS))
        stored = analysed_long_ago(world, is_sent=False)
        let_pass(world, 1)
        with armed():
            run(world, "cron_batches")
        let_pass(world, 1)
        world.restart("cron_batches")
        run(world, "cron_batches")
        assert sent(world) == {full, young, died}
        states = {item["sk"]: (item["state"], item["job"]) for item in batches(world)}
        assert {states[name] for name in (full, young, died)} == {("SEALED", "PENDING")}
        assert states[gave_up] == ("SEALED", "RUNNING")
        letters = [json.loads(job.body) for job in world.stack.analysis_dead_letters.of(world.workspace)]
        assert {(letter["batch"], letter["attempts"]) for letter in letters} == {(gave_up, MAX_ATTEMPTS)}
        world.archive()
        assert [row["batch_id"] for row in cold_rows(world)] == [stored]


def _run_by_a_worker_that_died(world: World, like: str, attempts: int) -> str:
    """Have a batch whose job some worker began and left; return its id."""
    (item,) = (item for item in batches(world) if item["sk"] == like)
    name = f"2026-11-01T00:00Z.00.{attempts:06d}"
    begun = {"job": "RUNNING", "attempts": attempts, "lease": "x", "lease_until": int(world.now.timestamp()) - 1}
    stored = encode(item | key_of(world.workspace, name) | begun)
    world.stack.dynamodb.put_item(TableName="WorkTable", Item=stored)
    return name
