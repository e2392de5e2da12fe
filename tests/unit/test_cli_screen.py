"""The view in the terminal shows what a dashboard declares, and nothing that came from outside steers the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from tidemark_cli.commands.watch import note
from tidemark_cli.follow import Kind, Update
from tidemark_cli.replica import Position, Replica
from tidemark_cli.screen import Session, number, screen, sparkline

NOW = datetime(2026, 11, 22, 10, 0, 1, tzinfo=UTC)


def shown(sections: dict[str, Any], session: Session | None = None) -> str:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(screen("web, 30 days", Replica(Position("epoch", 7), sections), session or Session()))
    console.file.close()
    return console.export_text()


def test_kpis_series_and_top_lists_are_shown_in_their_order() -> None:
    text = shown(
        {
            "kpis": {"pageviews": 12345, "error_rate": 2.0},
            "charts": {
                "by_day": {
                    "grain": "day",
                    "points": {"2026-11-22": {"order": 2, "value": 4}, "2026-11-21": {"order": 1, "value": 1}},
                }
            },
            "tabs.overview": {
                "top_paths": {"error": 0, "rows": {"/b": {"order": 1, "value": 3}, "/a": {"order": 0, "value": 9}}},
                "latest": "yes",
            },
        }
    )
    for expected in ("12,345", "error rate", "2026-11-21 … 2026-11-22, at most 4", "overview", "latest  yes", "7"):
        assert expected in text
    assert text.index("/a") < text.index("/b")


def test_insights_are_shown_newest_first_with_their_confidence() -> None:
    told = {
        "a": {"order": 1, "confidence": 0.5, "summary": "As usual."},
        "b": {"order": 2, "confidence": 0.93, "summary": "More\x1b errors."},
    }
    text = shown({"kpis": {}, "insights": told})
    assert "93%  More\N{REPLACEMENT CHARACTER} errors." in text
    assert text.index("More") < text.index("50%  As usual.")
    assert "insights" not in shown({"kpis": {}, "insights": {}})


def test_an_empty_workspace_has_a_view() -> None:
    empty = {
        "kpis": {"pageviews": 0},
        "charts": {"c": {"points": {}}},
        "tabs.overview": {"t": {"error": 0, "rows": {}}},
    }
    assert shown(empty).count("no data yet") == 2
    assert "connecting" in shown({})


def test_names_from_outside_cannot_steer_the_terminal() -> None:
    rows = {"/\x1b]0;owned\x07[red]:x:": {"order": 0, "value": 1}}
    text = shown({"kpis": {}, "tabs.overview": {"t": {"error": 0, "rows": rows}}})
    assert "\x1b" not in text
    assert "]0;owned" in text
    assert "[red]:x:" in text


def test_numbers_and_sparklines() -> None:
    assert [number(value) for value in (0, 1234567, 2.5, 3.14159, 100.0, "text")] == [
        "0",
        "1,234,567",
        "2.50",
        "3.14",
        "100",
        "text",
    ]
    assert sparkline([0, 1, 7]) == "▁▂█"
    assert sparkline([5, 5]) == "██"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def test_the_state_line_follows_the_updates() -> None:
    session = Session()
    note(session, Update(Kind.SNAPSHOT), NOW)
    note(session, Update(Kind.DELTA), NOW)
    assert (session.state, session.snapshots, session.deltas) == ("live", 1, 1)
    assert "1 deltas, 1 snapshots" in shown({}, session)
    note(session, Update(Kind.DISCONNECTED, reason="gone", retry_seconds=1.5), NOW)
    assert "reconnecting in 1.5 s (gone)" in shown({}, session)
