"""Snapshots: what is shown of cells, however they come together, and the checksums that prove it."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.support.histories import batches
from tests.support.strategies import LARGEST, event
from tidemark.domain.cells import Cell
from tidemark.domain.chunks import chunk_events
from tidemark.domain.definitions import load, shipped
from tidemark.domain.events import format_timestamp
from tidemark.domain.fold import Fold
from tidemark.domain.snapshot import Frame, checksum, checksums_of, frame_of, merge_frames, render
from tidemark.domain.views import View, Window, window_of

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
ZONES = ["UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"]

seeds = st.integers(0, 2**32)
dashboards = pytest.mark.parametrize("name", sorted(shipped()))

Hours = list[tuple[str, Cell]]


def cells_of(name: str, events: list[dict[str, Any]], timezone: str = "UTC") -> Hours:
    """Return the (hour, cell) pairs of events, one a chunk."""
    fold = Fold([shipped()[name]])
    chunks = chunk_events("demo", events, timezone=timezone, shards_at=lambda _: 4)
    return [(chunk.hour, fold(chunk.events)) for chunk in chunks]


def window(name: str, days: int = 30, timezone: str = "UTC", now: datetime = NOW) -> Window:
    return window_of(View(name, days), now, timezone, shipped()[name].trailing_hours)


def shown(name: str, cells: Hours, days: int = 30, timezone: str = "UTC") -> Mapping[str, Any]:
    found = window(name, days, timezone)
    return render(shipped()[name], found, frame_of(shipped()[name], found, cells))


def independent(value: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(json.loads(json.dumps(value)))).hexdigest()


def leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    return [value]


@dashboards
@given(seeds, st.sampled_from(ZONES))
def test_a_window_rendered_in_parts_is_the_window_rendered_at_once(name: str, seed: int, timezone: str) -> None:
    """As settled and live frames, and also hour by hour, split in any way at all."""
    chance = random.Random(seed)
    cells = cells_of(name, [e for batch in batches(seed, NOW, 5, 60) for e in batch], timezone)
    found, dashboard = window(name, 5, timezone), shipped()[name]
    whole = render(dashboard, found, frame_of(dashboard, found, cells))
    parts: list[Hours] = [[] for _ in range(chance.randint(1, 6))]
    for pair in chance.sample(cells, len(cells)):
        chance.choice(parts).append(pair)
    frame = Frame()
    for part in parts:
        frame = merge_frames(frame, frame_of(dashboard, found, part))
    assert render(dashboard, found, frame) == whole
    live = set(found.hours[-2:])
    settled = frame_of(dashboard, found, [pair for pair in cells if pair[0] not in live])
    opened = frame_of(dashboard, found, [pair for pair in cells if pair[0] in live])
    assert render(dashboard, found, merge_frames(settled, opened)) == whole
    assert render(dashboard, found, merge_frames(opened, settled)) == whole


@dashboards
@given(seeds)
def test_checksums_are_sha_256_over_canonical_json(name: str, seed: int) -> None:
    sections = shown(name, cells_of(name, [e for batch in batches(seed, NOW, 3, 40) for e in batch]), 3)
    checksums = checksums_of(sections)
    assert {key: value for key, value in checksums.items() if key != "full"} == {
        key: independent(data) for key, data in sections.items()
    }
    assert checksums["full"] == independent({key: value for key, value in checksums.items() if key != "full"})
    assert all(len(value) == 64 and set(value) <= set("0123456789abcdef") for value in checksums.values())
    assert checksums_of(sections, {"kpis": checksums["kpis"]}) == checksums


@given(seeds)
def test_a_checksum_survives_any_json_library(seed: int) -> None:
    """Order of keys, 1 or 1.0, and escapes are how a text is written, not what it says."""
    sections = shown("web", cells_of("web", [e for batch in batches(seed, NOW, 3, 40) for e in batch]), 3)
    rewritten = json.loads(json.dumps(sections, sort_keys=True), parse_int=float)
    assert checksums_of(rewritten) == checksums_of(sections)


@dashboards
@pytest.mark.parametrize("timezone", ZONES)
@pytest.mark.parametrize("days", [1, 30, 90])
def test_an_empty_workspace_has_a_valid_snapshot(name: str, timezone: str, days: int) -> None:
    sections = shown(name, [], days, timezone)
    declared = shipped()[name]
    told = ["insights"] if declared.insights else []
    assert list(sections) == ["kpis", "charts", *(f"tabs.{tab}" for tab in declared.tabs), *told]
    assert sections.get("insights", {}) == {}
    assert sections["kpis"] == dict.fromkeys(declared.kpis, 0)
    for series in declared.charts:
        points = sections["charts"][series.name]["points"]
        assert len(points) == (days if series.grain == "day" else series.last)
        assert all(value["value"] == 0 for value in points.values())
    assert_is_portable(sections)
    assert set(checksums_of(sections)) == {*sections, "full"}


@dashboards
@given(seeds)
def test_a_snapshot_holds_nothing_that_a_browser_would_read_otherwise(name: str, seed: int) -> None:
    assert_is_portable(shown(name, cells_of(name, [e for b in batches(seed, NOW, 3, 40) for e in b]), 3))


def test_no_number_is_beyond_what_json_keeps() -> None:
    views = [event(f"{n}", "2026-11-22T10:00:00.000Z", bytes=LARGEST, status=LARGEST, path="/") for n in range(50)]
    meetings = [
        event(f"{n}", "2026-11-22T10:00:00.000Z", "meeting_completed", **dict.fromkeys(
            ("duration_minutes", "hours_saved", "participants"), sign * LARGEST
        ))
        for n in range(50)
        for sign in (1, -1)[: 1 + n % 2]
    ]  # fmt: skip
    web = shown("web", cells_of("web", views))
    assert web["kpis"]["bytes_sent"] == LARGEST
    assert_is_portable(web)
    sections = shown("meetings", cells_of("meetings", meetings))
    assert sections["tabs.insights"]["longest_meeting"] == LARGEST
    assert_is_portable(sections)


def test_series_are_ordered_by_time_and_hold_every_day_and_hour() -> None:
    charts = shown("web", [], 7, "Australia/Lord_Howe")["charts"]
    days = charts["pageviews_by_day"]["points"]
    assert list(days) == [f"2026-11-{day}" for day in range(16, 23)]
    assert days["2026-11-22"]["order"] == 1795305600
    hours = charts["pageviews_by_hour"]["points"]
    assert list(hours)[-1] == "2026-11-22T10:00Z"
    assert len(hours) == 48
    orders = [point["order"] for point in hours.values()]
    assert orders == [orders[0] + 3600 * n for n in range(48)]


def test_hours_outside_the_window_do_not_count() -> None:
    times = [
        "2026-11-20T23:59:59.999Z",
        "2026-11-21T00:00:00.000Z",
        "2026-11-22T10:59:59.999Z",
        "2026-11-22T11:00:00.000Z",
    ]
    views = [event(time, time, path="/") for time in times]
    web = shown("web", cells_of("web", views), 2)
    assert web["kpis"]["pageviews"] == 2
    assert [point["value"] for point in web["charts"]["pageviews_by_day"]["points"].values()] == [1, 1]
    # but the trailing hours may begin before the first day
    assert sum(point["value"] for point in web["charts"]["pageviews_by_hour"]["points"].values()) == 3


def test_a_ratio_may_be_a_series_and_each_series_has_its_own_length() -> None:
    dashboard = load(
        """
name: d
measures:
  all: {kind: count, events: [page]}
  bad: {kind: count, events: [page], where: {properties.status: {gte: 400}}}
  rate: {kind: ratio, of: bad, over: all, percent: true}
kpis: [rate]
charts:
  by_day: {measure: rate, grain: day}
  by_hour: {measure: rate, grain: hour, last: 2}
  longer: {measure: all, grain: hour, last: 3}
""",
        "d.yaml",
    )
    views = [event(f"{n}", "2026-11-22T10:00:00.000Z", status=200 + 200 * (n % 4 == 0)) for n in range(8)]
    found = window_of(View("d", 2), NOW, "UTC", dashboard.trailing_hours)
    sections = render(dashboard, found, frame_of(dashboard, found, [("2026-11-22T10:00Z", Fold([dashboard])(views))]))
    assert sections["kpis"] == {"rate": 25}
    assert [point["value"] for point in sections["charts"]["by_day"]["points"].values()] == [0, 25]
    assert [point["value"] for point in sections["charts"]["by_hour"]["points"].values()] == [0, 25]
    assert [point["value"] for point in sections["charts"]["longer"]["points"].values()] == [0, 0, 8]


def test_the_sample_data_of_workspace_productivity() -> None:
    """120 meetings over 120 days, about an hour each; 12 tasks, half of them completed."""
    events = []
    for n in range(120):
        when = NOW - timedelta(days=n, minutes=5)
        fields = {
            "duration_minutes": 55 + n % 11,
            "hours_saved": 0.5,
            "participants": 3 + n % 3,
            "title": f"Meeting {n}",
        }
        events.append(
            event(f"m{n}", format_timestamp(when), "meeting_completed", user_id=f"organiser-{n % 6}", **fields)
        )
        if n % 10 == 0:
            task = {"priority": "high" if n % 20 else "medium"}
            events.append(event(f"t{n}", format_timestamp(when), "task_created", **task))
            if n % 20 == 0:
                events.append(event(f"c{n}", format_timestamp(when), "task_completed", **task))
    cells = cells_of("meetings", events)
    # A window has at most 90 days, so the 120 are seen as 90 and the 30 before.
    latest = shown("meetings", cells, 90)
    before = window_of(View("meetings", 30, date(2026, 8, 24)), NOW, "UTC")
    earlier = render(shipped()["meetings"], before, frame_of(shipped()["meetings"], before, cells))
    both = [latest["kpis"], earlier["kpis"]]
    assert [kpis["total_meetings"] for kpis in both] == [90, 30]
    assert sum(kpis["total_tasks"] for kpis in both) == 12
    assert [kpis["hours_saved"] for kpis in both] == [45, 15]
    assert all(59 <= kpis["avg_duration"] <= 61 for kpis in both)
    activity = latest["charts"]["meeting_activity"]["points"]
    assert [point["value"] for point in activity.values()] == [1] * 90
    assert latest["tabs.insights"]["latest_meeting"] == "Meeting 0"
    assert latest["tabs.engagement"]["organisers"] == 6
    assert latest["tabs.engagement"]["meetings_per_organiser"] == 15
    assert latest["tabs.overview"]["top_organisers"]["rows"]["organiser-0"]["value"] == 15
    wanted = window_of(View("meetings", 90), NOW, "UTC")
    whole = frame_of(shipped()["meetings"], wanted, [(wanted.hours[-1], cell) for _, cell in cells])
    kpis = render(shipped()["meetings"], wanted, whole)["kpis"]
    assert kpis == {
        "total_meetings": 120,
        "total_tasks": 12,
        "task_completion_rate": 50,
        "avg_duration": round(sum(55 + n % 11 for n in range(120)) / 120, 4),
        "hours_saved": 60,
    }


def assert_is_portable(sections: Mapping[str, Any]) -> None:
    for value in leaves(sections):
        assert isinstance(value, str | int | float)
        assert not isinstance(value, bool)
        if not isinstance(value, str):
            assert math.isfinite(value)
            assert abs(value) <= LARGEST
    assert checksum(json.loads(json.dumps(sections, allow_nan=False))) == checksum(sections)
