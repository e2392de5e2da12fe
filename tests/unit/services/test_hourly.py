"""The hourly table: what a district reads is what all events together give, from whatever source each part comes."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import MemoryDirectory, MemoryEventLog
from tests.support.lessons import LESSON, anything, happened, lesson
from tests.support.memory import MemoryCells
from tests.support.memory_rollup import MemoryAgenda
from tidemark.domain.cells import Cell, compact
from tidemark.domain.chunks import chunk_events
from tidemark.domain.definitions import shipped
from tidemark.domain.errors import InvalidQuery, Unavailable, UnknownDashboard
from tidemark.domain.fold import Fold
from tidemark.domain.hourly import HourlyQuery
from tidemark.domain.hours import hour_of
from tidemark.domain.snapshot import value_of
from tidemark.services import hourly
from tidemark.services.folds import Folds
from tidemark.services.hourly import HourlyPage, HourlyRow, HourlyTable
from tidemark.services.ports import StoredCell, Workspace
from tidemark.services.sources import LogBudget

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
START = datetime(2026, 11, 22, 8, tzinfo=UTC)
TODAY = NOW.date()
LONG = 2**40
CLASSROOM = shipped()["classroom"]
FOLD = Fold([CLASSROOM])
SOURCES = ["final", "live", "none", "other dashboards", "corrupt"]

seeds = st.integers(0, 2**32)


class Schools:
    """Some schools and their district, with what is stored of them."""

    def __init__(self, names: Sequence[str], shards: int = 1, timezone: str = "UTC") -> None:
        self.schools = {
            name: Workspace(name, timezone=timezone, dashboards=("classroom",), shards=((0, shards),)) for name in names
        }
        self.district = Workspace("district", timezone=timezone, dashboards=("classroom",), members=tuple(names))
        self.directory = MemoryDirectory(*self.schools.values(), self.district)
        self.log, self.cells, self.agenda = MemoryEventLog(), MemoryCells(), MemoryAgenda()
        self.table = HourlyTable(self.directory, self.log, self.cells, self.agenda, Folds(shipped), shipped)

    def store(self, school: str, events: Sequence[dict[str, Any]], sources: Iterator[str]) -> list[tuple[str, str]]:
        """Log events, and keep cells of them as `sources` says for each; return the (hour, source) of what was kept."""
        kept: list[tuple[str, str]] = []
        settings = self.schools[school]
        for chunk in chunk_events(school, list(events), timezone=settings.timezone, shards_at=settings.shards_at):
            self.log.put(chunk, NOW, LONG)
            self.agenda.note(school, chunk.hour, chunk.shard)
            source, cell = next(sources), compact(FOLD(chunk.events))
            if cell.states:
                kept.append((chunk.hour, source))
            if source != "none":
                # What does not hold every measure must not be used, so it holds nothing that is right.
                stored = StoredCell(cell, 1, "c", source == "final", FOLD.covers, LONG, 100, 200)
                if source not in ("final", "live"):
                    stored = replace(stored, cell=Cell(), covers=frozenset())
                self.cells.replace((school, chunk.hour, chunk.shard), "", stored)
        return kept

    def pages(self, query: HourlyQuery, workspace: Workspace | None = None) -> list[HourlyPage]:
        """Return all pages of a query."""
        found: list[HourlyPage] = []
        while True:
            page = self.table(workspace or self.district, query, NOW)
            found.append(page)
            if page.cursor is None:
                return found
            query = HourlyQuery.parse(query.next_page(page.cursor), TODAY)

    def rows(self, query: HourlyQuery, workspace: Workspace | None = None) -> list[HourlyRow]:
        return [row for page in self.pages(query, workspace) for row in page.rows]


def query(**given: Any) -> HourlyQuery:
    return HourlyQuery("classroom", TODAY, TODAY, **given)


def history(chance: random.Random, first: int, count: int) -> list[dict[str, Any]]:
    return [anything(chance, first + n, START + timedelta(seconds=chance.randrange(4 * 3600))) for n in range(count)]


def by_hour(events: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for event in events:
        found[hour_of(datetime.fromisoformat(event["timestamp"]), "UTC")].append(event)
    return {hour: same for hour, same in sorted(found.items()) if FOLD(same).states}


def shown(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the columns show of events that are folded together."""
    cell = FOLD(events)
    return {name: value_of(CLASSROOM, name, cell) for name, m in CLASSROOM.measures.items() if m.kind != "top"}


@given(seeds, st.integers(1, 3), st.sampled_from([1, 4]), st.sampled_from([1, 2, 1000]))
def test_a_district_reads_what_all_events_of_its_members_give_together(
    seed: int, count: int, shards: int, limit: int
) -> None:
    chance = random.Random(seed)
    schools = Schools([f"s{n}" for n in range(count)], shards)
    every: dict[str, list[dict[str, Any]]] = {}
    kept: list[tuple[str, str]] = []
    for number, name in enumerate(schools.schools):
        every[name] = history(chance, number * 100, chance.randrange(40))
        kept += schools.store(name, every[name], iter(lambda: chance.choice(SOURCES), ""))
    together = by_hour([event for events in every.values() for event in events])

    rows = schools.rows(query(limit=limit))
    assert [row.hour for row in rows] == list(together)
    for row in rows:
        assert row.values == shown(together[row.hour])
        events = together[row.hour]
        assert row.values["students_active"] == len({e["user_id"] for e in events if is_student(e)})
        latencies = [latency for e in events for latency in numbers_of(e, "connection_sampled", "latency_ms")]
        expected = sum(latencies) / len(latencies) if latencies else 0
        assert row.values["avg_latency_ms"] == pytest.approx(expected, abs=1e-4)
        sources = [source for hour, source in kept if hour == row.hour]
        assert row.sources == len(sources)
        assert row.method == ("live" if "live" in sources else "final" if set(sources) == {"final"} else "log")

    separate = schools.rows(query(limit=limit, by_workspace=True))
    assert [(row.hour, row.workspace) for row in separate] == sorted(
        (hour, name) for name, events in every.items() for hour in by_hour(events)
    )
    for row in separate:
        assert row.values == shown(by_hour(every[row.workspace])[row.hour])
        assert row.workspace in every


def is_student(event: Mapping[str, Any]) -> bool:
    joined = event["type"] in ("member_join", "member_leave")
    return joined and event["properties"].get("role") == "student"


def numbers_of(event: Mapping[str, Any], kind: str, name: str) -> list[float]:
    value = event["properties"].get(name)
    return [value] if event["type"] == kind and type(value) in (int, float) else []


def test_means_are_over_values_and_people_of_two_schools_count_once() -> None:
    """One school has one slow connection, the other nine fast ones; a mean of means would be (100 + 10) / 2."""
    schools = Schools(["a", "b"])
    slow = samples("a", ["t1"], 100)
    fast = samples("b", [f"t{n}" for n in range(1, 10)], 10)
    schools.store("a", slow, iter(["final"]))
    schools.store("b", fast, iter(["final"]))
    (row,) = schools.rows(query())
    assert row.values["avg_latency_ms"] == 19
    assert row.values["teachers_active"] == 9
    assert row.values["sessions_active"] == 1
    assert [r.values["avg_latency_ms"] for r in schools.rows(query(by_workspace=True))] == [100, 10]


def samples(school: str, teachers: Sequence[str], latency: float) -> list[dict[str, Any]]:
    """Return what is told when each teacher joins the one lesson, over a connection of that latency."""
    told: list[tuple[str, dict[str, Any]]] = [
        ("member_join", {"role": "teacher"}),
        ("connection_sampled", {"latency_ms": latency}),
    ]
    return [
        happened(f"{school}-{who}-{kind}", kind, START, user_id=who, session_id="l1", **fields)
        for who in teachers
        for kind, fields in told
    ]


def test_a_row_says_where_it_comes_from() -> None:
    schools = Schools(["a", "b"])
    schools.store("a", lesson(START), iter(["final"]))
    schools.store("b", lesson(START), iter(["live"]))
    schools.store("b", lesson(START + timedelta(hours=1)), iter(["none"]))
    first, second = schools.rows(query())
    assert (first.sources, first.method, first.created_at, first.calculated_at) == (2, "live", 100, 200)
    assert (second.sources, second.method, second.created_at) == (1, "log", int(NOW.timestamp()))
    assert {name: second.values[name] for name in LESSON} == LESSON


def test_what_the_log_has_lost_is_not_taken_from_it() -> None:
    """A cell from before a measure was declared, when its chunks have expired: it is all that there is, and says so."""
    schools = Schools(["a"])
    known = CLASSROOM.measures["total_alerts"].identity
    cell = compact(FOLD(lesson(START))).only([known])
    stored = StoredCell(cell, 3, "c", final=True, log_until=int(NOW.timestamp()), created_at=1, calculated_at=2)
    schools.cells.replace(("a", "2026-11-22T08:00Z", 0), "", replace(stored, covers=frozenset([known[-8:]])))
    schools.agenda.note("a", "2026-11-22T08:00Z", 0)
    (row,) = schools.rows(query())
    assert (row.method, row.values["total_alerts"], row.values["sessions_active"]) == ("partial", 1, 0)


def test_a_page_ends_before_it_reads_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    schools = Schools(["a", "b"])
    for hour in range(4):
        for name in schools.schools:
            schools.store(name, lesson(START + timedelta(hours=hour)), iter(["final"]))
    every = schools.rows(query())
    assert len(every) == 4
    for cells in (1, 2, 3, 4, 7, 8):
        monkeypatch.setattr(hourly, "MAX_CELLS", cells)
        monkeypatch.setattr(hourly, "PORTION_CELLS", 3)
        pages = schools.pages(query())
        assert [len(page.rows) for page in pages] == [max(1, cells // 2)] * (4 // max(1, cells // 2)) + (
            [1] if cells == 7 else []
        )
        assert [row for page in pages for row in page.rows] == every


def test_a_page_ends_before_too_much_comes_from_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    schools = Schools(["a", "b"])
    for hour, sources in enumerate([["none", "none"], ["final", "none"], ["final", "final"], ["none", "none"]]):
        for name, source in zip(schools.schools, sources, strict=True):
            schools.store(name, lesson(START + timedelta(hours=hour)), iter([source]))
    every = schools.rows(query())
    assert [row.method for row in every] == ["log", "log", "final", "log"]
    monkeypatch.setattr(hourly, "LogBudget", lambda: LogBudget(reads=2))
    pages = schools.pages(query())
    assert [len(page.rows) for page in pages] == [1, 2, 1]
    assert [row for page in pages for row in page.rows] == every


def test_an_hour_of_which_too_much_would_come_from_the_log_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    schools = Schools(["a", "b"])
    for name in schools.schools:
        schools.store(name, lesson(START), iter(["none"]))
    for small in (LogBudget(reads=1), LogBudget(events=40)):
        monkeypatch.setattr(hourly, "LogBudget", lambda small=small: small)
        with pytest.raises(InvalidQuery) as caught:
            schools.rows(query())
        assert (caught.value.code, caught.value.field) == ("range_too_large", "by")
    monkeypatch.setattr(hourly, "LogBudget", lambda: LogBudget(reads=1))
    assert len(schools.rows(query(by_workspace=True))) == 2


def test_an_hour_for_which_the_log_is_too_slow_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    schools = Schools(["a"])
    schools.store("a", lesson(START), iter(["none"]))
    monkeypatch.setattr(hourly, "LogBudget", lambda: LogBudget(seconds=0, clock=count().__next__))
    with pytest.raises(Unavailable):
        schools.rows(query())


def test_a_closed_hour_that_has_no_cell_is_built_by_the_next_run() -> None:
    schools = Schools(["a"])
    for hour, source in enumerate(["none", "final", "corrupt"]):
        schools.store("a", lesson(START + timedelta(hours=hour)), iter([source]))
    schools.store("a", lesson(NOW), iter(["none"]))
    schools.rows(query())
    assert [due.period for due in schools.agenda.all_due()] == ["2026-11-22T08:00Z", "2026-11-22T10:00Z"]


def test_members_without_the_dashboard_are_named_and_left_out() -> None:
    schools = Schools(["a", "b"])
    schools.store("a", lesson(START), iter(["final"]))
    schools.store("b", lesson(START), iter(["final"]))
    schools.directory.workspaces["b"] = replace(schools.schools["b"], dashboards=("web",))
    district = replace(schools.district, members=("a", "b", "gone"))
    (page,) = schools.pages(query(), district)
    assert page.left_out == ["b", "gone"]
    assert [row.sources for row in page.rows] == [1]


def test_a_district_reads_its_members_and_not_their_members() -> None:
    schools = Schools(["a", "b"])
    schools.store("b", lesson(START), iter(["final"]))
    schools.directory.workspaces["a"] = replace(schools.schools["a"], members=("b",))
    assert schools.rows(query(), replace(schools.district, members=("a",))) == []


def test_a_school_reads_itself_alone_and_a_district_nothing_of_its_own() -> None:
    schools = Schools(["a", "b"])
    schools.schools["district"] = schools.district
    for name in ("a", "b", "district"):
        schools.store(name, lesson(START), iter(["final"]))
    (own,) = schools.rows(query(by_workspace=True), schools.schools["a"])
    assert (own.workspace, own.sources) == ("a", 1)
    assert [row.workspace for row in schools.rows(query(by_workspace=True))] == ["a", "b"]


def test_hours_without_events_of_the_dashboard_have_no_row_and_end_no_table() -> None:
    schools = Schools(["a"])
    page_view = {"event_id": "p", "type": "page", "timestamp": "2026-11-22T08:10:00.000Z", "properties": {}}
    schools.store("a", [page_view], iter(["final"]))
    schools.store("a", lesson(START + timedelta(hours=2)), iter(["final"]))
    assert [len(page.rows) for page in schools.pages(query(limit=1))] == [0, 1]


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        ("America/New_York", date(2026, 11, 1), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 25),
        ("Asia/Kolkata", date(2026, 11, 1), 24),
    ],
)
def test_a_local_day_has_its_own_hours_and_no_other(timezone: str, day: date, hours: int) -> None:
    schools = Schools(["a"], timezone=timezone)
    begin = datetime.combine(day - timedelta(days=1), datetime.min.time(), UTC)
    for quarter in range(4 * 72):
        at = begin + timedelta(minutes=15 * quarter)
        event = lesson(at)[0] | {"timestamp": at.isoformat(), "event_id": f"q{quarter}"}
        settings = schools.schools["a"]
        for chunk in chunk_events("a", [event], timezone=timezone, shards_at=settings.shards_at):
            schools.log.put(chunk, NOW, LONG)
            schools.agenda.note("a", chunk.hour, chunk.shard)
    rows = schools.rows(HourlyQuery("classroom", day, day), schools.schools["a"])
    assert len(rows) == hours


def test_a_dashboard_that_the_district_has_not_enabled_is_unknown() -> None:
    schools = Schools(["a"])
    for name in ("web", "nonsense"):
        with pytest.raises(UnknownDashboard):
            schools.table(schools.district, HourlyQuery(name, TODAY, TODAY), NOW)
