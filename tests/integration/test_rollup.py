"""Closing hours through the real handlers: what is late, lost, corrupt, wrong or failing."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Any

import pytest

from tests.support.checks import check_viewer, check_world
from tests.support.clients import Producer, Viewer
from tests.support.closing import CLOSED, YESTERDAY, check_closed, let_pass, run
from tests.support.data import SMALL, page, pages
from tests.support.deployed import World
from tests.support.stack import Stack
from tidemark.aws.agenda import DynamoAgenda
from tidemark.aws.items import encode
from tidemark.domain import cells
from tidemark.domain.closing import slot_at


@pytest.fixture
def small(stack: Stack) -> Any:
    with World(stack, definitions=SMALL) as world:
        yield world


def cell_of(world: World, hour: str) -> dict[str, Any]:
    (item,) = [i for i in world.stack.items("CellsTable", f"{world.workspace}#{hour}") if "#" not in i["sk"]]
    return item


def records_of(world: World) -> list[dict[str, Any]]:
    """Return what became of this world's hours, run by run."""
    partitions = sorted(pk for pk in world.stack.partitions("WorkTable") if pk.startswith("RUN#"))
    items = [item for pk in partitions for item in world.stack.items("WorkTable", pk)]
    return [item for item in items if item["sk"].startswith(f"{world.workspace}#")]


def put_cell(world: World, hour: str, **changed: Any) -> None:
    world.stack.dynamodb.put_item(TableName="CellsTable", Item=encode(cell_of(world, hour) | changed))


def close_yesterday(world: World, producer: Producer) -> None:
    """Send an event of yesterday, and have its hour closed."""
    producer.send(pages(world.now, 1, YESTERDAY))
    world.deliver()
    let_pass(world, CLOSED)
    run(world, "cron_rollup")
    world.roll_up()


def test_an_event_of_yesterday_is_in_its_hour_within_a_minute_and_once(small: World) -> None:
    viewer, producer = Viewer(small), Producer(small)
    viewer.follow()
    producer.send(pages(small.now, 2, YESTERDAY))
    small.deliver()
    let_pass(small, CLOSED)
    run(small, "cron_rollup")
    small.roll_up()
    small.deliver()
    late = page(small.now, minutes_ago=YESTERDAY + CLOSED)
    producer.send([late])
    small.fold()
    assert [job.delay_seconds for job in small.stack.jobs.queued] == [30]
    small.roll_up()
    small.deliver()
    viewer.drain()
    check_viewer(small, viewer)
    assert viewer.sections["kpis"]["pageviews"] == 3
    let_pass(small, 1)
    producer.send([late, page(small.now)])
    small.deliver()
    viewer.drain()
    assert viewer.sections["kpis"]["pageviews"] == 4
    check_world(small, viewer)
    check_closed(small)
    days = {record["outcome"] for record in records_of(small) if record["sk"] == f"{small.workspace}#2026-11-21"}
    assert days == {"final"}


def test_many_late_events_of_an_hour_are_one_recompute(small: World) -> None:
    producer = Producer(small)
    close_yesterday(small, producer)
    for _ in range(20):
        producer.send([page(small.now, minutes_ago=YESTERDAY + CLOSED)])
        small.fold()
        small.now += timedelta(milliseconds=900)
    assert len(small.stack.jobs.queued) == 1
    small.roll_up()
    check_closed(small)


def test_what_comes_late_after_its_hour_was_recomputed_early_is_not_left_out(small: World) -> None:
    """A backfill, or the run at minute 5, may do at once what the fold has queued for half a minute later."""
    producer = Producer(small)
    close_yesterday(small, producer)
    for _ in range(2):
        producer.send([page(small.now, minutes_ago=YESTERDAY + CLOSED)])
        small.fold()
        small.roll_up()
    let_pass(small, 60)
    run(small, "cron_rollup")
    small.roll_up()
    check_closed(small)


def test_a_cell_that_cannot_be_read_is_made_anew_from_the_log(small: World) -> None:
    Producer(small).send(pages(small.now, 3))
    small.deliver()
    put_cell(small, hour := small.hour, state=b"not what it was")
    let_pass(small, CLOSED)
    run(small, "cron_rollup")
    small.roll_up()
    check_closed(small)
    small.restart("queue_rollup")
    put_cell(small, hour, state=b"nor this")
    slot = slot_at(int(small.now.timestamp()) - 3600)
    DynamoAgenda("WorkTable").schedule(small.workspace, hour, slot)
    run(small, "cron_rollup")
    small.roll_up()
    check_closed(small)


def test_a_live_cell_that_is_not_what_the_log_gives_has_drifted_and_is_put_right(
    small: World, capsys: pytest.CaptureFixture[str]
) -> None:
    Producer(small).send(pages(small.now, 3))
    small.deliver()
    hour, stored = small.hour, cells.decode(cell_of(small, small.hour)["state"])
    (counted,) = [identity for identity in stored.states if identity == SMALL["web"].measures["pageviews"].identity]
    wrong = cells.Cell({**stored.states, counted: stored.states[counted] + 1})
    put_cell(small, hour, state=cells.encode(wrong))
    let_pass(small, CLOSED)
    run(small, "cron_rollup")
    capsys.readouterr()
    small.roll_up()
    assert [record["drift"] for record in records_of(small)] == [1]
    assert '"RollupDrift":1' in capsys.readouterr().out
    assert cells.decode(cell_of(small, hour)["state"]).states[counted] == 3


def test_what_the_fold_has_not_taken_in_yet_is_no_drift(small: World) -> None:
    producer = Producer(small)
    producer.send(pages(small.now, 1))
    small.deliver()
    producer.send(pages(small.now, 2))  # and the stream is behind
    let_pass(small, CLOSED)
    run(small, "cron_rollup")
    small.roll_up()
    assert [(record["events"], record["drift"]) for record in records_of(small)] == [(3, 0)]
    small.deliver()
    check_closed(small)


def test_an_hour_that_cannot_be_closed_is_recorded_and_tried_by_the_next_run(small: World) -> None:
    Producer(small).send(pages(small.now, 1))
    small.deliver()
    (chunk,) = small.chunk_partitions
    (item,) = small.stack.items("EventsTable", chunk)
    small.stack.dynamodb.put_item(TableName="EventsTable", Item=encode(item | {"events": zlib.compress(b"{")}))
    let_pass(small, CLOSED)
    run(small, "cron_rollup")
    with pytest.raises(AssertionError, match="jobs fail for good"):
        small.roll_up()
    (record,) = records_of(small)
    assert (record["outcome"], record["attempts"]) == ("failed", 5)
    assert "JSONDecodeError" in record["error"]
    small.stack.dynamodb.put_item(TableName="EventsTable", Item=encode(item))
    let_pass(small, 60)
    run(small, "cron_rollup")
    small.roll_up()
    assert records_of(small)[-1]["outcome"] == "final"
    check_closed(small)


def test_an_hour_whose_log_is_gone_keeps_what_it_has(small: World) -> None:
    Producer(small).send(pages(small.now, 2))
    small.deliver()
    hour = small.hour
    put_cell(small, hour, log_until=int(small.now.timestamp()))
    (chunk,) = small.chunk_partitions
    (item,) = small.stack.items("EventsTable", chunk)
    key = encode({"pk": item["pk"], "sk": item["sk"]})
    small.stack.dynamodb.delete_item(TableName="EventsTable", Key=key)
    before = cell_of(small, hour)["state"]
    let_pass(small, CLOSED)
    run(small, "cron_rollup")
    small.roll_up()
    assert cell_of(small, hour)["state"] == before
    assert cell_of(small, hour)["final"]
    assert [record["outcome"] for record in records_of(small)] == ["kept"]


def test_a_watched_view_slides_over_midnight_without_an_event(stack: Stack) -> None:
    with World(stack, definitions=SMALL, timezone="Asia/Kolkata") as world:
        world.now = world.now.replace(hour=18, minute=20)  # ten minutes before midnight
        viewer = Viewer(world, {"dashboard": "web", "days": 1})
        viewer.follow()
        Producer(world).send(pages(world.now, 2))
        world.deliver()
        viewer.drain()
        assert viewer.sections["kpis"]["pageviews"] == 2
        let_pass(world, 11)
        run(world, "cron_slide")
        world.roll_up()
        world.deliver()
        assert [message["type"] for message in viewer.drain()] == ["delta"]
        assert viewer.sections["kpis"]["pageviews"] == 0
        check_viewer(world, viewer)
