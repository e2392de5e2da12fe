"""The dashboard `lifecycle` shows what the browser SDK records of its own work."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tidemark.domain.definitions import shipped
from tidemark.domain.fold import Fold
from tidemark.domain.snapshot import frame_of, render
from tidemark.domain.views import View, window_at_hour

ROOT = Path(__file__).parents[3]
SDK = ROOT / "dashboard" / "client" / "src" / "lifecycle.ts"
HOUR = "2026-11-22T10:00Z"
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
DASHBOARD = shipped()["lifecycle"]
COUNTED = {
    "analytics_bootstrap": "bootstraps",
    "analytics_ws_subscribe": "subscribes",
    "analytics_header_reconcile": "reconciles",
    "analytics_overview_hydrate": "hydrations",
    "analytics_prefetch_tabs": "prefetches",
    "analytics_delta_apply": "deltas_applied",
    "analytics_filter_change": "filter_changes",
    "analytics_tab_switch": "tab_switches",
    "analytics_export_initiated": "exports",
    "analytics_idle_sync": "idle_syncs",
}


def event(number: int, kind: str, **properties: Any) -> dict[str, Any]:
    """Return an event as the SDK sends it."""
    return {
        "event_id": f"e{number}",
        "type": kind,
        "timestamp": (NOW - timedelta(seconds=number)).isoformat(),
        "session_id": "c1",
        "properties": {"connection": "c1", "sequence": number, "dashboard": "web", "days": 30, **properties},
    }


def shown(*events: dict[str, Any]) -> dict[str, Any]:
    """Return every value that the dashboard shows of some events, by name."""
    window = window_at_hour(View("lifecycle", 1), HOUR, "UTC", DASHBOARD.trailing_hours)
    sections = render(DASHBOARD, window, frame_of(DASHBOARD, window, [(HOUR, Fold([DASHBOARD])(list(events)))]))
    tabs = [section for name, section in sections.items() if name.startswith("tabs.")]
    return {name: value for section in (*tabs, sections["charts"], sections["kpis"]) for name, value in section.items()}


def rows(top: dict[str, Any]) -> dict[str, int]:
    return {name: row["value"] for name, row in top["rows"].items()}


def test_each_event_of_the_sdk_is_counted() -> None:
    declared = re.findall(r'^  \| "(\w+)"', SDK.read_text(encoding="utf-8"), re.MULTILINE)
    assert {f"analytics_{name}" for name in declared} == COUNTED.keys()


@pytest.mark.parametrize(("kind", "measure"), COUNTED.items())
def test_an_event_moves_its_own_number(kind: str, measure: str) -> None:
    assert DASHBOARD.measures[measure].events == (kind,)
    assert shown()[measure] == 0
    assert shown(event(1, kind, count=1), event(2, kind, count=1))[measure] == 2


def test_deltas_are_counted_by_what_each_event_stands_for() -> None:
    found = shown(event(1, "analytics_delta_apply", count=17), event(2, "analytics_delta_apply", count=3))
    assert (found["deltas_applied"], found["deltas_by_report"]) == (20, 17)
    assert found["deltas_by_hour"]["points"][HOUR]["value"] == 20


def test_verdicts_and_durations_are_shown() -> None:
    found = shown(
        *(event(n, "analytics_bootstrap", duration_ms=100 * n) for n in range(1, 11)),
        event(11, "analytics_header_reconcile", verdict="behind", duration_ms=20),
        event(12, "analytics_idle_sync", verdict="current", duration_ms=30),
        event(13, "analytics_idle_sync", verdict="diverged", duration_ms=40),
        event(14, "analytics_tab_switch", tab="technology"),
        event(15, "analytics_export_initiated", count=250),
    )
    assert rows(found["verdicts"]) == {"behind": 1, "current": 1, "diverged": 1}
    assert (found["diverged"], found["behind"], found["checks"]) == (1, 1, 3)
    assert found["behind_rate"] == pytest.approx(100 / 3, abs=1e-3)
    assert found["median_bootstrap"] == pytest.approx(500, rel=0.11)
    assert found["p90_bootstrap"] == pytest.approx(900, rel=0.11)
    assert found["connections"] == 1
    assert rows(found["top_tabs"]) == {"technology": 1}
    assert (found["exports"], found["exported_rows"]) == (1, 250)
    assert rows(found["events_by_dashboard"]) == {"web": 15}


def test_whoever_sends_odd_properties_spoils_nothing() -> None:
    odd: list[Any] = [None, "x", [], {}, True, 2**60]
    events = [
        event(n, kind, count=value, verdict=value, duration_ms=value, tab=value, dashboard=value, connection=value)
        for n, (kind, value) in enumerate((kind, value) for kind in COUNTED for value in odd)
    ]
    assert set(shown(*events)) == set(shown())
