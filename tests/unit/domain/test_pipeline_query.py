"""Lists of the administration: their parameters, and cursors that nobody can bend."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.errors import InvalidQuery
from tidemark.domain.pipeline_query import ListQuery, texts

STATES = ("OPEN", "SEALED")
PLACES = st.lists(
    st.text(min_size=1).filter(lambda t: t.isprintable()) | st.integers(0, 2**53 - 1), min_size=1, max_size=4
)


@given(PLACES)
def test_a_place_comes_back_from_its_cursor(place: list[str | int]) -> None:
    query = ListQuery.parse("batches", {"workspace": "acme", "state": "OPEN"}, STATES)
    cursor = query.cursor(place)
    if len(cursor) <= 1024:
        raw = {"workspace": "acme", "state": "OPEN", "cursor": cursor}
        assert ListQuery.parse("batches", raw, STATES).after == place


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        ListQuery.parse("batches", {"cursor": text}, STATES)
    assert refused.value.code == "invalid_cursor"


@pytest.mark.parametrize("place", [[], [""], [-1], [2**53], [True], [None], ["\ud800"], ["a"] * 5, "a", {"a": 1}, 5])
def test_what_could_be_no_place_is_refused_though_the_rest_is_right(place: Any) -> None:
    fingerprint, _ = json.loads(urlsafe_b64decode(ListQuery("batches").cursor(["a"]) + "=="))
    cursor = urlsafe_b64encode(json.dumps([fingerprint, place]).encode()).decode()
    with pytest.raises(InvalidQuery) as refused:
        ListQuery.parse("batches", {"cursor": cursor}, STATES)
    assert refused.value.code == "invalid_cursor"


def test_a_cursor_is_of_one_list_one_workspace_and_one_state() -> None:
    cursor = ListQuery("batches", "acme", "OPEN").cursor(["a"])
    for name, others in [
        ("jobs", {"workspace": "acme", "state": "OPEN"}),
        ("batches", {"workspace": "other", "state": "OPEN"}),
        ("batches", {"workspace": "acme", "state": "SEALED"}),
        ("batches", {"state": "OPEN"}),
    ]:
        with pytest.raises(InvalidQuery):
            ListQuery.parse(name, {**others, "cursor": cursor}, STATES)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"state": "open"}, "state"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"order": "up"}, "order"),
        ({"workspace": "w" * 2000}, "workspace"),
    ],
)
def test_the_field_at_fault_is_named(raw: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        ListQuery.parse("batches", raw, STATES)
    assert refused.value.field == field


def test_a_list_without_pages_or_states_takes_neither() -> None:
    for raw in ({"limit": "5"}, {"cursor": "x"}, {"state": "OPEN"}):
        with pytest.raises(InvalidQuery):
            ListQuery.parse("metrics", raw, paged=False)


@pytest.mark.parametrize("place", [["a"], ["a", 1], [1, 2], ["a", "b", "c"]])
def test_a_place_of_two_texts_is_nothing_else(place: list[str | int]) -> None:
    assert texts(["a", "b"], 2) == ["a", "b"]
    with pytest.raises(InvalidQuery):
        texts(place, 2)
