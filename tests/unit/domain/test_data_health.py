"""Whether the rollup keeps up, and which hours are compared with which."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tidemark.domain.data_health import closed_hours, lag_seconds, rollup_state, week_before, worst

NOON = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def at(clock: str) -> int:
    return int(datetime.fromisoformat(f"2026-11-22T{clock}+00:00").timestamp())


def test_the_lag_is_counted_from_when_the_run_was_due() -> None:
    assert lag_seconds("2026-11-22T12", at("12:05:00")) == 0
    assert lag_seconds("2026-11-22T12", at("13:04:59")) == 3599


@pytest.mark.parametrize(
    ("last", "oldest_due", "clock", "state"),
    [
        (None, None, "12:30:00", "unknown"),
        ("2026-11-22T12", None, "12:30:00", "ok"),
        ("2026-11-22T11", None, "12:09:59", "ok"),  # the run of 12 has five minutes to begin
        ("2026-11-22T11", None, "12:10:00", "degraded"),
        ("2026-11-22T11", None, "13:09:59", "degraded"),
        ("2026-11-22T11", None, "13:10:00", "down"),
        ("2026-11-21T11", None, "12:30:00", "down"),
        ("2026-11-22T12", "2026-11-22T12", "12:30:00", "ok"),  # being worked on
        ("2026-11-22T12", "2026-11-22T11", "12:30:00", "degraded"),  # left over from the run before
        ("2026-11-22T12", "2026-11-22T13", "12:30:00", "ok"),  # hours that are still open
    ],
)
def test_the_rollup_is_as_well_as_its_last_run_and_what_is_left_over(
    last: str | None, oldest_due: str | None, clock: str, state: str
) -> None:
    assert rollup_state(last, oldest_due, at(clock)) == state


def test_the_last_hours_that_have_closed_leave_out_the_one_that_may_still_get_events() -> None:
    assert closed_hours(NOON, "UTC", 3) == ["2026-11-22T09:00Z", "2026-11-22T10:00Z", "2026-11-22T11:00Z"]
    just_over = NOON.replace(minute=4)
    assert closed_hours(just_over, "UTC", 1) == ["2026-11-22T10:00Z"]
    assert closed_hours(NOON, "Asia/Kolkata", 2) == ["2026-11-22T09:30Z", "2026-11-22T10:30Z"]


def test_a_day_has_all_its_hours_also_where_the_offset_changes_by_half_an_hour() -> None:
    # Lord Howe went from +10:30 to +11 on 4 October 2026 at 2:00: its hours begin at another minute from then on.
    now = datetime(2026, 10, 3, 20, 10, tzinfo=UTC)
    hours = closed_hours(now, "Australia/Lord_Howe", 8)
    assert len(set(hours)) == 8
    assert {hour[-4:-1] for hour in hours} == {":30", ":00"}


def test_an_hour_is_compared_with_the_same_local_hour_a_week_before() -> None:
    assert week_before("2026-11-22T10:00Z", "UTC") == "2026-11-15T10:00Z"
    # New York left summer time on 1 November 2026: 9:00 there was 13:00Z before and 14:00Z after.
    assert week_before("2026-11-03T14:00Z", "America/New_York") == "2026-10-27T13:00Z"


def test_the_worst_state_counts() -> None:
    assert worst([]) == "ok"
    assert worst(["ok", "unknown"]) == "unknown"
    assert worst(["unknown", "degraded", "ok"]) == "degraded"
    assert worst(["degraded", "down"]) == "down"
