"""Every number of every view against DuckDB, over random histories in zones with half hours and changes of offset."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.histories import batches
from tests.support.world import World
from tests.unit.oracle.duck import Duck
from tidemark.domain.views import View
from tidemark.services.ports import Head

MOMENTS = [
    ("UTC", "2026-11-22T10:30"),
    ("Asia/Kolkata", "2026-11-22T18:45"),
    ("Asia/Kathmandu", "2026-11-22T18:05"),
    ("America/New_York", "2026-03-09T03:59"),  # a day after the clocks went on
    ("America/New_York", "2026-11-01T06:15"),  # in the hour that comes again
    ("Europe/Berlin", "2026-03-29T01:05"),
    ("Europe/Berlin", "2026-10-25T23:30"),
    ("Australia/Lord_Howe", "2026-04-05T03:10"),  # half an hour back
    ("Australia/Lord_Howe", "2026-10-03T15:40"),  # in the half hour after it went on
    ("Pacific/Apia", "2011-12-31T11:00"),  # the day before yesterday was yesterday
    ("America/Sao_Paulo", "2018-11-04T20:00"),  # the day began at 1:00
    ("America/Sao_Paulo", "2018-02-18T04:00"),  # the day before ended twice
]

each_moment = pytest.mark.parametrize(("timezone", "moment"), MOMENTS, ids=[f"{z} {m[:10]}" for z, m in MOMENTS])


@each_moment
@settings(max_examples=max(2, settings().max_examples // 15))
@given(st.integers(0, 2**32))
def test_what_a_view_shows_is_what_sql_counts(timezone: str, moment: str, seed: int) -> None:
    """Windows that are rendered at once, and those that were watched and kept up batch by batch by two workers."""
    chance = random.Random(seed)
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC) + timedelta(minutes=chance.randint(-300, 300))
    world, days = World(timezone, chance.choice([1, 4])), chance.choice([1, 2, 7, 30])
    workers = [world.worker(), world.worker()]
    world.connect("viewer")
    live = [View("web", days), View("meetings", days)]
    for view in chance.sample(live, chance.randint(0, 2)):
        workers[0].watching.subscribe(world.workspace, "viewer", view, None, now, None)
    history = batches(seed, now, days, chance.randint(0, 300))
    for batch in history:
        records = world.store(batch, now)
        again = chance.sample(world.records, min(2, len(world.records)))
        chance.choice(workers).fold([*records, *again], now)
    duck = Duck([event for batch in history for event in batch], timezone, now)
    today = now.astimezone(ZoneInfo(timezone)).date()
    ended = View(chance.choice(["web", "meetings"]), days, today - timedelta(days=chance.randint(0, 2)))
    for view in [*live, ended]:
        assert_shows(workers[1].views.current(world.workspace, view, now), duck.shows(view))


def assert_shows(head: Head, expected: dict[str, Any]) -> None:
    shown = {name: dict(section) for name, section in head.sections.items()}
    assert shown.pop("insights", {}) == {}  # nothing is analysed
    for name in ("median_duration", "p90_duration"):
        if "tabs.insights" in shown:
            assert shown["tabs.insights"].pop(name) == pytest.approx(expected["tabs.insights"].pop(name), rel=0.0101)
    for name in expected:
        assert shown[name] == expected[name], name
    assert list(shown) == list(expected)


def test_the_oracle_knows_the_zones_by_itself() -> None:
    """Ten minutes past the change of Lord Howe: ICU, not zoneinfo, tells that this is the hour from 15:00 UTC."""
    event = {"event_id": "e", "type": "page", "timestamp": "2026-10-03T15:40:00.000Z", "properties": {}}
    now = datetime(2026, 10, 3, 15, 45, tzinfo=UTC)
    web = Duck([event], "Australia/Lord_Howe", now).shows(View("web", 1))
    assert web["charts"]["pageviews_by_hour"]["points"]["2026-10-03T15:00Z"]["value"] == 1
    assert web["charts"]["pageviews_by_day"]["points"] == {"2026-10-04": {"order": 1791072000, "value": 1}}
