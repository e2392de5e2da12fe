"""Days that move to another timezone, and dashboards that change: through the real handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.checks import check_viewer, check_world
from tests.support.clients import Producer, Viewer
from tests.support.closing import YESTERDAY, check_closed, let_pass, run
from tests.support.data import SMALL, page, pages
from tests.support.deployed import START, World
from tests.support.life import HANDLERS, get, hourly_run, move
from tests.support.stack import Stack
from tidemark.domain.definitions import load

MORE = SMALL | {
    "web": load(
        """
        name: web
        measures:
          pageviews: {kind: count, events: [page]}
          found: {kind: count, events: [page], where: {properties.status: {lt: 400}}}
        kpis: [pageviews, found]
        charts:
          pageviews_by_day: {measure: pageviews, grain: day}
        tabs: {overview: [found]}
        """,
        "more.yaml",
    )
}
"""Another definition of `web`: one measure stays, one is new, others are gone."""


@pytest.fixture
def small(stack: Stack) -> Iterator[World]:
    with World(stack, definitions=SMALL) as world:
        yield world


# ── Another timezone ─────────────────────────────────────────────────────────────────────────────────────────────────


def lived(world: World, batches: list[list[dict[str, Any]]], change: Callable[[], None]) -> list[Any]:
    """Send the batches, the timezone changing on the way, and let all come to rest; return what is answered then."""
    viewer, producer = Viewer(world), Producer(world)
    viewer.follow()
    first, second, third = batches
    producer.send(first)
    world.deliver()
    hourly_run(world)
    producer.send(second)
    world.poll()  # these are on their way to workers that do not know
    change()
    world.deliver()
    let_pass(world, 1)  # for less, the fold relies on a recompute that it has queued and that has not begun
    producer.send(third)
    world.deliver()
    viewer.drain()
    check_world(world, viewer)
    world.restart(*HANDLERS)
    hourly_run(world, 2)
    viewer.drain()
    check_world(world, viewer)
    check_closed(world)
    asked = {"from": "2026-11-16", "to": "2026-11-22", "compare": "previous"}
    return [
        *(get(world, "metrics", grain=grain, **asked) for grain in ("hour", "day", "week", "month", "all")),
        get(world, "hourly", dashboard="web", **{"from": "2026-11-18", "to": "2026-11-22"}),
        *(get(world, "snapshot", dashboard="web", days=days) for days in (1, 2, 7)),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [("UTC", "America/New_York"), ("America/New_York", "Pacific/Kiritimati"), ("Asia/Kolkata", "Asia/Colombo")],
)
def test_after_a_change_of_timezone_all_is_as_if_it_had_always_been_so(stack: Stack, old: str, new: str) -> None:
    ages = (0, 45, 8 * 60, YESTERDAY - 60, 2 * YESTERDAY + 200, 4 * YESTERDAY + 700)
    batches = [[page(START, minutes_ago=age + n) for age in ages] for n in range(3)]
    with World(stack, old, definitions=SMALL) as world:
        moved = lived(world, batches, lambda: move(world, new))
    with World(stack, new, definitions=SMALL) as world:
        born = lived(world, batches, lambda: None)
    for table in (moved, born):
        for row in table[5]["rows"]:
            del row["created_at"], row["calculated_at"]
    assert moved == born
    assert moved[1]["sources"]["day_cells"] >= 3, "the days are built anew"


def test_a_worker_that_knows_the_old_timezone_renders_by_the_new_one(small: World) -> None:
    viewer = Viewer(small)
    viewer.follow()
    Producer(small).send(pages(small.now, 2, 20 * 60))
    small.deliver()
    move(small, "Pacific/Kiritimati")
    small.roll_up()
    Producer(small).send(pages(small.now, 1))
    small.fold()
    small.broadcast()
    viewer.drain()
    check_world(small, viewer)


def test_a_day_of_the_timezone_from_before_is_never_taken_for_one_of_now(small: World) -> None:
    Producer(small).send(pages(small.now, 2, YESTERDAY) + pages(small.now, 1, YESTERDAY + 8 * 60))
    small.deliver()
    hourly_run(small)
    asked = {"from": "2026-11-20", "to": "2026-11-22", "measures": "pageviews"}
    before = get(small, "metrics", **asked)
    assert before["sources"]["day_cells"] == 1
    move(small, "America/New_York")
    move(small, "UTC")
    small.restart(*HANDLERS)
    between = get(small, "metrics", **asked)
    assert between["sources"]["day_cells"] == 0, "what came between these changes is not in it"
    assert between["rows"] == before["rows"]
    small.roll_up()
    hourly_run(small)
    assert get(small, "metrics", **asked)["rows"][:2] == before["rows"][:2]
    assert get(small, "metrics", **asked)["sources"]["day_cells"] == 1


def test_an_hour_that_an_old_worker_recomputes_is_in_the_day_of_now(small: World) -> None:
    Producer(small).send(pages(small.now, 2, YESTERDAY + 16 * 60))
    small.deliver()
    hourly_run(small)
    Producer(small).send(pages(START, 1, YESTERDAY + 16 * 60))
    small.fold()  # and its recompute is queued

    def change() -> None:
        with small.another_process("queue_rollup"):
            move(small, "Pacific/Kiritimati")
            small.roll_up()
            small.now = small.now.replace(hour=12, minute=5)
            run(small, "cron_rollup")
            jobs = small.stack.jobs
            jobs.queued = [job for job in jobs.queued if "T18:00Z" not in job.body]
            small.roll_up()
        assert small.stack.items("CellsTable", f"{small.workspace}#2026-11-21"), "the day of now is built"

    small.meanwhile(lambda call: call.operation == "PutItem" and "CellsTable" in call.target, change)
    small.roll_up()
    asked = {"from": "2026-11-21", "to": "2026-11-21", "measures": "pageviews"}
    small.restart("http_api")
    answer = get(small, "metrics", **asked)
    assert (answer["timezone"], answer["sources"]["day_cells"]) == ("Pacific/Kiritimati", 1)
    assert answer["rows"][0]["values"] == {"pageviews": 3}


# ── Another definition ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_measure_that_is_declared_later_gets_its_history_by_itself_also_where_it_is_watched(small: World) -> None:
    viewer = Viewer(small)
    viewer.follow()
    Producer(small).send(pages(small.now, 6) + pages(small.now, 5, YESTERDAY) + pages(small.now, 4, 20 * 60))
    small.deliver()
    hourly_run(small)
    small.definitions = MORE
    small.restart(*HANDLERS)  # a deployment
    Producer(small).send(pages(small.now, 3))
    small.deliver()
    hourly_run(small, 2)
    viewer.follow()
    assert viewer.sections["kpis"]["pageviews"] == 18
    check_viewer(small, viewer)
    check_world(small, viewer)
    check_closed(small)
    answer = get(small, "metrics", measures="found", **{"from": "2026-11-21", "to": "2026-11-22"})
    assert answer["sources"]["log_hours"] == 0
