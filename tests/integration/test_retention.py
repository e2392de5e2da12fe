"""For how long what is kept: the log, the history, the deltas; through the real handlers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.calls import MODES, Mode, Plan
from tests.support.checks import check_viewer
from tests.support.clients import Producer, Viewer
from tests.support.closing import CLOSED, YESTERDAY, check_closed, let_pass, run
from tests.support.data import SMALL, page, pages
from tests.support.deployed import START, World
from tests.support.life import HANDLERS, cells_of, get, hourly_run, move
from tests.support.stack import Stack


@pytest.fixture
def small(stack: Stack) -> Iterator[World]:
    with World(stack, definitions=SMALL) as world:
        yield world


# ── The end of the log ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_hour_is_recomputed_as_long_as_its_own_chunks_are_in_the_log(small: World) -> None:
    small.settings(retention_days=1)
    Producer(small).send(pages(small.now, 2))
    small.deliver()
    small.settings(retention_days=30)  # what is stored keeps the end that it was given
    small.restart(*HANDLERS)
    Producer(small).send(pages(small.now, 1))
    small.deliver()
    (cell,) = [i for i in small.stack.items("CellsTable", f"{small.workspace}#{small.hour}") if i["sk"] == "00"]
    assert cell["log_until"] == int(START.timestamp()) + 86_400
    let_pass(small, CLOSED)
    run(small, "cron_rollup")
    small.roll_up()
    check_closed(small)


# ── The end of the history ───────────────────────────────────────────────────────────────────────────────────────────


def test_days_end_with_the_history_and_the_answer_says_so(small: World) -> None:
    viewer = Viewer(small)
    for days_ago in (0, 30, 31, 32):
        Producer(small).send(pages(small.now, 1 + days_ago, days_ago * YESTERDAY))
    small.deliver()
    hourly_run(small)
    days = {"from": "2026-10-20", "to": "2026-11-22", "measures": "pageviews", "grain": "all"}
    (row,) = get(small, "metrics", **days)["rows"]
    assert (row["state"], row["values"]) == ("live", {"pageviews": 97})
    small.settings(history_days=31)
    move(small, small.timezone)
    small.restart(*HANDLERS)
    answer = get(small, "metrics", **days)  # at once, while the cells are there
    assert [(row["state"], row["values"]["pageviews"]) for row in answer["rows"]] == [("expired", 64)]
    assert answer["freshness"]["expired_days"] == 2
    table = get(small, "hourly", dashboard="web", **{"from": "2026-10-21", "to": "2026-10-23"})
    assert [row["hour"] for row in table["rows"]] == ["2026-10-22T10:00Z", "2026-10-23T10:00Z"]
    assert table["expired"] == [small.workspace]
    assert "2026-10-21T10:00Z" in cells_of(small)
    health = small.http("GET", "/v1/admin/health", headers={"authorization": f"Bearer {small.token('admin')}"}).json()
    assert health["workspace"]["keeps"] == {
        "retention_days": 90,
        "recovery_hours": 24,
        "history_days": 31,
        "history_from": "2026-10-22",
    }
    small.roll_up()
    hourly_run(small)
    kept = {"2026-11-22T10:00Z", "2026-10-23T10:00Z", "2026-10-22T10:00Z", "2026-10-23", "2026-10-22"}
    assert cells_of(small) == kept
    let_pass(small, 1)
    late = page(small.now, minutes_ago=32 * YESTERDAY)
    Producer(small).send([late])
    small.deliver()
    hourly_run(small)
    assert cells_of(small) == kept, "of a day that has ended nothing is made again"
    noted = small.stack.items("WorkTable", f"H#{small.workspace}")
    assert {item["sk"] for item in noted} == {"2026-10-22", "2026-10-23", "2026-11-22"}
    small.now = small.now.replace(day=23, hour=0, minute=5)  # a midnight later
    hourly_run(small)
    assert cells_of(small) == (kept | {"2026-11-22"}) - {"2026-10-22T10:00Z", "2026-10-22"}
    viewer.follow()
    check_viewer(small, viewer)
    wide = get(small, "snapshot", dashboard="web", days=33)
    assert (wide["code"], wide["field"]) == ("range_expired", "view.days")


@pytest.mark.parametrize("mode", [MODES["every_answer_lost"], MODES["died_before"], MODES["died_after"]], ids=str)
def test_days_end_whatever_befalls_a_call(stack: Stack, mode: Mode) -> None:
    def ended(plan: Plan) -> None:
        stack.clear()
        with World(stack, definitions=SMALL) as world:
            Producer(world).send(pages(world.now, 1, 32 * YESTERDAY))
            Producer(world).send(pages(world.now, 1, YESTERDAY))
            world.deliver()
            hourly_run(world)
            world.settings(history_days=31)
            move(world, world.timezone)
            world.restart(*HANDLERS)
            with world.armed(plan):
                world.roll_up()
                hourly_run(world)
            assert cells_of(world) == {"2026-11-21T10:00Z", "2026-11-21"}
            assert [item["sk"] for item in world.stack.items("WorkTable", f"H#{world.workspace}")] == ["2026-11-21"]

    undisturbed = Plan("queue_rollup")
    ended(undisturbed)
    for index, call in enumerate(undisturbed.calls):
        if mode.befalls(call, last=index == len(undisturbed.calls) - 1):
            ended(Plan("queue_rollup", index, mode))


def test_a_view_that_is_watched_and_reaches_too_far_fails_no_fold(small: World) -> None:
    viewer = Viewer(small)
    viewer.follow()
    small.settings(history_days=31, history_from="2026-11-22")  # the view has two days
    small.restart(*HANDLERS)
    Producer(small).send(pages(small.now, 2))
    small.deliver()
    assert cells_of(small) == {small.hour}
    run(small, "cron_slide")
    small.roll_up()
    assert get(small, "snapshot", dashboard="web", days=2)["code"] == "range_expired"


def test_deltas_are_kept_as_long_as_the_workspace_says(small: World) -> None:
    small.settings(recovery_hours=3)
    viewer = Viewer(small)
    viewer.follow()
    Producer(small).send(pages(small.now, 1))
    small.deliver()
    items = small.stack.items("SnapshotsTable", f"{small.workspace}#web:2")
    ends = [item["expires_at"] for item in items if item["sk"] != "HEAD"]
    assert set(ends) == {int(START.timestamp()) + 3 * 3600}
