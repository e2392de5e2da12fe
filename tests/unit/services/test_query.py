"""What one request of the query router reads is bounded: pages go on where a bound ended one, and none is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from tests.support.memory_rollup import MemoryAgenda
from tests.support.strategies import event
from tests.support.world import World
from tidemark.domain.definitions import shipped
from tidemark.domain.errors import Throttled
from tidemark.domain.events import format_timestamp
from tidemark.services import query, repairs, rows
from tidemark.services.folds import Folds
from tidemark.services.query import Metrics, Page
from tidemark.services.repairs import Repairs
from tidemark.services.rows import RowReader
from tidemark.services.sources import HourSources, LogBudget

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
DAYS = 5


def world_of(per_day: int = 10, *, closed: bool = True, path: str = "/") -> World:
    """Return a world with so many page views in one hour of each of the last days."""
    world = World()
    worker = world.worker()
    for day in range(DAYS):
        at = NOW - timedelta(days=day, hours=2)
        events = [
            event(f"{day}-{n}", format_timestamp(at), path=f"{path}{n}", status=200, bytes=1) for n in range(per_day)
        ]
        worker.fold(world.store(events, NOW), NOW)
    for due in world.agenda.all_due() if closed else ():
        worker.rollup(due, NOW)
    return world


def router(world: World, **budget: Any) -> Metrics:
    hours = HourSources(world.cells, world.log, Folds(shipped))
    reader = RowReader(world.agenda, world.days, hours, Repairs(world.agenda), lambda: LogBudget(**budget))
    return Metrics(reader, shipped)


def pages(world: World, metrics: Metrics, **raw: str) -> list[Page]:
    raw = {"from": "2026-11-18", "measures": "pageviews"} | raw
    found = [metrics.ask(world.workspace, raw, NOW)]
    while found[-1].next_cursor and len(found) < 100:
        found.append(metrics.ask(world.workspace, raw | {"cursor": str(found[-1].next_cursor)}, NOW))
    return found


def shown(found: list[Page]) -> list[list[int]]:
    return [[row["values"]["pageviews"] for row in page.rows] for page in found]


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ({}, [[10] * 5]),
        ({"events": 50}, [[10] * 5]),
        ({"events": 49}, [[10] * 4, [10]]),
        ({"events": 20}, [[10, 10], [10, 10], [10]]),
        ({"reads": 2}, [[10, 10], [10, 10], [10]]),
    ],
)
def test_a_page_ends_before_the_row_for_which_too_much_of_the_log_is_left(
    budget: dict[str, int], expected: list[list[int]]
) -> None:
    world = world_of()
    world.cells.lose("demo")
    world.days.kept.clear()
    assert shown(pages(world, router(world, **budget))) == expected


@pytest.mark.parametrize("budget", [{"events": 39}, {"reads": 3}, {"seconds": 6, "clock": count().__next__}])
def test_what_of_a_row_is_more_of_the_log_than_a_request_reads_is_left_out_until_the_next_rollup(
    budget: dict[str, Any],
) -> None:
    world = world_of()
    world.cells.lose("demo")
    world.days.kept.clear()
    metrics = router(world, **budget)
    (page,) = pages(world, metrics, grain="all")
    assert (page.rows[0]["values"], page.rows[0]["state"]) == ({"pageviews": 30}, "incomplete")
    assert (page.sources.log_hours, page.freshness.left_out_hours, page.freshness.incomplete_hours) == (3, 2, 0)
    assert page.freshness.final_until == datetime(2026, 11, 21, 8, tzinfo=UTC), "the first that is left out"
    assert page.freshness.retry_at == datetime(2026, 11, 22, 11, 7, tzinfo=UTC), "the run at 11:05 builds it"
    assert {row["state"] for page in pages(world, metrics) for row in page.rows} == {"final", "live"}, "by days it fits"
    for due in world.agenda.all_due():
        world.worker().rollup(due, NOW)
    (page,) = pages(world, metrics, grain="all")
    assert (page.rows[0]["values"], page.rows[0]["state"]) == ({"pageviews": 50}, "live")
    assert (page.freshness.left_out_hours, page.freshness.retry_at) == (0, None)


def test_what_is_left_out_is_scheduled_first_and_cells_behind_it_are_still_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = world_of()
    world.days.kept.clear()
    for day in (18, 19, 20):
        world.cells.lose("demo", f"2026-11-{day}")
    monkeypatch.setattr(repairs, "MAX_PERIODS", 2)
    (page,) = pages(world, router(world, events=10), grain="all")
    assert (page.rows[0]["values"], page.sources.log_hours, page.sources.hour_cells) == ({"pageviews": 30}, 1, 2)
    scheduled = [due.period for due in world.agenda.all_due() if "T" in due.period]
    assert scheduled == ["2026-11-19T08:00Z", "2026-11-20T08:00Z"]


def test_an_hour_is_left_out_as_a_whole_also_where_a_shard_of_it_is_there() -> None:
    world = World(shards=4)
    at = format_timestamp(NOW - timedelta(hours=3))
    world.worker().fold(world.store([event(f"e{n}", at) for n in range(40)], NOW), NOW)
    world.cells.lose("demo", shard=2)
    (page,) = pages(world, router(world, events=1), grain="all")
    assert (page.rows[0]["values"], page.freshness.left_out_hours) == ({"pageviews": 0}, 1)


def test_what_is_left_out_of_the_days_before_is_told_too() -> None:
    world = world_of()
    world.cells.lose("demo")
    world.days.kept.clear()
    (page,) = pages(world, router(world, events=30), grain="all", compare="previous", **{"from": "2026-11-21"})
    assert [row["state"] for row in (*page.rows, *page.previous)] == ["live", "incomplete"]
    assert (page.previous[0]["values"], page.freshness.left_out_hours) == ({"pageviews": 10}, 1)


def test_without_agenda_and_cells_at_once_what_cannot_be_known_is_left_out() -> None:
    world = world_of()
    world.cells.lose("demo")
    throttled = True

    def before() -> None:
        if throttled:
            raise Throttled("not now")

    world.before = before
    metrics = router(world, events=30)
    (page,) = pages(world, metrics, grain="all")
    assert (page.rows[0]["values"], page.rows[0]["state"]) == ({"pageviews": 30}, "incomplete")
    assert page.freshness.retry_at == NOW + timedelta(seconds=10)
    throttled = False
    assert not any("T" in due.period for due in world.agenda.all_due()), "who knows which of them had events?"
    (page,) = pages(world, metrics, grain="all")
    assert (page.rows[0]["values"], page.sources.day_cells) == ({"pageviews": 50}, 4)


def test_cells_that_are_but_throttled_are_to_be_asked_for_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of()
    world.days.kept.clear()

    def throttled(_keys: Any) -> Any:
        raise Throttled("not now")

    monkeypatch.setattr(world.cells, "of_workspaces", throttled)
    (page,) = pages(world, router(world, events=30), grain="all")
    assert (page.rows[0]["values"], page.rows[0]["state"]) == ({"pageviews": 30}, "incomplete")
    assert (page.freshness.left_out_hours, page.freshness.retry_at) == (2, NOW + timedelta(seconds=10))
    assert not any("T" in due.period for due in world.agenda.all_due())


def test_an_hour_with_something_in_one_shard_is_closed_in_all_of_them() -> None:
    world = World(shards=4)
    yesterday = NOW - timedelta(days=1)
    world.worker().fold(world.store([event("e", format_timestamp(yesterday))], NOW), NOW)
    world.cells.lose("demo")
    for due in world.agenda.all_due():
        world.worker().rollup(due, NOW)
    (page,) = pages(world, router(world, reads=0), grain="all")
    assert (page.rows[0]["values"], page.sources.day_cells) == ({"pageviews": 1}, 1)


def test_a_rollup_says_nothing_of_an_hour_of_which_nothing_is_left() -> None:
    world = world_of()
    world.cells.lose("demo", "2026-11-20")
    world.days.kept.clear()
    for place in [place for place in world.log.logged if place[1].startswith("2026-11-20")]:
        del world.log.logged[place]
    metrics = router(world)
    for _ in range(2):
        (page,) = pages(world, metrics, grain="all")
        assert (page.rows[0]["values"], page.rows[0]["state"]) == ({"pageviews": 40}, "incomplete")
        world.worker().rollup(world.agenda.schedule("demo", "2026-11-20T08:00Z", "2026-11-22T11"), NOW)


def test_a_page_ends_before_it_reads_too_many_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_HOURS", 2)
    world = world_of()
    world.days.kept.clear()
    found = pages(world, router(world))
    assert shown(found) == [[10, 10], [10, 10], [10]]
    metrics = router(world)
    (page,) = pages(world, metrics, grain="all")
    assert (page.rows[0]["values"], page.rows[0]["state"]) == ({"pageviews": 20}, "incomplete")
    assert (page.freshness.left_out_hours, page.freshness.retry_at) == (3, datetime(2026, 11, 22, 11, 7, tzinfo=UTC))
    for due in world.agenda.all_due():
        world.worker().rollup(due, NOW)
    (page,) = pages(world, metrics, grain="all")
    assert (page.rows[0]["values"], page.sources.day_cells) == ({"pageviews": 50}, 4), "their days have cells now"


def test_a_page_ends_before_it_is_too_large_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(path="/" + "x" * 100)
    raw = {"measures": "top_paths"}
    (whole,) = pages(world, router(world), **raw)
    monkeypatch.setattr(query, "MAX_PAGE_BYTES", 3_000)
    found = pages(world, router(world), **raw)
    assert [len(page.rows) for page in found] == [2, 2, 1]
    assert [row for page in found for row in page.rows] == whole.rows
    monkeypatch.setattr(query, "MAX_PAGE_BYTES", 10)
    assert [len(page.rows) for page in pages(world, router(world), **raw)] == [1] * 5


def test_shards_are_read_together() -> None:
    world = World(shards=4)
    world.worker().fold(
        world.store([event(f"e{n}", format_timestamp(NOW - timedelta(hours=3))) for n in range(40)], NOW), NOW
    )
    (page,) = pages(world, router(world), grain="all")
    assert page.rows[0]["values"] == {"pageviews": 40}
    assert (page.sources.hour_cells, page.sources.log_hours) == (1, 0)


def test_an_hour_that_is_not_final_is_live_and_bounds_what_is() -> None:
    (page,) = pages(world_of(closed=False), router(world_of(closed=False)))
    assert {row["state"] for row in page.rows} == {"live"}
    assert page.freshness.live_hours == 5
    assert page.freshness.final_until == datetime(2026, 11, 18, 8, tzinfo=UTC)


def test_what_is_missing_is_scheduled_once_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of()
    world.cells.lose("demo")
    world.days.kept.clear()
    scheduled: list[tuple[str, str]] = []
    real = world.agenda.schedule

    def schedule(workspace: str, period: str, slot: str) -> Any:
        scheduled.append((period, slot))
        return real(workspace, period, slot)

    monkeypatch.setattr(world.agenda, "schedule", schedule)
    metrics = router(world)
    pages(world, metrics)
    assert sorted(scheduled) == [(f"2026-11-{day}T08:00Z", "2026-11-22T11") for day in range(18, 23)]
    pages(world, metrics)
    assert len(scheduled) == 5
    metrics.ask(world.workspace, {"from": "2026-11-18"}, NOW + timedelta(hours=1))
    assert len(scheduled) == 10


def test_of_much_that_is_missing_a_request_schedules_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repairs, "MAX_PERIODS", 3)
    agenda = MemoryAgenda()
    made = Repairs(agenda)
    periods = [f"2026-11-{day}" for day in range(10, 20)]
    made.schedule("demo", periods, int(NOW.timestamp()))
    assert len(agenda.all_due()) == 3
    for _ in range(3):
        made.schedule("demo", periods, int(NOW.timestamp()))
    assert {due.period for due in agenda.all_due()} == set(periods)


def test_a_slow_store_is_not_waited_for_to_schedule_all() -> None:
    agenda = MemoryAgenda()
    periods = [f"2026-11-{day}" for day in range(10, 20)]
    made = Repairs(agenda, clock=count().__next__)
    made.schedule("demo", periods, int(NOW.timestamp()))
    assert len(agenda.all_due()) == repairs.MAX_SECONDS
    for _ in range(2):
        made.schedule("demo", periods, int(NOW.timestamp()))
    assert {due.period for due in agenda.all_due()} == set(periods)
