"""Day cells in their table: read whole or not at all, and gone once they are too large."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from tests.support.stack import Stack
from tidemark.aws import days as module
from tidemark.aws.days import DynamoDays
from tidemark.domain.cells import Cell
from tidemark.domain.errors import Conflict
from tidemark.services.closing_ports import StoredDay

DAY = date(2026, 11, 21)
PAGEVIEWS, VISITORS = "count:0a0a0a0a", "sum:0b0b0b0b"


@pytest.fixture
def days(stack: Stack) -> DynamoDays:  # the tables are there
    return DynamoDays("CellsTable")


@pytest.fixture
def name() -> str:
    """A workspace that no other test has."""
    return uuid4().hex


def day_of(pageviews: int) -> StoredDay:
    covers = frozenset({"0a0a0a0a", "0b0b0b0b"})
    return StoredDay(Cell({PAGEVIEWS: pageviews}), "UTC", frozenset({"2026-11-21T10:00Z"}), covers)


def test_a_day_has_of_the_wanted_states_those_that_there_are(days: DynamoDays, name: str) -> None:
    days.replace(name, DAY, 0, day_of(7))
    assert days.get_many(name, [DAY], {PAGEVIEWS, VISITORS})[DAY].cell == Cell({PAGEVIEWS: 7})
    assert days.get_many(name, [DAY], {VISITORS})[DAY].cell == Cell()


@pytest.mark.parametrize("states", [{"S": "nonsense"}, {"L": []}, {"M": {}}, None])
@pytest.mark.parametrize("wanted", [PAGEVIEWS, VISITORS])
def test_a_day_whose_states_are_gone_is_not_one_without_events(
    days: DynamoDays, stack: Stack, name: str, states: Any, wanted: str
) -> None:
    days.replace(name, DAY, 0, day_of(7))
    item = stack.dynamodb.get_item(TableName="CellsTable", Key={"pk": {"S": f"{name}#2026-11-21"}, "sk": {"S": "DAY"}})[
        "Item"
    ]
    spoilt = {name: value for name, value in item.items() if name != "states"}
    stack.dynamodb.put_item(TableName="CellsTable", Item=spoilt | ({} if states is None else {"states": states}))
    assert days.get_many(name, [DAY], {wanted}) == {}


def test_a_day_that_has_become_too_large_leaves_nothing_old_behind(
    days: DynamoDays, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert days.replace(name, DAY, 0, day_of(7))
    monkeypatch.setattr(module, "MAX_STATES_BYTES", 1)
    with pytest.raises(Conflict):
        days.replace(name, DAY, 5, day_of(8))
    assert days.get_many(name, [DAY], {PAGEVIEWS})
    assert not days.replace(name, DAY, 1, day_of(8))
    assert days.get_many(name, [DAY], {PAGEVIEWS}) == {}
    assert not days.replace(name, DAY, 0, day_of(8)), "there is nothing to take away"
