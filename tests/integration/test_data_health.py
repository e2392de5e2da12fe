"""`GET /v1/admin/health` over DynamoDB (moto): tables, rollup, and the last hours of the token's own workspace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from tests.gateway import Gateway
from tests.support.operated import WORKSPACE, Operated
from tidemark import bootstrap
from tidemark.aws import clients
from tidemark.aws.agenda import DynamoAgenda
from tidemark.aws.record import DynamoRecord
from tidemark.aws.runs import DynamoRuns
from tidemark.domain.closing import GRACE_SECONDS, closes_at, slot_at
from tidemark.domain.credentials import TokenRole, issue_token
from tidemark.domain.errors import Unavailable
from tidemark.http.app import create_app
from tidemark.services.closing_ports import Closing
from tidemark.services.ports import Workspace
from tidemark_cli.admin import Admin

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
TABLES = {"events", "cells", "snapshots", "connections", "directory", "inbox", "work"}


class Watched:
    """The API and what the rollup has recorded for it to tell."""

    def __init__(self, api: Gateway, work_table: str) -> None:
        self.api = api
        self.agenda = DynamoAgenda(work_table)
        self.runs = DynamoRuns(work_table)

    def ran(self, slot: str, periods: int = 1) -> None:
        self.runs.began(slot, periods, 12, NOW)

    def closed(self, hour: str, *, outcome: str = "final", late_hours: int = 0, **counts: int) -> None:
        """Record that an hour was closed in its run, or in one so many hours later."""
        seconds = closes_at(hour) - GRACE_SECONDS + late_hours * 3600
        self.agenda.note(WORKSPACE, hour, 0)
        closing = Closing(WORKSPACE, hour, slot_at(seconds), outcome, **counts)
        self.runs.closed(closing, datetime.fromtimestamp(seconds, UTC))

    def ask(self, role: TokenRole = "admin", workspace: str = WORKSPACE) -> Any:
        token = issue_token(workspace, role, kid="k1", secret="1" * 64, issued_at=NOW, lifetime=timedelta(hours=1))
        return self.api.get("/v1/admin/health", authorization=f"Bearer {token}")

    def told(self) -> Any:
        answer = self.ask()
        assert answer.status == 200
        return answer.json()


@pytest.fixture
def watched(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    Operated(tables, monkeypatch)
    admin = Admin(clients.dynamodb(), tables.directory)
    for name in (WORKSPACE, "other"):
        admin.create_workspace(Workspace(name, dashboards=("web",)))
    api = Gateway(create_app(bootstrap.container(), clock=lambda: NOW))
    yield Watched(api, tables.work)
    api.close()


def test_a_system_that_is_well_says_so(watched: Watched) -> None:
    watched.ran("2026-11-22T11")
    watched.ran("2026-11-22T12", periods=3)
    answer = watched.ask()
    body = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert (body["status"], body["checked_at"]) == ("ok", "2026-11-22T12:30:00Z")
    assert set(body["tables"]) == TABLES
    assert body["tables"]["events"] == {"state": "ok", "status": "ACTIVE", "items": 0, "bytes": 0}
    rollup = body["rollup"]
    assert (rollup["state"], rollup["lag_seconds"]) == ("ok", 25 * 60)
    assert rollup["backlog"] == {"periods": 0, "is_all": True}
    assert [run["slot"] for run in rollup["runs"]] == ["2026-11-22T12", "2026-11-22T11"]
    assert rollup["runs"][0]["periods"] == 3
    assert body["workspace"]["workspace_id"] == WORKSPACE
    assert (body["workspace"]["state"], body["workspace"]["drift"], body["workspace"]["failed"]) == ("ok", 0, [])


def test_before_the_first_run_the_rollup_is_unknown(watched: Watched) -> None:
    body = watched.told()
    assert body["rollup"] == {"state": "unknown"}
    assert body["status"] == "unknown"


def test_missed_runs_and_hours_that_are_left_over_show(watched: Watched) -> None:
    watched.ran("2026-11-22T12")
    watched.agenda.schedule("other", "2026-11-22T08:00Z", "2026-11-22T09")
    watched.agenda.schedule(WORKSPACE, "2026-11-22T11:00Z", "2026-11-22T12")
    watched.agenda.schedule(WORKSPACE, "2026-11-22T12:00Z", "2026-11-22T13")  # still open, and no backlog
    rollup = watched.told()["rollup"]
    assert rollup["state"] == "degraded"
    assert rollup["backlog"] == {"periods": 2, "is_all": True, "oldest_slot": "2026-11-22T09"}


def test_two_missed_runs_are_down_and_still_answered(watched: Watched) -> None:
    watched.ran("2026-11-22T10")
    body = watched.told()
    assert (body["status"], body["rollup"]["state"]) == ("down", "down")


def test_events_are_compared_with_the_same_hours_a_week_before(watched: Watched) -> None:
    watched.ran("2026-11-22T12")
    watched.closed("2026-11-22T11:00Z", events=70)
    watched.closed("2026-11-15T11:00Z", events=100)
    watched.closed("2026-11-22T10:00Z", events=5)
    watched.closed("2026-11-22T10:00Z", events=6, late_hours=1)  # late events came: the last record counts
    watched.agenda.note(WORKSPACE, "2026-11-22T09:00Z", 0)  # has events, but how many is not recorded
    watched.closed("2026-11-15T08:00Z", outcome="kept")  # its log has ended
    insertion = watched.told()["workspace"]["insertion"]
    hours = {hour.pop("hour"): hour for hour in insertion["hours"]}
    assert len(hours) == 24
    assert list(hours) == sorted(hours)
    assert hours["2026-11-22T11:00Z"] == {"events": 70, "week_before": 100}
    assert hours["2026-11-22T10:00Z"] == {"events": 6, "week_before": 0}
    assert hours["2026-11-22T09:00Z"] == {"week_before": 0}
    assert hours["2026-11-22T08:00Z"] == {"events": 0}
    assert (insertion["compared_hours"], insertion["events"], insertion["week_before"]) == (22, 76, 100)


def test_drift_shows_also_after_the_hour_was_closed_again(watched: Watched) -> None:
    watched.ran("2026-11-22T12")
    watched.closed("2026-11-22T10:00Z", events=5, drift=2, milliseconds=40)
    watched.closed("2026-11-22T10:00Z", events=5, late_hours=1, milliseconds=90)
    body = watched.told()
    assert (body["workspace"]["state"], body["workspace"]["drift"]) == ("degraded", 2)
    assert body["workspace"]["slowest_milliseconds"] == 90
    assert body["status"] == "degraded"


def test_a_failed_period_shows_until_it_is_closed(watched: Watched) -> None:
    watched.ran("2026-11-22T12")
    hour = watched.agenda.schedule(WORKSPACE, "2026-11-22T10:00Z", "2026-11-22T11")
    day = watched.agenda.schedule(WORKSPACE, "2026-11-21", "2026-11-22T00")
    for due in (hour, day):
        watched.runs.failed(due, "OSError('torn')", 5, NOW)
    failed = watched.told()["workspace"]["failed"]
    assert {(each["period"], each["error"], each["attempts"]) for each in failed} == {
        ("2026-11-22T10:00Z", "OSError('torn')", 5),
        ("2026-11-21", "OSError('torn')", 5),
    }
    assert "last_day" not in watched.told()["workspace"]
    watched.agenda.settle(hour)
    watched.runs.closed(Closing(WORKSPACE, "2026-11-21", "2026-11-22T00", "final", milliseconds=7), NOW)
    workspace = watched.told()["workspace"]
    assert workspace["failed"] == []
    day_closed = {"day": "2026-11-21", "slot": "2026-11-22T00", "at": NOW.isoformat(timespec="milliseconds")}
    assert workspace["last_day"] == {**day_closed, "milliseconds": 7}


def test_nothing_is_told_of_other_workspaces(watched: Watched) -> None:
    watched.ran("2026-11-22T12")
    watched.closed("2026-11-22T11:00Z", events=70, drift=1)
    body = watched.ask(workspace="other").json()
    assert WORKSPACE not in str(body)
    assert body["workspace"]["drift"] == 0
    assert sum(hour["events"] for hour in body["workspace"]["insertion"]["hours"]) == 0


def test_a_table_that_is_gone_is_down_and_the_rest_is_told(watched: Watched, tables: SimpleNamespace) -> None:
    watched.ran("2026-11-22T12")
    clients.dynamodb().delete_table(TableName=tables.inbox)
    body = watched.told()
    assert body["tables"]["inbox"] == {"state": "down", "code": "internal"}
    assert (body["status"], body["rollup"]["state"]) == ("down", "ok")


def test_a_record_that_cannot_be_read_is_part_of_the_answer(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Unavailable("the store is away")

    monkeypatch.setattr(DynamoRecord, "runs", refuse)
    monkeypatch.setattr(DynamoRecord, "closings_of", refuse)
    body = watched.told()
    assert body["rollup"] == {"state": "unknown", "code": "unavailable"}
    assert body["workspace"] == {
        "workspace_id": WORKSPACE,
        "keeps": {"retention_days": 30, "recovery_hours": 24},
        "state": "unknown",
        "code": "unavailable",
    }
    assert {table["state"] for table in body["tables"].values()} == {"ok"}


def test_it_takes_an_admin_token_of_a_workspace_that_there_is(watched: Watched) -> None:
    assert watched.ask("read").status == 403
    assert watched.ask(workspace="gone").status == 403
    answer = watched.api.get("/v1/admin/health")
    assert (answer.status, answer.json()["code"]) == (401, "unauthorized")


def test_whatever_request_fails_the_rest_is_told(watched: Watched) -> None:
    watched.ran("2026-11-22T12")
    watched.agenda.schedule(WORKSPACE, "2026-11-22T08:00Z", "2026-11-22T09")
    watched.told()  # settings and secret are cached from here on
    requests, doomed = count(), {-1}

    def fail(**_: object) -> None:
        if next(requests) in doomed:
            raise ConnectionClosedError(endpoint_url="https://dynamodb")

    events = clients.dynamodb().meta.events
    events.register("before-call.dynamodb", fail)
    try:
        assert watched.told()["status"] == "degraded"
        asked = next(requests)
        assert asked > len(TABLES) + 50
        # Requests run beside each other, so which one is the n-th differs; every kind is met.
        for number in [*range(12), *range(12, asked, 6)]:
            requests, doomed = count(), {number}
            body = watched.told()
            parts = [*body["tables"].values(), body["rollup"], body["workspace"]]
            assert sum(part.get("code") == "unavailable" for part in parts) == 1
            assert body["status"] != "ok"
    finally:
        events.unregister("before-call.dynamodb", fail)
