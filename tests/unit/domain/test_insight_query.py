"""What a request for insights may ask for."""

from __future__ import annotations

import base64
import json

import pytest

from tidemark.domain.errors import InvalidQuery
from tidemark.domain.insight_query import InsightQuery

ID = "2026-11-22T10:00Z.00.000003"


def test_nothing_asks_for_the_last_ones() -> None:
    assert InsightQuery.parse({}, "UTC") == InsightQuery(None, None, 20, None)


def test_days_are_local() -> None:
    query = InsightQuery.parse({"from": "2026-11-21", "to": "2026-11-22", "limit": "100"}, "Asia/Kolkata")
    assert (query.first, query.last, query.limit) == ("2026-11-20T18:30Z", "2026-11-22T17:30Z", 100)


def test_a_day_that_a_zone_skipped_is_passed_over() -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    query = InsightQuery.parse({"from": "2011-12-30", "to": "2011-12-30"}, "Pacific/Apia")
    assert (query.first, query.last) == ("2011-12-30T10:00Z", "2011-12-30T09:00Z")


def test_a_cursor_goes_on_behind_an_insight() -> None:
    query = InsightQuery.parse({"from": "2026-11-22"}, "UTC")
    assert InsightQuery.parse({"from": "2026-11-22", "cursor": query.cursor(ID)}, "UTC").before == ID


@pytest.mark.parametrize(
    ("raw", "field", "code"),
    [
        ({"days": "3"}, "days", "invalid_query"),
        ({"\ud800": "3"}, "?", "invalid_query"),
        ({"from": "2026-11-22", "to": "2026-11-21"}, "from", "invalid_query"),
        ({"from": "2026-02-30"}, "from", "invalid_query"),
        ({"to": "2026-W47-7"}, "to", "invalid_query"),
        ({"to": "0001-01-01"}, "to", "invalid_query"),
        ({"from": "9999-12-31"}, "from", "invalid_query"),
        ({"limit": "0"}, "limit", "invalid_query"),
        ({"limit": "101"}, "limit", "invalid_query"),
        ({"limit": "٣"}, "limit", "invalid_query"),
        ({"limit": "1" * 600}, "limit", "invalid_query"),
        ({"cursor": ""}, "cursor", "invalid_cursor"),
        ({"cursor": "ä"}, "cursor", "invalid_cursor"),
        ({"cursor": "W10"}, "cursor", "invalid_cursor"),
        ({"cursor": InsightQuery("2026-11-22T00:00Z").cursor(ID)}, "cursor", "invalid_cursor"),
        ({"cursor": InsightQuery().cursor("x")}, "cursor", "invalid_cursor"),
        (
            {"from": "2026-11-23", "cursor": InsightQuery("2026-11-23T00:00Z").cursor(ID)},
            "cursor",
            "invalid_cursor",
        ),
        (
            {"to": "2026-11-21", "cursor": InsightQuery(None, "2026-11-21T23:00Z").cursor(ID)},
            "cursor",
            "invalid_cursor",
        ),
    ],
)
def test_what_does_not_hold_is_refused_by_its_field(raw: dict[str, str], field: str, code: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        InsightQuery.parse(raw, "UTC")
    assert (refused.value.field, refused.value.code) == (field, code)


@pytest.mark.parametrize("insight_id", [3, None, [ID], {"a": 1}])
def test_a_cursor_of_another_form_is_refused(insight_id: object) -> None:
    fingerprint = json.loads(base64.urlsafe_b64decode(InsightQuery().cursor(ID) + "=="))[0]
    forged = base64.urlsafe_b64encode(json.dumps([fingerprint, insight_id]).encode()).decode().rstrip("=")
    with pytest.raises(InvalidQuery):
        InsightQuery.parse({"cursor": forged}, "UTC")
