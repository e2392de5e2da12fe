"""How a workspace lives on: hourly runs, settings that change its days, and what is answered and stored then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from tests.support.closing import run
from tests.support.deployed import World
from tests.support.stack import ENVIRONMENT
from tidemark.aws.agenda import DynamoAgenda
from tidemark.aws.directory import DynamoDirectory
from tidemark.aws.rollup_queue import SqsRollupQueue
from tidemark.domain.closing import EVERY_DAY, slot_at

HANDLERS = ("http_api", "stream_fold", "queue_rollup", "ws_bootstrap", "ws_subscribe", "ws_reconcile")


def move(world: World, timezone: str) -> None:
    """Change the timezone, or with the same one make the days due that other settings have changed."""
    before = DynamoDirectory("DirectoryTable", 90).latest(world.workspace)
    assert before is not None
    if timezone != before.timezone:
        world.timezone = timezone
        world.settings(calendar=before.calendar + 1)
    due = DynamoAgenda("WorkTable").schedule(world.workspace, EVERY_DAY, slot_at(int(world.now.timestamp())))
    SqsRollupQueue(ENVIRONMENT["ROLLUP_QUEUE_URL"]).send([due])


def hourly_run(world: World, times: int = 1) -> None:
    """Have the next hourly runs come, and do what is due."""
    for _ in range(times):
        world.now = world.now.replace(minute=5, second=0) + timedelta(hours=1)
        run(world, "cron_rollup")
        world.roll_up()
        world.deliver()


def get(world: World, path: str, **query: Any) -> Any:
    """Return the answer of a route, but for what names the workspace and the time of the answer."""
    headers = {"authorization": f"Bearer {world.token()}"}
    answer = world.http("GET", f"/v1/workspaces/{world.workspace}/{path}", query=urlencode(query), headers=headers)
    dropped = {"workspace_id", "fresh_at", "timestamp", "position", "generated_at"}
    return {name: value for name, value in answer.json().items() if name not in dropped}


def cells_of(world: World) -> set[str]:
    """Return the names of the hours and days of which there are cells."""
    mine = [pk for pk in world.stack.partitions("CellsTable") if pk.startswith(f"{world.workspace}#")]
    found = {pk: [item for item in world.stack.items("CellsTable", pk) if "#" not in item["sk"]] for pk in mine}
    return {pk.partition("#")[2] for pk, items in found.items() if items}
