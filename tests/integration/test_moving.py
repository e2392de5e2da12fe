"""A workspace that moves to a timezone with other hours: through the command and the real handlers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.calls import MODES, Died, Plan
from tests.support.checks import check_world
from tests.support.clients import Producer, Viewer
from tests.support.closing import YESTERDAY, check_closed, let_pass
from tests.support.data import SMALL, page
from tests.support.deployed import START, World
from tests.support.life import HANDLERS, get, hourly_run
from tests.support.moving import COMMAND, Mover, check_filed
from tests.support.stack import Stack
from tests.support.timelines import check_timelines, in_session

SPRING = datetime(2026, 10, 5, 6, 30, tzinfo=UTC)
"""Two days after Lord Howe's clocks were put forward, by half an hour."""
KOLKATA = "Asia/Kolkata"


def answers(world: World) -> list[Any]:
    """Return what the API tells of the last week."""
    last = world.now.date()
    days = {"from": (last - timedelta(days=6)).isoformat(), "to": last.isoformat()}
    table = get(world, "hourly", dashboard="web", **days)
    for row in table["rows"]:
        del row["created_at"], row["calculated_at"]
    return [
        *(get(world, "metrics", grain=grain, compare="previous", **days) for grain in ("hour", "day", "week", "all")),
        table,
        *(get(world, "snapshot", dashboard="web", days=count) for count in (1, 2, 7)),
    ]


def lived(world: World, batches: list[list[dict[str, Any]]], move: Callable[[Callable[[], None]], None]) -> list[Any]:
    """Send the batches, some while the workspace moves, some twice; return what is answered when all is at rest."""
    viewer, producer = Viewer(world), Producer(world)
    viewer.follow()
    first, second, third, fourth = batches
    producer.send(first)
    world.deliver()
    hourly_run(world)
    world.archive()
    producer.send(second)
    world.poll()  # these are on their way to workers that do not know

    def meanwhile() -> None:
        producer.send(third)
        producer.send(first)
        with world.another_process("http_api"):  # one that knows
            producer.send([*second, *third])
        world.fold()

    move(meanwhile)
    world.deliver()
    let_pass(world, 1)  # for less, the fold relies on a recompute that it has queued and that has not begun
    producer.send(fourth)
    producer.send(second)
    world.deliver()
    viewer.drain()
    check_world(world, viewer)
    world.restart(*HANDLERS)
    hourly_run(world, 2)
    viewer.drain()
    check_world(world, viewer)
    check_closed(world)
    check_timelines(world)
    check_filed(world)
    return answers(world)


@pytest.mark.parametrize(
    ("old", "new", "start"),
    [
        ("UTC", KOLKATA, START),
        (KOLKATA, "Asia/Kathmandu", START),
        ("UTC", "Australia/Lord_Howe", SPRING),
    ],
    ids=lambda value: str(value).rpartition("/")[2][:10],
)
def test_after_a_move_all_is_as_if_it_had_always_been_so(stack: Stack, old: str, new: str, start: datetime) -> None:
    ages = (0, 20, 45, 8 * 60, YESTERDAY - 60, 42 * 60 + 50, 43 * 60 + 10, 44 * 60, 2 * YESTERDAY + 200, 4 * YESTERDAY)
    batches = [
        [in_session(page(start, minutes_ago=age + 7 * n), f"s{age % 3}") for age in ages for _ in range(1 + n % 2)]
        for n in range(4)
    ]
    found = []
    for timezone in (old, new):
        with World(stack, timezone, definitions=SMALL) as world:
            world.now = start

            def move(meanwhile: Callable[[], None], world: World = world) -> None:
                mover = Mover(world, meanwhile)
                if world.timezone == new:
                    meanwhile()
                    world.now += timedelta(seconds=120)
                else:
                    assert mover.move(new) == 0, mover.told

            found.append(lived(world, batches, move))
    assert found[0] == found[1]
    assert found[0][1]["sources"]["day_cells"] >= 3, "the days are built anew"


def moved_twice(stack: Stack, plan: Plan) -> None:
    """Move a small world by a command that meets what is planned, and by another one."""
    stack.clear()
    with World(stack, definitions=SMALL) as world:
        producer = Producer(world)
        events = [in_session(page(world.now, minutes_ago=YESTERDAY + age), "s") for age in (0, 10)]
        producer.send(events)
        producer.send(events[1:])
        world.deliver()
        hourly_run(world)
        world.archive()
        mover = Mover(world)
        with world.armed(plan), suppress(Died):
            mover.move(KOLKATA)
        producer.send(events)
        assert mover.move(KOLKATA) == 0, mover.told
        world.deliver()
        hourly_run(world, 2)  # where `days` was not queued the first makes them due, and the second builds them
        check_world(world, Viewer(world))
        check_closed(world)
        check_timelines(world)
        check_filed(world)


def test_a_move_that_dies_before_any_write_is_finished_by_the_next(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemark_cli.refiling.operation.UNNOTED_DAYS", -1)  # the recent hours are but empty calls here
    monkeypatch.setattr("tidemark_cli.erasure.sweep.WORKERS", 1)
    undisturbed = Plan(COMMAND)
    moved_twice(stack, undisturbed)
    failures = []
    for index, call in enumerate(undisturbed.calls):
        if call.writes:
            plan = Plan(COMMAND, index, MODES["died_before"])
            try:
                moved_twice(stack, plan)
                assert plan.hit is not None, "the call was never made"
            except Exception as error:  # noqa: BLE001 - whatever goes wrong is reported with the plan that replays it
                failures.append(f"{plan}: {type(error).__name__}: {error}")
    assert not failures, "\n" + "\n".join(failures)
