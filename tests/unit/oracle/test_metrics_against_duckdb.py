"""The query router against DuckDB: random histories, zones, grains and pages, with cells missing or not covering.

Hours and days are closed or not, deleted, emptied of what they cover or of another timezone, and the store throttles:
the numbers must be those of SQL over the raw events, from whatever source they come. Where the log has more than one
request reads they may be less, and say so, until the rollup has mended what was missing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.histories import batches
from tests.support.memory import nothing
from tests.support.world import World
from tests.unit.oracle.duck_rows import DuckRows
from tests.unit.oracle.test_counts_against_duckdb import MOMENTS, each_moment
from tidemark.domain.cells import Cell
from tidemark.domain.definitions import Dashboard, shipped
from tidemark.domain.errors import Throttled, Unavailable
from tidemark.services.folds import Folds
from tidemark.services.ports import CellKey, StoredCell
from tidemark.services.query import Metrics, Page
from tidemark.services.repairs import Repairs
from tidemark.services.rows import RowReader
from tidemark.services.sources import BudgetSpent, HourSources, LogBudget

EXAMPLES = max(2, settings().max_examples // 15)


class Budget(LogBudget):
    """What one request has of the log, and whether it wanted more."""

    is_passed = False

    def spend(self, reads: int = 0, events: int = 0) -> None:
        try:
            super().spend(reads, events)
        except BudgetSpent:
            self.is_passed = True
            raise


@dataclass
class Asked:
    """A query: its parameters, of how much of the log a request has, and the budgets of its pages."""

    raw: dict[str, str]
    limits: dict[str, int]
    budgets: list[Budget] = field(default_factory=list)

    @property
    def dashboard(self) -> Dashboard:
        return shipped()[self.raw["dashboard"]]

    @property
    def shown(self) -> list[str] | None:
        return self.raw["measures"].split(",") if "measures" in self.raw else None

    @property
    def days(self) -> tuple[date, date]:
        return date.fromisoformat(self.raw["from"]), date.fromisoformat(self.raw["to"])

    def read(self, world: World, now: datetime) -> list[Page]:
        """Return all pages of the query."""
        self.budgets.clear()
        pages = [self._page(world, now, {})]
        while pages[-1].next_cursor:
            pages.append(self._page(world, now, {"cursor": pages[-1].next_cursor}))
        return pages

    def _page(self, world: World, now: datetime, cursor: dict[str, str]) -> Page:
        budget = Budget(**self.limits)
        self.budgets.append(budget)
        hours = HourSources(world.cells, world.log, Folds(shipped))
        reader = RowReader(world.agenda, world.days, hours, Repairs(world.agenda), lambda: budget)
        return Metrics(reader, shipped).ask(world.workspace, self.raw | cursor, now)


def close_some(world: World, chance: random.Random, now: datetime, share: float) -> None:
    rollup = world.worker().rollup
    for due in world.agenda.all_due():
        if chance.random() < share:
            rollup(due, now)


def damage(world: World, chance: random.Random) -> None:
    """Lose cells and days, empty them of what they cover, move days to another timezone."""
    for key in chance.sample(sorted(world.cells._cells), chance.randint(0, len(world.cells._cells))):
        if chance.random() < 0.5:
            del world.cells._cells[key]
        else:
            stored = world.cells._stored(key)
            covers = frozenset(chance.sample(sorted(stored.covers), len(stored.covers) // 2))
            kept = {name: state for name, state in stored.cell.states.items() if name.partition(":")[2] in covers}
            put(world, key, replace(stored, cell=Cell(kept), covers=covers))
    for name, day in chance.sample(sorted(world.days.kept), chance.randint(0, len(world.days.kept))):
        stored_day = world.days.kept[name, day]
        match chance.randint(0, 2):
            case 0:
                del world.days.kept[name, day]
            case 1:
                world.days.kept[name, day] = replace(stored_day, timezone="Antarctica/Troll")
            case 2:
                world.days.kept[name, day] = replace(stored_day, cell=Cell(), covers=frozenset())


def put(world: World, key: CellKey, stored: StoredCell) -> None:
    previous = world.cells._stored(key).commit
    world.cells.replace(key, previous, stored)


def throttle(world: World, chance: random.Random) -> None:
    """Have some of the requests to cells, days and the agenda fail; the log always answers."""

    def before() -> None:
        if chance.random() < 0.3:
            raise chance.choice([Throttled, Unavailable])("not now")

    world.before = before


@each_moment
@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**32))
@example(404255)  # at Apia it asks for the hours of a day that the calendar skipped: a page without rows
def test_a_query_gives_what_sql_counts(timezone: str, moment: str, seed: int) -> None:
    chance = random.Random(seed)
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC) + timedelta(minutes=chance.randint(-300, 300))
    world, days = World(timezone, chance.choice([1, 4])), chance.choice([1, 2, 7, 30])
    history = batches(seed, now, days, chance.randint(0, 300))
    workers = [world.worker(), world.worker()]
    for minute, batch in enumerate(history, -len(history)):
        then = now + timedelta(minutes=minute)
        chance.choice(workers).fold(world.store(batch, then), then)
        close_some(world, chance, then, 0.1)
    for due, _ in world.queue.periods:  # what came late is recomputed within a minute
        world.worker().rollup(due, now)
    close_some(world, chance, now, chance.choice([0, 0.5, 1]))
    damage(world, chance)
    if chance.random() < 0.3:
        throttle(world, chance)
    events = [event for batch in history for event in batch]
    duck = DuckRows(events, timezone, now)
    incomplete = [
        asked for asked in (query(world, chance, now, days) for _ in range(3)) if check(world, asked, duck, now)
    ]
    if incomplete:
        later = now + timedelta(hours=2)
        check_mended(world, incomplete, DuckRows(events, timezone, later), now, later)


def query(world: World, chance: random.Random, now: datetime, days: int) -> Asked:
    today = now.astimezone(ZoneInfo(world.workspace.timezone)).date()
    grain = chance.choice(["hour", "day", "day", "week", "month", "all"])
    last = today - timedelta(days=chance.choice([0, 0, 1, 2]))
    first = last - timedelta(days=chance.randint(0, 1 if grain == "hour" else days))
    dashboard = chance.choice(["web", "meetings"])
    raw = {"dashboard": dashboard, "grain": grain, "from": first.isoformat(), "to": last.isoformat()}
    raw["limit"] = str(chance.choice([1, 3, 1000]))
    shown = chance.sample(sorted(shipped()[dashboard].measures), 5) if chance.random() < 0.3 else None
    if shown:
        raw["measures"] = ",".join(shown)
    if chance.random() < 0.4:
        raw["compare"] = "previous"
    limits = {"reads": chance.randint(0, 30), "events": chance.randint(0, 200)} if chance.random() < 0.4 else {}
    return Asked(raw, limits)


def check(world: World, asked: Asked, duck: DuckRows, now: datetime) -> bool:
    """Compare a query with SQL; answer whether something was left out of it."""
    pages, raw = asked.read(world, now), asked.raw
    for page, budget in zip(pages, asked.budgets, strict=True):
        check_left_out(page, budget)
    assert_rows(
        [row for page in pages for row in page.rows], duck.rows(raw["dashboard"], raw["grain"], *asked.days), asked
    )
    if "compare" in raw and raw["grain"] != "hour":
        spans = [(row["start"], row["end"]) for page in pages for row in page.rows]
        assert len(spans) == sum(len(page.previous) for page in pages)
        if raw["grain"] == "day":
            before = duck.rows(raw["dashboard"], "day", *earlier(*asked.days))
            assert_rows([row for page in pages for row in page.previous], before, asked)
    return any(page.freshness.left_out_hours for page in pages)


def check_left_out(page: Page, budget: Budget) -> None:
    """Only the first row of a page, and that beside it, may lack something, and only where the bound is passed."""
    incomplete = [row for row in (*page.rows, *page.previous) if row["state"] == "incomplete"]
    assert all(row in (*page.rows[:1], *page.previous[:1]) for row in incomplete)
    assert bool(incomplete) == bool(page.freshness.left_out_hours) == (page.freshness.retry_at is not None)
    assert budget.is_passed or not incomplete


def check_mended(world: World, incomplete: list[Asked], duck: DuckRows, now: datetime, later: datetime) -> None:
    """Once the store answers again, the next run of the rollup makes the same queries whole."""
    world.before = nothing
    for moment in (now, later):  # by when the same query reaches further
        for asked in incomplete:
            asked.read(world, moment)
        close_some(world, random.Random(0), later, 1)
    for asked in incomplete:
        assert not check(world, asked, duck, later), asked


def earlier(first: date, last: date) -> tuple[date, date]:
    days = timedelta(days=(last - first).days + 1)
    return first - days, last - days


def assert_rows(
    rows: Sequence[dict[str, Any]], expected: Sequence[tuple[datetime, dict[str, Any]]], asked: Asked
) -> None:
    assert [datetime.fromisoformat(row["start"]) for row in rows] == [start for start, _ in expected]
    for row, (start, values) in zip(rows, expected, strict=True):
        for name, value in values.items():
            if asked.shown is not None and name not in asked.shown:
                assert name not in row["values"]
            elif row["state"] == "incomplete":
                only_grows = asked.dashboard.measures[name].kind in ("count", "unique")
                assert not only_grows or row["values"][name] <= value, (start, name)
            elif name in ("median_duration", "p90_duration"):
                assert row["values"][name] == pytest.approx(value, rel=0.0101), (start, name)
            else:
                assert row["values"][name] == value, (start, name)


def test_the_moments_are_those_where_clocks_change() -> None:
    assert {"America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"} <= {zone for zone, _ in MOMENTS}
