"""The timelines of a definition: which types of events they show, and which fields."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.shop import VALID, changed, read
from tidemark.domain.definitions import shipped
from tidemark.domain.errors import DefinitionError

DECLARED = {"started": [], "member_join": ["user_id", "properties.role", "properties.place.room", "user_id"]}


def test_a_timeline_names_types_and_the_fields_that_they_show() -> None:
    shop = read(changed("timelines", DECLARED))
    assert shop.timelines == {
        "started": (),
        "member_join": ("user_id", "properties.role", "properties.place.room"),
    }
    assert read(VALID).timelines == {}


def test_timelines_change_no_snapshot() -> None:
    assert read(changed("timelines", DECLARED)).fingerprint == read(VALID).fingerprint


@pytest.mark.parametrize(
    ("timelines", "field"),
    [
        (["started"], "timelines"),
        (None, "timelines"),
        ({1: []}, "timelines"),
        ({"": []}, "timelines."),
        ({"x" * 129: []}, f"timelines.{'x' * 129}"),
        ({"started": None}, "timelines.started"),
        ({"started": "user_id"}, "timelines.started"),
        ({"started": {"user_id": 1}}, "timelines.started"),
        ({"started": ["role"]}, "timelines.started"),
        ({"started": ["properties"]}, "timelines.started"),
        ({"started": ["event_id"]}, "timelines.started"),
        ({"started": [["user_id"]]}, "timelines.started"),
    ],
)
def test_a_timeline_that_does_not_hold_is_refused_by_its_field(timelines: Any, field: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        read(changed("timelines", timelines))
    assert refused.value.field == field


def test_the_classroom_tells_of_a_session_what_the_schools_ask_for() -> None:
    timelines = shipped()["classroom"].timelines
    assert list(timelines) == ["configured", "started", "leader_ready", "member_join", "member_leave", "ended"]
    assert "properties.role" in timelines["member_join"]
