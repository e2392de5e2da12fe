"""The hourly table: what may be asked for, which columns there are, and cursors that fit one query alone."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.shop import VALID, changed, read
from tidemark.domain.definitions import shipped
from tidemark.domain.errors import DefinitionError, InvalidQuery
from tidemark.domain.hourly import DEFAULT_ROWS, MAX_ROWS, RESERVED, HourlyQuery, columns_of, identities_of

TODAY = date(2026, 11, 22)
FULL = {
    "dashboard": "shop",
    "from": "2026-11-01",
    "to": "2026-11-22",
    "by": "workspace",
    "limit": "10",
    "format": "csv",
}


def parse(**given: str) -> HourlyQuery:
    return HourlyQuery.parse({"dashboard": "shop", **given}, TODAY)


def test_a_query_is_of_today_unless_it_says_so() -> None:
    assert parse() == HourlyQuery("shop", TODAY, TODAY, by_workspace=False, limit=DEFAULT_ROWS)
    assert parse(to="2026-11-01") == HourlyQuery("shop", date(2026, 11, 1), date(2026, 11, 1))
    assert HourlyQuery.parse(FULL, TODAY) == HourlyQuery(
        "shop", date(2026, 11, 1), TODAY, by_workspace=True, limit=10, form="csv"
    )
    assert parse(**{"from": "2026-10-23"}).first == date(2026, 10, 23)


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("from", "2026-10-22", "from"),
        ("from", "2026-11-23", "from"),
        ("from", "20261122", "from"),
        ("from", "2026-W47-7", "from"),
        ("from", "", "from"),
        ("to", "tomorrow", "to"),
        ("to", "1970-01-01", "to"),
        ("to", "9999-12-31", "to"),
        ("to", "2026-11-22T10:00", "to"),
        ("dashbord", "shop", "dashbord"),
        ("\ud800" * 99, "x", "?" * 64),
        ("format", "xml", "format"),
        ("by", "school", "by"),
        ("by", "", "by"),
        ("limit", "0", "limit"),
        ("limit", str(MAX_ROWS + 1), "limit"),
        ("limit", "1e3", "limit"),
        ("limit", "-1", "limit"),
        ("limit", "٣", "limit"),
        ("limit", "", "limit"),
        ("limit", "9" * 5000, "limit"),
        ("cursor", "", "cursor"),
        ("cursor", "x" * 600, "cursor"),
        ("cursor", "ä", "cursor"),
        ("cursor", urlsafe_b64encode(b"[1,2]").decode(), "cursor"),
        ("cursor", urlsafe_b64encode(b"7").decode(), "cursor"),
        ("cursor", urlsafe_b64encode(b"[[[").decode(), "cursor"),
        ("cursor", urlsafe_b64encode(b"\xff\xfe").decode(), "cursor"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_the_field(name: str, value: str, field: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse(**{name: value})
    assert caught.value.field == field


def test_a_query_names_its_dashboard() -> None:
    with pytest.raises(InvalidQuery) as caught:
        HourlyQuery.parse({}, TODAY)
    assert caught.value.field == "dashboard"


def test_a_cursor_leads_to_the_place_after_it_and_fits_no_other_query() -> None:
    query = HourlyQuery.parse(FULL, TODAY)
    place = ("2026-11-03T10:00Z", "north")
    following = query.next_page(query.cursor(place))
    assert HourlyQuery.parse(following, date(2027, 1, 1)).after == place
    assert HourlyQuery.parse({**following, "limit": "5", "format": "json"}, TODAY).after == place
    for other in ({"dashboard": "web"}, {"from": "2026-11-02"}, {"to": "2026-11-21"}):
        with pytest.raises(InvalidQuery, match="same query"):
            HourlyQuery.parse({**following, **other}, TODAY)
    with pytest.raises(InvalidQuery, match="same query"):
        HourlyQuery.parse({name: value for name, value in following.items() if name != "by"}, TODAY)


@pytest.mark.parametrize("hour", ["", "zzz", 7, None, [], "2026-11-22T10:00Z ", "2026-11-22", "٢٠٢٦-11-22T10:00Z"])
def test_a_cursor_that_somebody_has_made_names_an_hour_or_is_refused(hour: Any) -> None:
    query = parse()
    places: list[Any] = [(hour, "north"), ("2026-11-22T10:00Z", hour if not isinstance(hour, str) else 7)]
    for place in places:
        with pytest.raises(InvalidQuery) as caught:
            parse(cursor=query.cursor(place))
        assert caught.value.code == "invalid_cursor"


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_no_cursor_breaks_it(cursor: str) -> None:
    with suppress(InvalidQuery):
        assert parse(cursor=cursor).after is not None


def test_every_measure_but_lists_is_a_column_and_all_states_behind_them_are_needed() -> None:
    shop = read(VALID)
    names = [name for name in VALID["measures"] if name != "products"]
    assert [column.name for column in columns_of(shop)] == names
    assert identities_of(shop) == {shop.measures[name].identity for name in names if name != "per_buyer"}
    for dashboard in shipped().values():
        parts = {m.options[part] for m in columns_of(dashboard) if m.kind == "ratio" for part in ("of", "over")}
        assert {dashboard.measures[part].identity for part in parts} <= identities_of(dashboard)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_no_measure_takes_the_name_of_another_column(name: str) -> None:
    spec: Any = {"kind": "count", "events": ["order"]}
    with pytest.raises(DefinitionError, match="column of the hourly table"):
        read(changed(f"measures/{name}", spec))
