"""The live flow goes on whatever the backend does."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from local import live, sender
from local.errors import LocalError
from local.outputs import Outputs

OUTPUTS = Outputs("http://127.0.0.1:9", "", "", "demo", "tmk_1", "r", "a", "", "tidemark", "x")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def answers(monkeypatch: pytest.MonkeyPatch, *outcomes: httpx.Response | httpx.TransportError) -> list[int]:
    """Let the sender meet these outcomes, then success; return a list that grows with each attempt."""
    attempts: list[int] = []

    def outcome(*_: object) -> httpx.Response | httpx.TransportError:
        attempts.append(1)
        success = httpx.Response(200, json={"rejected": []})
        return outcomes[len(attempts) - 1] if len(attempts) <= len(outcomes) else success

    monkeypatch.setattr(sender.Sender, "_try", outcome)
    monkeypatch.setattr(sender, "FIRST_PAUSE_SECONDS", 0.001)
    return attempts


def test_a_batch_is_sent_again_until_it_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = answers(monkeypatch, httpx.ConnectError("gone"), httpx.Response(429), httpx.Response(503))
    with sender.Sender(OUTPUTS, 5) as a_sender:
        a_sender.send([{"event_id": "1"}])
    assert len(attempts) == 4


def test_a_refusal_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = answers(monkeypatch, httpx.Response(401, text="unauthorized"))
    with sender.Sender(OUTPUTS, 5) as a_sender, pytest.raises(LocalError, match="401"):
        a_sender.send([{"event_id": "1"}])
    assert len(attempts) == 1


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, *[httpx.Response(503)] * 1000)
    with sender.Sender(OUTPUTS, 0.05) as a_sender, pytest.raises(LocalError, match="did not succeed"):
        a_sender.send([{"event_id": "1"}])


def test_the_flow_goes_on_after_a_failure_and_ends_when_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVENTS_PER_SECOND", 2000.0)
    answers(monkeypatch, *[httpx.Response(400)] * 3)
    stop, reports = threading.Event(), []

    def report(message: str) -> None:
        reports.append(message)
        if "goes on" in message:
            stop.set()

    live.flow(OUTPUTS, stop, report)
    assert len(reports) == 2
    assert "interrupted" in reports[0]


def test_page_views_of_the_flow_happen_now_and_are_each_new() -> None:
    site = live.Site(random.Random(1), "run")
    views = [site.page_view(NOW + timedelta(seconds=second)) for second in range(500)]
    assert len({view["event_id"] for view in views}) == 500
    assert [view["timestamp"] for view in views[:2]] == ["2026-11-22T12:00:00.000Z", "2026-11-22T12:00:01.000Z"]


def test_tasks_of_the_flow_end_after_they_began() -> None:
    site = live.Site(random.Random(1), "run")
    events = [site.team_event(NOW) for _ in range(300)]
    begun: set[str] = set()
    for event in events:
        if event["type"] == "task_created":
            begun.add(event["properties"]["task_id"])
        elif event["type"] == "task_completed":
            assert event["properties"]["task_id"] in begun
    assert Counter(event["type"] for event in events).keys() == {
        "meeting_completed",
        "task_created",
        "task_completed",
    }
