"""What operators do by hand in a world: it is done once, however often they ask, and nothing of it is forgotten."""

from __future__ import annotations

from contextlib import suppress

from tests.support.batches import AGE_SECONDS, SIZE, batches, sent
from tests.support.calls import Died
from tests.support.clients import Producer
from tests.support.closing import let_pass, run
from tests.support.cold import expired
from tests.support.data import pages
from tests.support.deployed import World
from tests.support.scenarios import Armed, scenario
from tidemark import bootstrap
from tidemark.administration import administration
from tidemark.aws.batches import dead_queue_of
from tidemark.aws.items import encode


@scenario("cli_by_hand")
def by_hand(world: World, armed: Armed) -> None:
    world.settings(batch_events=SIZE, batch_seconds=AGE_SECONDS)
    Producer(world).send(pages(world.now, SIZE + 1))
    world.fold()
    dead, young = batches(world)
    failed = {"job": "FAILED", "attempts": 5, "queue": dead_queue_of(world.workspace), "finished_at": dead["sealed_at"]}
    world.stack.dynamodb.put_item(TableName="WorkTable", Item=encode(dead | failed))
    sent(world)  # its message was taken long ago
    stored = expired(world)
    names = dead["sk"], young["sk"]
    bootstrap.container.cache_clear()
    with armed(), suppress(Exception, Died):
        act(world, *names, stored)
    act(world, *names, stored)  # whoever got no answer asks again
    queued = sent(world)
    let_pass(world, 1)
    run(world, "cron_batches")
    queued |= sent(world)
    found = {item["sk"]: item for item in batches(world)}
    assert [(found[name]["state"], found[name]["job"], found[name]["attempts"]) for name in names] == [
        ("SEALED", "PENDING", 0),
        ("SEALED", "PENDING", 0),
    ]
    assert (found[dead["sk"]]["redrives"], found[young["sk"]]["sealed_by"]) == (1, "hand")
    assert queued == set(names)
    assert (found[stored]["state"], found[stored]["job"]) == ("ANALYZED", "SUCCESS")
    assert len(found) == len(names) + 1


def act(world: World, dead: str, young: str, stored: str) -> None:
    """Redrive one job, seal one batch and restore one, as the routes of the administration do."""
    with world.stack.calls.of("cli_by_hand"):
        actions = administration().actions
        actions.redrive(world.workspace, [dead], "request", world.now)
        actions.seal(world.workspace, young, "request", world.now)
        workspace = bootstrap.container().directory.workspace(world.workspace)
        assert workspace is not None
        administration().restore(workspace, stored, world.now)
