"""The generated events are those of a real site, and the same whenever they are made."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from local import traffic
from tidemark.domain.events import normalise

DAY = date(2026, 11, 18)  # a Wednesday
MONTH = [event for ago in range(30) for event in traffic.page_views(DAY - timedelta(days=ago))]
MEETINGS = [event for ago in range(120) for event in traffic.meeting(DAY - timedelta(days=ago))]


def test_a_day_is_the_same_whenever_it_is_made() -> None:
    assert list(traffic.page_views(DAY)) == list(traffic.page_views(DAY))
    assert list(traffic.meeting(DAY)) == list(traffic.meeting(DAY))


def test_no_two_events_share_an_id() -> None:
    ids = [event["event_id"] for event in MONTH + MEETINGS]
    assert len(ids) == len(set(ids))


def test_a_month_is_large_enough_to_look_at_and_small_enough_to_seed() -> None:
    assert 12_000 <= len(MONTH) <= 25_000


def test_visitors_return() -> None:
    days = Counter(visitor for visitor, _ in {(event["anonymous_id"], event["timestamp"][:10]) for event in MONTH})
    assert 0.1 < sum(count > 1 for count in days.values()) / len(days) < 0.6


def test_work_days_and_office_hours_are_busier() -> None:
    days = Counter(datetime.fromisoformat(event["timestamp"]).weekday() for event in MONTH)
    assert days[6] < 0.75 * days[2]
    hours = Counter(event["timestamp"][11:13] for event in MONTH)
    assert hours["10"] > 4 * hours["03"]


def test_a_few_requests_fail_and_more_of_them_in_an_incident() -> None:
    failed = [event for event in MONTH if event["properties"]["status"] >= 400]
    assert 0.02 <= len(failed) / len(MONTH) <= 0.04
    incidents = {start.date(): start for ago in range(30) if (start := traffic.incident_of(DAY - timedelta(days=ago)))}
    within = []
    for event in MONTH:
        at = datetime.fromisoformat(event["timestamp"])
        start = incidents.get(at.date())
        if start and start <= at < start + traffic.INCIDENT_LENGTH:
            within.append(event)
    assert len(incidents) >= 3
    assert sum(event["properties"]["status"] >= 500 for event in within) / len(within) > 0.25


def test_the_most_visited_paths_follow_zipf() -> None:
    paths = Counter(event["properties"]["path"] for event in MONTH).most_common()
    assert len(paths) >= 40
    assert paths[0][0] == "/"
    assert paths[0][1] > 1.5 * paths[1][1]


def test_the_meetings_are_the_sample_of_system_a() -> None:
    """120 completed meetings of about an hour over 120 days, 12 tasks, half completed, priorities high and medium."""
    kinds = Counter(event["type"] for event in MEETINGS)
    assert kinds == {"meeting_completed": 120, "task_created": 12, "task_completed": 6}
    lengths = [event["properties"]["duration_minutes"] for event in MEETINGS if event["type"] == "meeting_completed"]
    assert sum(lengths) / len(lengths) == pytest.approx(60, abs=4)
    priorities = Counter(event["properties"]["priority"] for event in MEETINGS if event["type"] == "task_created")
    assert priorities == {"high": 6, "medium": 6}


def test_tidemark_accepts_every_event() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    for event in MONTH[:500] + MEETINGS:
        assert normalise(event, received_at=now, new_id=lambda: "unused")["event_id"] == event["event_id"]
