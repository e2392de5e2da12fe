"""What a query may ask for; that every refusal names its field is shown through the route (tests/integration)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.definitions import shipped
from tidemark.domain.errors import InvalidQuery
from tidemark.domain.query import MAX_DAYS, PARAMETERS, MetricsQuery, groupable

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def parse(**raw: str) -> MetricsQuery:
    given = {name.rstrip("_"): text for name, text in raw.items()}
    return MetricsQuery.parse(given, shipped()["web"], "America/New_York", TODAY)


def test_a_query_is_of_all_measures_over_30_days_unless_it_says() -> None:
    query = parse()
    assert query.measures == tuple(shipped()["web"].measures)
    assert (query.first, query.last, query.days, query.grain) == (date(2026, 10, 24), TODAY, 30, "day")
    assert query.previous == (date(2026, 9, 24), date(2026, 10, 23))


def test_a_ratio_needs_what_it_divides_and_nothing_else() -> None:
    measures = shipped()["web"].measures
    assert parse(measures="error_rate").identities == {measures["errors"].identity, measures["pageviews"].identity}


def test_a_breakdown_is_of_the_counts_of_its_own_events() -> None:
    query = parse(group_by="status_codes")
    assert (query.measures, query.groups) == (("pageviews",), 20)
    assert shipped()["web"].measures["status_codes"].identity in query.identities
    meetings = shipped()["meetings"]
    assert groupable(meetings, meetings.measures["completed_by_priority"]) == ["completed_tasks"]
    assert groupable(meetings, meetings.measures["top_organisers"]) == ["total_meetings"]


def test_a_range_may_be_as_long_as_it_may() -> None:
    first = TODAY - timedelta(days=MAX_DAYS - 1)
    assert parse(from_=first.isoformat()).days == MAX_DAYS
    with pytest.raises(InvalidQuery, match="at most 1100 days"):
        parse(from_=(first - timedelta(days=1)).isoformat())


@given(st.sampled_from(["hour", "day", "week", "month"]), st.integers(0, 60), st.data())
def test_the_pages_of_any_query_are_its_periods_one_after_the_other(grain: str, more: int, data: st.DataObject) -> None:
    query = parse(grain=grain, from_=(TODAY - timedelta(days=more)).isoformat())
    every = list(query.periods(NOW))
    begin = data.draw(st.sampled_from(every)).key
    page = parse(grain=grain, from_=query.first.isoformat(), cursor=query.cursor(begin))
    assert list(page.periods(NOW)) == every[[period.key for period in every].index(begin) :]


def test_a_cursor_keeps_the_days_of_its_query_also_when_a_day_has_passed() -> None:
    cursor = parse(grain="hour").cursor("2026-11-20T05:00Z")
    page = MetricsQuery.parse(
        {"grain": "hour", "cursor": cursor}, shipped()["web"], "America/New_York", TODAY + timedelta(days=1)
    )
    assert (page.first, page.last, page.begin) == (date(2026, 10, 24), TODAY, "2026-11-20T05:00Z")


@pytest.mark.parametrize(
    ("grain", "begin"),
    [
        ("day", "2026-11-23"),
        ("day", "2026-10-23"),
        ("week", "2026-11-18"),  # in the middle of one
        ("hour", "2026-11-20T05:30Z"),
        ("hour", "0001-01-01T00:00Z"),
        ("hour", "2026-11-20"),
        ("day", "2026-11-20T05:00Z"),
        ("day", ""),
    ],
)
def test_a_cursor_that_was_made_up_is_refused(grain: str, begin: str) -> None:
    forged = parse(grain=grain).cursor(begin)
    with pytest.raises(InvalidQuery) as refused:
        list(parse(grain=grain, cursor=forged).periods(NOW))
    assert (refused.value.code, refused.value.field) == ("invalid_cursor", "cursor")


@given(st.dictionaries(st.sampled_from(sorted(PARAMETERS - {"dashboard"})), st.text(max_size=12), max_size=4))
def test_whatever_is_asked_is_understood_or_refused(raw: dict[str, str]) -> None:
    refused = None
    try:
        query = MetricsQuery.parse(raw, shipped()["web"], "America/New_York", TODAY)
        list(query.periods(NOW))
    except InvalidQuery as error:
        refused = error.field
    assert refused is None or refused in raw or (refused == "from" and "to" in raw)
