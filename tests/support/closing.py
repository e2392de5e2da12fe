"""The rollup in a world: time passes, hours close, and what is closed is what the log gives."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from tests.support.calls import Died
from tests.support.checks import check_viewer, check_world, log_of
from tests.support.clients import Producer
from tests.support.data import page, pages
from tests.support.deployed import World
from tests.support.scenarios import SETTLED, Armed, scenario, watched
from tidemark.aws.cells import covered
from tidemark.domain import cells
from tidemark.domain.closing import day_closes_at, is_closed
from tidemark.domain.fold import Fold
from tidemark.domain.hours import day_of, hour_of

YESTERDAY = 24 * 60
CLOSED = 100
"""Minutes after which the present hour has closed, and the view is still watched."""


def run(world: World, schedule: str) -> None:
    """Have a schedule's function run; if it fails, or dies, the next run comes by itself."""
    with suppress(Exception, Died):
        world.invoke(schedule, {})


def let_pass(world: World, minutes: int) -> None:
    """Let time pass."""
    world.now += timedelta(minutes=minutes)


def check_closed(world: World) -> None:
    """Every hour that has closed is final, and what the log gives; nothing is due, and nothing has drifted."""
    world.poll()
    by_hour: dict[str, list[dict[str, Any]]] = {}
    for (hour, _), event in log_of(world).items():
        if is_closed(hour, int(world.now.timestamp())):
            by_hour.setdefault(hour, []).append(event)
    fold = Fold(world.definitions[name] for name in world.dashboards if name in world.definitions)
    for hour, events in by_hour.items():
        (item,) = [i for i in world.stack.items("CellsTable", f"{world.workspace}#{hour}") if "#" not in i["sk"]]
        assert item.get("final"), f"{hour} is not final"
        assert covered(item["covers"]) == fold.covers
        assert cells.encode(cells.decode(item["state"])) == cells.encode(cells.compact(fold(events))), hour
    days: dict[date, list[str]] = {}
    for hour in by_hour:
        days.setdefault(day_of(hour, world.timezone), []).append(hour)
    for day, hours in days.items():
        if day_closes_at(day, world.timezone) <= world.now.timestamp():
            (item,) = world.stack.items("CellsTable", f"{world.workspace}#{day}")
            assert set(item["hours"].split()) == set(hours), f"the cell of {day} has not all its hours"
    for name in _partitions(world, "DUE#"):
        due = [i["sk"].split("#") for i in world.stack.items("WorkTable", name)]
        left = [(slot, period) for slot, workspace, period in due if workspace == world.workspace]
        still = [each for each in left if datetime.fromisoformat(f"{each[0]}:05:00+00:00") <= world.now]
        assert not still, f"still due: {still}"
    for name in _partitions(world, "RUN#"):
        for record in world.stack.items("WorkTable", name):
            mine = record["sk"].startswith(f"{world.workspace}#")
            assert not (mine and record.get("drift")), f"drift: {record}"


def _partitions(world: World, prefix: str) -> list[str]:
    return [pk for pk in world.stack.partitions("WorkTable") if pk.startswith(prefix)]


def check_queued(world: World, hour: str) -> None:
    """An hour that was closed is queued to be archived; take what is queued."""
    queued = [json.loads(job.body) for job in world.stack.archive_jobs.of(world.workspace)]
    assert hour in {job["hour"] for job in queued}, f"{hour} is never archived"


@scenario("cron_rollup")
def cron_rollup(world: World, armed: Armed) -> None:
    (viewer,) = watched(world)
    Producer(world).send(pages(world.now, 2) + pages(world.now, 2, SETTLED))
    world.deliver()
    let_pass(world, CLOSED)
    with armed():
        run(world, "cron_rollup")
    world.restart("cron_rollup")
    run(world, "cron_rollup")
    world.roll_up()
    check_world(world, viewer)
    check_closed(world)


@scenario("cron_slide")
def cron_slide(world: World, armed: Armed) -> None:
    (viewer,) = watched(world)
    Producer(world).send(pages(world.now, 2))
    world.deliver()
    let_pass(world, CLOSED)
    with armed():
        run(world, "cron_slide")
    world.restart("cron_slide")
    run(world, "cron_slide")
    world.roll_up()
    world.deliver()
    (head,) = [i for i in world.stack.items("SnapshotsTable", f"{world.workspace}#web:2") if i["sk"] == "HEAD"]
    assert head["hour"] == world.hour, "no event came, and the view stands still"
    viewer.drain()
    check_viewer(world, viewer)
    check_world(world, viewer)


@scenario("queue_rollup")
def queue_rollup(world: World, armed: Armed) -> None:
    (viewer,) = watched(world)
    producer = Producer(world)
    yesterday = hour_of(world.now - timedelta(minutes=YESTERDAY), world.timezone)
    producer.send(pages(world.now, 1, YESTERDAY))
    world.deliver()
    let_pass(world, CLOSED)
    run(world, "cron_rollup")
    run(world, "cron_slide")
    with armed():
        world.roll_up()
    check_closed(world)
    check_queued(world, yesterday)
    late = page(world.now, minutes_ago=CLOSED + YESTERDAY)
    producer.send([late])
    world.fold()
    with armed():
        world.roll_up()
    check_queued(world, yesterday)
    let_pass(world, 1)  # for less, the fold relies on a recompute that it has queued and that has not begun
    producer.send([late, page(world.now, minutes_ago=CLOSED + YESTERDAY)])
    world.deliver()
    check_world(world, viewer)
    check_closed(world)
