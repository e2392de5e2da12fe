"""Views as requests name them, and the hours that they cover."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import json_values
from tidemark.domain.errors import InvalidView
from tidemark.domain.hours import day_of, hour_of, hours_of_day
from tidemark.domain.views import MAX_DAYS, View, window_at_hour, window_of

ZONES = [
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Europe/Berlin",
    "UTC",
]
CHANGES = [
    "2011-12-30",
    "2018-02-18",
    "2018-11-04",
    "2026-03-08",
    "2026-04-05",
    "2026-10-04",
    "2026-10-25",
    "2026-11-01",
]

zones = st.sampled_from(ZONES)
moments = st.builds(
    lambda day, minutes: datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-1440, 4320),
)
views = st.builds(
    View,
    st.sampled_from(["web", "meetings", "a-b_c9"]),
    st.integers(1, MAX_DAYS),
    st.none() | st.dates(date(1971, 1, 4), date(9998, 12, 30)),
)


@given(views)
def test_a_view_survives_its_key_and_the_wire(view: View) -> None:
    assert View.from_key(view.key) == view
    assert View.parse(view.as_dict()) == view


def test_a_view_is_thirty_days_unless_it_says_otherwise() -> None:
    assert View.parse({"dashboard": "web"}) == View("web", 30, None)
    assert View("web", 5, date(2015, 5, 21)).key == "web:5:2015-05-21"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (None, "view"),
        ("web:30", "view"),
        (["web"], "view"),
        ({}, "view.dashboard"),
        ({"dashboard": ""}, "view.dashboard"),
        ({"dashboard": "Web"}, "view.dashboard"),
        ({"dashboard": "web:30"}, "view.dashboard"),
        ({"dashboard": "web#x"}, "view.dashboard"),
        ({"dashboard": "web\n"}, "view.dashboard"),
        ({"dashboard": "w" * 65}, "view.dashboard"),
        ({"dashboard": ["web"]}, "view.dashboard"),
        ({"dashboard": "web", "days": 0}, "view.days"),
        ({"dashboard": "web", "days": 367}, "view.days"),
        ({"dashboard": "web", "days": -1}, "view.days"),
        ({"dashboard": "web", "days": True}, "view.days"),
        ({"dashboard": "web", "days": 30.0}, "view.days"),
        ({"dashboard": "web", "days": "30"}, "view.days"),
        ({"dashboard": "web", "days": None}, "view.days"),
        ({"dashboard": "web", "to": ""}, "view.to"),
        ({"dashboard": "web", "to": 20150521}, "view.to"),
        ({"dashboard": "web", "to": "20150521"}, "view.to"),
        ({"dashboard": "web", "to": "2015-5-21"}, "view.to"),
        ({"dashboard": "web", "to": "2015-W21-4"}, "view.to"),
        ({"dashboard": "web", "to": "2015-02-29"}, "view.to"),
        ({"dashboard": "web", "to": "1971-01-03"}, "view.to"),
        ({"dashboard": "web", "to": "9998-12-31"}, "view.to"),
        ({"dashboard": "web", "day": 30}, "view.day"),
        ({"dashboard": "web", 7: 30}, "view.7"),
        ({"dashboard": "web", "x" * 1000: 1}, "view." + "x" * 64),
        ({"dashboard": "web", "\ud800": 1}, "view.?"),
    ],
)
def test_what_is_no_view_is_refused_with_the_field_at_fault(raw: Any, field: str) -> None:
    with pytest.raises(InvalidView) as caught:
        View.parse(raw)
    assert caught.value.field == field
    assert caught.value.code == "invalid_view"
    assert len(caught.value.message.encode()) < 200


@given(
    json_values | st.fixed_dictionaries({"dashboard": json_values}, optional={"days": json_values, "to": json_values})
)
def test_whatever_is_asked_for_is_a_view_or_an_invalid_one(raw: Any) -> None:
    with suppress(InvalidView):
        view = View.parse(raw)
        assert View.from_key(view.key) == view


@given(zones, moments, st.integers(1, 40), st.integers(0, 168), st.none() | st.integers(-3, 3))
def test_a_window_covers_its_days_and_nothing_after_now(
    timezone: str, now: datetime, days: int, trailing: int, end: int | None
) -> None:
    today = now.astimezone(ZoneInfo(timezone)).date()
    last = None if end is None else today + timedelta(days=end)
    window = window_of(View("web", days, last), now, timezone, trailing)
    assert window == window_at_hour(View("web", days, last), hour_of(now, timezone), timezone, trailing)
    assert window.last == (last or today)
    assert len(window.days) == days
    assert window.days[-1] == window.last
    every = [hour for day in window.days for hour in hours_of_day(day, timezone)]
    assert list(window.hours) == [hour for hour in every if hour <= hour_of(now, timezone)]
    assert {day_of(hour, timezone) for hour in window.hours} <= set(window.days)
    assert list(window.hours) == sorted(set(window.hours))
    if last is None:
        assert window.hours[-1] == hour_of(now, timezone)
    if end is not None and end < 0:
        assert list(window.hours) == every


@given(zones, moments, st.integers(1, 4), st.integers(1, 168))
def test_the_trailing_hours_are_the_last_ones_one_after_the_other(
    timezone: str, now: datetime, days: int, trailing: int
) -> None:
    window = window_of(View("web", days), now, timezone, trailing)
    assert len(window.trailing) == trailing
    assert window.trailing[-1] == hour_of(now, timezone)
    back: dict[str, None] = {}
    instant = now
    while len(back) < trailing:
        back[hour_of(instant, timezone)] = None
        instant -= timedelta(minutes=15)
    assert list(window.trailing) == list(reversed(back))


@pytest.mark.parametrize("timezone", ZONES)
def test_a_window_that_lies_in_the_future_is_empty(timezone: str) -> None:
    now = datetime(2026, 11, 22, 10, tzinfo=UTC)
    window = window_of(View("web", 2, date(9998, 12, 30)), now, timezone, 48)
    assert len(window.days) == 2
    assert (window.hours, window.trailing) == ((), ())
