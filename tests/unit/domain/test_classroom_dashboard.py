"""The dashboards `classroom`, with every column of the schools' hourly table, and `product`; and what they may hold."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.lessons import LESSON, PERSONAL, happened, lesson
from tidemark.domain.cells import compact, encode
from tidemark.domain.definitions import shipped
from tidemark.domain.fold import Fold
from tidemark.domain.hourly import columns_of
from tidemark.domain.snapshot import frame_of, render, value_of
from tidemark.domain.views import View, window_at_hour
from tidemark.services.ports import Workspace

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HOUR = "2026-11-22T10:00Z"
CLASSROOM, PRODUCT = shipped()["classroom"], shipped()["product"]


def values(events: list[dict[str, Any]], dashboard: str = "classroom") -> dict[str, Any]:
    """Return what each measure shows of some events."""
    declared = shipped()[dashboard]
    cell = Fold([declared])(events)
    return {name: value_of(declared, name, cell) for name in declared.measures}


def test_every_column_of_the_hourly_table_of_schools_is_there_and_right() -> None:
    assert set(LESSON) <= {column.name for column in columns_of(CLASSROOM)}
    shown = values(lesson(NOW))
    assert {name: shown[name] for name in LESSON} == LESSON


def test_every_event_of_a_lesson_moves_something() -> None:
    before = values(lesson(NOW))
    for number, again in enumerate(lesson(NOW + timedelta(minutes=30))):
        another = {**again, "event_id": f"x{number}", "session_id": "l2", "user_id": f"u{number}"}
        assert values([*lesson(NOW), another]) != before, again["type"]


def test_a_session_is_active_from_whatever_is_seen_of_it() -> None:
    without_cost = [event for event in lesson(NOW) if event["type"] != "compute_used"]
    for event in without_cost:
        assert values([event])["sessions_active"] == 1, event["type"]


def test_an_error_is_a_request_that_failed_and_nothing_else() -> None:
    events = [
        happened(number, "request_completed", NOW, success=success)
        for number, success in enumerate([True, False, None, "false", 0, False])
    ]
    shown = values(events)
    assert (shown["total_errors"], shown["total_requests"], shown["error_rate"]) == (2, 6, 33.3333)


def test_product_shows_use_and_funnel() -> None:
    people = [
        happened(f"{person}-{stage}", stage, NOW, user_id=f"u{person}", session_id=f"v{person}")
        for person, stages in enumerate(
            [
                ["session_started", "signed_up", "onboarded", "subscribed"],
                ["session_started", "signed_up", "onboarded"],
                ["session_started", "signed_up"],
                ["session_started", "page"],
            ]
        )
        for stage in stages
    ]
    used = [
        happened(f"f{number}", "feature_used", NOW, user_id="u0", session_id="v0", feature=feature)
        for number, feature in enumerate(["export", "export", "share"])
    ]
    shown = values([*people, *used], "product")
    assert (shown["users"], shown["sessions"], shown["events"]) == (4, 4, 14)
    assert (shown["new_users"], shown["onboarded_users"], shown["active_users"], shown["new_subscribers"]) == (
        3,
        2,
        1,
        1,
    )
    assert (shown["onboarding_rate"], shown["subscription_rate"]) == (66.6667, 33.3333)
    assert {name: row["value"] for name, row in shown["features"]["rows"].items()} == {"export": 2, "share": 1}
    assert shown["events_by_name"]["rows"]["session_started"]["value"] == 4
    assert shown["features_in_use"] == 2


@pytest.mark.parametrize("name", ["classroom", "product"])
def test_the_page_shows_every_measure_and_charts_of_both_grains(name: str) -> None:
    dashboard = shipped()[name]
    window = window_at_hour(View(name, 7), HOUR, "UTC", dashboard.trailing_hours)
    sections = render(dashboard, window, frame_of(dashboard, window, [(HOUR, Fold([dashboard])(lesson(NOW)))]))
    shown = {entry for section, entries in sections.items() if section != "charts" for entry in entries}
    assert shown | {series.measure for series in dashboard.charts} == set(dashboard.measures)
    assert {series.grain for series in dashboard.charts} == {"day", "hour"}


@pytest.mark.parametrize("name", ["classroom", "product"])
def test_people_are_counted_and_never_listed(name: str) -> None:
    personal = {"user_id", "anonymous_id", "session_id"}
    for measure in shipped()[name].measures.values():
        assert measure.field not in personal or measure.kind == "unique", measure.name
        assert measure.kind != "last", "a last value is somebody's"
        assert measure.field is None or not measure.field.startswith("context."), measure.name


def test_a_cell_holds_nothing_of_a_payload_that_is_not_declared_and_nobodys_id() -> None:
    cell = compact(Fold([CLASSROOM])(lesson(NOW)))
    stored = zlib.decompress(encode(cell)).decode()
    assert PERSONAL not in stored
    for person in ("t1", "t2", "s1", "s2", "s3", "l1"):
        assert f'"{person}"' not in stored
    declared = {measure.field for measure in CLASSROOM.measures.values() if measure.kind == "top"}
    listed = {key for state in json.loads(stored).values() if isinstance(state, list) for key in _keys(state)}
    assert declared == {"properties.severity"}
    assert listed == {"high"}


def test_a_workspace_has_neither_unless_it_is_set() -> None:
    assert not {"classroom", "product"} & set(Workspace("demo").dashboards)


def test_odd_properties_spoil_nothing() -> None:
    odd: list[Any] = [None, "x", [], {}, True, 2**60, float(2**53)]
    fields = sorted({m.field.split(".")[1] for m in CLASSROOM.measures.values() if m.field and "." in m.field})
    types = sorted({event_type for measure in CLASSROOM.measures.values() for event_type in measure.events})
    events = [
        happened(f"{event_type}{number}", event_type, NOW, **dict.fromkeys(fields, value))
        for event_type in types
        for number, value in enumerate(odd)
    ]
    shown = values(events)
    assert shown.keys() == values([]).keys()
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown


def _keys(state: list[Any]) -> list[str]:
    return [key for part in state if isinstance(part, dict) for key in part]
