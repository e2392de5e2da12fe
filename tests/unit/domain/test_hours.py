"""The laws of hours and days: an instant belongs to one hour, an hour to one day, whatever a zone's clock does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.hours import (
    day_of,
    day_seconds,
    hour_of,
    hour_seconds,
    hours_of_day,
    hours_within,
    is_hour,
    is_whole_hour,
    last_day_of,
)

MINUTE = timedelta(minutes=1)

CHANGES = [
    ("America/New_York", "2026-03-08", 23),
    ("America/New_York", "2026-11-01", 25),
    ("Australia/Lord_Howe", "2026-04-05", 25),  # back by half an hour: the hour 01:30 to 02:00 comes in two parts
    ("Australia/Lord_Howe", "2026-10-04", 24),  # on by half an hour: the hour that starts at 02:30 is a half one
    ("Asia/Kolkata", "2026-06-01", 24),
    ("Asia/Kathmandu", "2026-06-01", 24),
    ("Asia/Kathmandu", "1985-12-31", 24),
    ("Asia/Kathmandu", "1986-01-01", 24),  # its first quarter was skipped: the first hour's name lies on the day before
    ("America/Sao_Paulo", "2018-11-04", 23),  # midnight was skipped
    ("America/Sao_Paulo", "2018-02-17", 25),  # midnight came twice, the first time to go back
    ("Pacific/Apia", "2011-12-29", 24),
    ("Pacific/Apia", "2011-12-30", 0),  # the whole day was skipped
    ("Pacific/Apia", "2011-12-31", 24),
    ("Europe/Berlin", "2026-03-29", 23),
    ("Europe/Berlin", "2026-10-25", 25),
    ("Asia/Pyongyang", "2015-08-14", 25),  # midnight was half an hour late
    ("Antarctica/Casey", "2010-03-04", 25),  # at 2:00 back to 23:00 of the day before, which so came twice
    ("UTC", "2026-11-22", 24),
]


@pytest.mark.parametrize(("timezone", "day", "number"), CHANGES)
def test_the_hours_of_a_day_hold_exactly_its_minutes(timezone: str, day: str, number: int) -> None:
    wanted = date.fromisoformat(day)
    instant = datetime.combine(wanted, datetime.min.time(), UTC) - timedelta(days=1)
    minutes = [instant + MINUTE * n for n in range(3 * 24 * 60)]
    named = {minute: hour_of(minute, timezone) for minute in minutes}
    inside = {hour for minute, hour in named.items() if minute.astimezone(ZoneInfo(timezone)).date() == wanted}
    assert hours_of_day(wanted, timezone) == tuple(dict.fromkeys(hour for hour in named.values() if hour in inside))
    assert len(inside) == number
    for minute, hour in named.items():
        assert day_of(hour, timezone) == minute.astimezone(ZoneInfo(timezone)).date()


@pytest.mark.parametrize(("timezone", "day", "number"), CHANGES)
def test_an_hour_has_sixty_minutes_unless_a_change_of_offset_cuts_it(timezone: str, day: str, number: int) -> None:
    zone = ZoneInfo(timezone)
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) - timedelta(days=1)
    minutes: dict[str, list[datetime]] = {}
    for n in range(3 * 24 * 60):
        minutes.setdefault(hour_of(start + MINUTE * n, timezone), []).append(start + MINUTE * n)
    for hour, held in list(minutes.items())[1:-1]:
        offsets = {minute.astimezone(zone).utcoffset() for minute in (held[0] - MINUTE, *held, held[-1] + MINUTE)}
        assert len({minute.astimezone(zone).utcoffset() for minute in held}) == 1
        assert held == [held[0] + MINUTE * n for n in range(len(held))]
        assert len(held) == 60 or len(offsets) > 1
        assert hour_seconds(hour) <= held[0].timestamp() <= held[-1].timestamp() < hour_seconds(hour) + 3600


@given(st.sampled_from(sorted(available_timezones())), st.integers(1_293_840_000, 2_114_380_800))
def test_every_instant_belongs_to_an_hour_of_its_local_day_in_every_zone(timezone: str, seconds: int) -> None:
    """From 2011 to 2036."""
    assert_belongs(datetime.fromtimestamp(seconds, UTC), timezone)


def test_every_instant_around_every_change_of_every_zone_belongs_to_its_local_day() -> None:
    seen: set[object] = set()
    for timezone in sorted(available_timezones()):
        for change in changes_of(timezone):
            if change not in seen:  # most zones share their changes with others
                seen.add(change)
                for minutes in (-61, -31, -30, -1, 0, 1, 29, 30, 59, 61):
                    assert_belongs(change[0] + MINUTE * minutes, timezone)
    assert len(seen) > 100


def test_the_last_minute_of_newfoundland_that_went_back_over_midnight_counts_on_the_day_before() -> None:
    """The one thing that a name by the UTC start cannot tell apart: 00:00 and, a minute later, 23:01."""
    midnight = datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    assert midnight.astimezone(ZoneInfo("America/St_Johns")).date() == date(2010, 11, 7)
    assert day_of(hour_of(midnight, "America/St_Johns"), "America/St_Johns") == date(2010, 11, 6)


def test_a_zone_has_the_hours_that_its_clocks_give() -> None:
    assert is_whole_hour("2026-11-22T10:00Z", "UTC")
    assert not is_hour("2026-11-22T10:00Z", "Asia/Kolkata")
    assert is_whole_hour("2026-11-22T10:30Z", "Asia/Kolkata")
    # Lord Howe's clocks go from 2:00 to 2:30 at 15:30 UTC: the hour from then on has half an hour.
    split = "2026-10-03T15:00Z"
    assert hours_within(split, "Australia/Lord_Howe") == ["2026-10-03T14:30Z"] * 2 + [split] * 2
    assert is_hour(split, "Australia/Lord_Howe")
    assert not is_whole_hour(split, "Australia/Lord_Howe")
    assert last_day_of("2026-11-22T18:00Z", "Asia/Kolkata") == date(2026, 11, 23)


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)))
def test_days_are_placed_a_day_apart(day: date) -> None:
    assert day_seconds(day + timedelta(days=1)) - day_seconds(day) == 86_400


@given(st.sampled_from(["UTC", "Asia/Kolkata", "Australia/Lord_Howe"]), st.integers(10**8, 10**10))
def test_names_sort_as_their_starts_do(timezone: str, seconds: int) -> None:
    hours = [hour_of(datetime.fromtimestamp(seconds - n * 2_820, UTC), timezone) for n in range(4)]
    assert sorted(hours) == sorted(hours, key=hour_seconds)


def assert_belongs(instant: datetime, timezone: str) -> None:
    hour = hour_of(instant, timezone)
    day = instant.astimezone(ZoneInfo(timezone)).date()
    assert day_of(hour, timezone) == day
    assert [other for n in (-1, 0, 1) for other in hours_of_day(day + timedelta(days=n), timezone)].count(hour) == 1
    assert hour in hours_of_day(day, timezone)


@cache
def changes_of(timezone: str) -> list[tuple[datetime, timedelta | None, timedelta | None]]:
    """Return the changes of offset from 2015 to 2019: when, from what and to what."""
    zone, week, minute = ZoneInfo(timezone), timedelta(days=7), MINUTE
    found = []
    instant = datetime(2015, 1, 1, tzinfo=UTC)
    while instant.year < 2020:
        low, high = instant, instant + week
        before, after = low.astimezone(zone).utcoffset(), high.astimezone(zone).utcoffset()
        if before != after:
            while high - low > minute:
                middle = low + (high - low) // (2 * minute) * minute
                if middle.astimezone(zone).utcoffset() == before:
                    low = middle
                else:
                    high = middle
            found.append((high, before, after))
        instant += week
    return found
