"""Periods: rows that join without gap or overlap, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.hours import day_of, hour_of, hours_of_day
from tidemark.domain.periods import GRAINS, day_start, hour_names, in_days, periods, shifted

LATER = datetime(2030, 1, 1, tzinfo=UTC)
CHANGES = [
    ("America/New_York", date(2026, 3, 8), 23),
    ("America/New_York", date(2026, 11, 1), 25),
    ("Australia/Lord_Howe", date(2026, 4, 5), 25),  # half an hour back: 24.5 hours, of which one is halved
    ("Australia/Lord_Howe", date(2026, 10, 4), 24),  # half an hour on: 23.5 hours
    ("Asia/Kolkata", date(2026, 3, 8), 24),
    ("America/Sao_Paulo", date(2018, 11, 4), 23),  # begins at 1:00
    ("Pacific/Apia", date(2011, 12, 30), 0),  # never was
]
zones = st.sampled_from(sorted({zone for zone, _, _ in CHANGES} | {"UTC", "Europe/Berlin", "Asia/Kathmandu"}))
instants = st.integers(1_325_462_400, 1_830_297_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
days = st.dates(date(2011, 12, 20), date(2028, 1, 10))


@pytest.mark.parametrize(("zone", "day", "hours"), CHANGES, ids=[f"{zone} {day}" for zone, day, _ in CHANGES])
def test_a_day_has_the_hours_that_its_clocks_show(zone: str, day: date, hours: int) -> None:
    found = list(periods(day, day, "hour", zone, LATER))
    assert [period.hours for period in found] == [(hour,) for hour in hours_of_day(day, zone)]
    assert len(found) == hours
    (whole,) = periods(day, day, "day", zone, LATER)
    if found:
        assert (found[0].start, found[-1].end) == (whole.start, whole.end)
    else:
        assert whole.start == whole.end


@pytest.mark.parametrize(
    ("zone", "day", "seconds"),
    [
        ("America/New_York", date(2026, 3, 8), 23 * 3600),
        ("America/New_York", date(2026, 11, 1), 25 * 3600),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5 * 3600),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5 * 3600),
        ("Asia/Kolkata", date(2026, 10, 4), 24 * 3600),
    ],
)
def test_a_day_is_as_long_as_it_is(zone: str, day: date, seconds: float) -> None:
    (found,) = periods(day, day, "day", zone, LATER)
    assert found.end - found.start == timedelta(seconds=seconds)
    local = found.start.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute) == (0, 0)


@given(zones, days, st.integers(0, 40), st.sampled_from(GRAINS))
def test_periods_follow_one_another_and_are_all_of_the_days(zone: str, first: date, more: int, grain: str) -> None:
    last = first + timedelta(days=more)
    found = list(periods(first, last, grain, zone, LATER))
    for one, other in pairwise(found):
        assert one.end == other.start
        assert one.key < other.key
    if grain != "hour":
        assert [day for period in found for day in period.days] == [first + timedelta(days=n) for n in range(more + 1)]
        assert (found[0].start, found[-1].end) == (day_start(first, zone), day_start(last + timedelta(days=1), zone))
    else:
        assert [period.key for period in found] == [
            hour for n in range(more + 1) for hour in hours_of_day(first + timedelta(days=n), zone)
        ]


@given(zones, instants)
def test_an_instant_lies_in_the_one_period_that_its_hour_and_day_say(zone: str, instant: datetime) -> None:
    hour = hour_of(instant, zone)
    day = day_of(hour, zone)
    inside = [
        period
        for period in periods(day - timedelta(days=1), day + timedelta(days=1), "hour", zone, LATER)
        if period.start <= instant < period.end
    ]
    assert [period.key for period in inside] == [hour]
    (whole,) = periods(day, day, "day", zone, LATER)
    assert whole.start <= instant < whole.end
    assert day == instant.astimezone(ZoneInfo(zone)).date()


@given(zones, days, st.integers(0, 3))
def test_the_names_of_hours_bound_all_hours_of_the_days(zone: str, first: date, more: int) -> None:
    last = first + timedelta(days=more)
    low, high = hour_names(first, last, zone)
    near = [hour for n in range(-2, more + 3) for hour in hours_of_day(first + timedelta(days=n), zone)]
    between = in_days([hour for hour in near if low <= hour <= high], first, last, zone)
    assert between == in_days(near, first, last, zone)


def test_weeks_begin_on_monday_and_months_with_their_first_day() -> None:
    weeks = list(periods(date(2026, 1, 1), date(2026, 1, 14), "week", "UTC", LATER))
    assert [(week.first.day, week.last.day) for week in weeks] == [(1, 4), (5, 11), (12, 14)]
    months = list(periods(date(2026, 1, 31), date(2026, 3, 2), "month", "UTC", LATER))
    assert [(month.first, month.last) for month in months] == [
        (date(2026, 1, 31), date(2026, 1, 31)),
        (date(2026, 2, 1), date(2026, 2, 28)),
        (date(2026, 3, 1), date(2026, 3, 2)),
    ]


def test_of_today_there_are_hours_up_to_the_present_one() -> None:
    now = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    found = list(periods(date(2026, 11, 22), date(2026, 11, 22), "hour", "Asia/Kolkata", now))
    assert found[-1].key == "2026-11-22T10:30Z"
    assert len(found) == 17


@given(zones, days, st.integers(0, 20), st.sampled_from(["day", "week", "month", "all"]))
def test_what_days_are_compared_with_is_as_many_days_just_before(zone: str, first: date, more: int, grain: str) -> None:
    number = more + 1
    earlier = [
        shifted(period, number, zone) for period in periods(first, first + timedelta(days=more), grain, zone, LATER)
    ]
    assert [day for period in earlier for day in period.days] == [
        first + timedelta(days=n - number) for n in range(number)
    ]


def test_an_hour_is_compared_with_the_same_hour_of_the_clock() -> None:
    zone = "America/New_York"
    (nine,) = islice(periods(date(2026, 3, 8), date(2026, 3, 8), "hour", zone, LATER), 8, 9)
    assert nine.start.isoformat() == "2026-03-08T13:00:00+00:00"  # the ninth of the day, for there is no 2:00
    assert shifted(nine, 1, zone).start.isoformat() == "2026-03-07T14:00:00+00:00"


def test_an_hour_that_the_clock_skipped_is_empty_and_one_that_it_repeated_is_both() -> None:
    zone = "America/New_York"
    two = list(periods(date(2026, 3, 9), date(2026, 3, 9), "hour", zone, LATER))[2]
    skipped = shifted(two, 1, zone)
    assert (skipped.hours, skipped.start, skipped.end) == ((), skipped.start, skipped.start)
    assert skipped.start.isoformat() == "2026-03-08T07:00:00+00:00"
    one = list(periods(date(2026, 11, 2), date(2026, 11, 2), "hour", zone, LATER))[1]
    both = shifted(one, 1, zone)
    assert both.hours == ("2026-11-01T05:00Z", "2026-11-01T06:00Z")
    assert both.end - both.start == timedelta(hours=2)


def test_half_an_hour_of_lord_howe_is_compared_with_its_hour() -> None:
    zone = "Australia/Lord_Howe"
    after = list(periods(date(2026, 4, 6), date(2026, 4, 6), "hour", zone, LATER))[1]
    before = shifted(after, 1, zone)
    assert before.hours is not None
    assert len(before.hours) == 2  # 1:00 to 2:00, then again from 1:30
    assert before.end - before.start == timedelta(minutes=90)
