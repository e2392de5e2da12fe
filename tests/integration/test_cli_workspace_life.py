"""`tidemark workspace set` where it changes the days of a workspace: timezone and length of the history."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ReadTimeoutError
from typer.testing import CliRunner

from tests.cli_stack import run
from tests.support.operated import WORKSPACE, Operated
from tidemark.aws import clients
from tidemark.aws.days import DynamoDays
from tidemark.aws.directory import DynamoDirectory
from tidemark.aws.rollup_queue import SqsRollupQueue
from tidemark.domain.closing import EVERY_DAY
from tidemark.domain.hours import hour_of
from tidemark.services.ports import Workspace
from tidemark_cli.commands import moving
from tidemark_cli.main import app

DAY = datetime.now(UTC).date() - timedelta(days=3)
BERLIN = "Europe/Berlin"
KOLKATA = "Asia/Kolkata"


@pytest.fixture
def rollup(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Operated:
    """Two days of which every hour and both days are closed."""
    made = Operated(tables, monkeypatch)
    run("workspace", "create", WORKSPACE, "--dashboards", "web")
    made.noted(made.stored(DAY, 24))
    made.noted(made.stored(DAY - timedelta(days=40), 2))
    run("backfill", WORKSPACE, "--last", "60d")
    made.work_off()
    assert days_of(made) == {DAY: "UTC", DAY - timedelta(days=40): "UTC"}
    return made


def settings(rollup: Operated) -> Workspace:
    found = DynamoDirectory(rollup.tables.directory, 90).workspace(WORKSPACE)
    assert found is not None
    return found


def days_of(rollup: Operated) -> dict[date, str]:
    """Return the days of which there is a cell, and of which timezone."""
    every = [DAY + timedelta(days=n) for n in range(-60, 4)]
    return {
        day: kept.timezone for day, kept in DynamoDays(rollup.tables.cells).get_many(WORKSPACE, every, set()).items()
    }


def next_run(rollup: Operated) -> None:
    """Have the hourly run queue all that is due, also of the slot to come, and do it."""
    due = list(rollup.agenda.due_until(f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H}"))
    for start in range(0, len(due), 10):
        SqsRollupQueue(rollup.queue_url).send(due[start : start + 10])
    rollup.work_off()


def test_another_timezone_is_stored_with_the_mark_by_which_its_days_are_built(rollup: Operated) -> None:
    shown = run("workspace", "set", WORKSPACE, "--timezone", BERLIN).stdout
    assert f"its days are those of {BERLIN}" in shown
    assert (settings(rollup).timezone, settings(rollup).calendar) == (BERLIN, 1)
    assert rollup.waiting(rollup.queue_url) == 1, "watched views are to change at once"
    rollup.work_off()
    next_run(rollup)
    assert {day: timezone for day, timezone in days_of(rollup).items() if day >= DAY - timedelta(days=1)} == {
        DAY: BERLIN,
        DAY + timedelta(days=1): BERLIN,
    }
    assert "nothing to change" in run("workspace", "set", WORKSPACE, "--timezone", BERLIN).stdout
    run("workspace", "set", WORKSPACE, "--timezone", "UTC", "--title", "Acme")
    rollup.work_off()
    next_run(rollup)
    assert days_of(rollup)[DAY] == "UTC"
    assert DAY + timedelta(days=1) not in days_of(rollup), "a day without events has no cell"
    assert settings(rollup).calendar == 2


def test_a_timezone_with_other_hours_cuts_what_the_log_has_and_no_more(
    rollup: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "WAIT_SECONDS", 0)
    ended = rollup.agenda.hours(WORKSPACE, "1970", str(DAY))
    for hour in ended:
        clients.dynamodb().update_item(
            TableName=rollup.tables.cells,
            Key={"pk": {"S": f"{WORKSPACE}#{hour}"}, "sk": {"S": "00"}},
            UpdateExpression="SET log_until = :soon",
            ExpressionAttributeValues={":soon": {"N": str(int(datetime.now(UTC).timestamp()) + 3600)}},
        )
    first = DAY - timedelta(days=39)
    told = run("workspace", "set", WORKSPACE, "--timezone", KOLKATA, fails=2).stderr
    assert f"the log no longer has all events of days before {first}" in told
    assert f"--history-from-log lets the history begin with {first}" in told
    assert (settings(rollup).timezone, settings(rollup).calendar) == ("UTC", 0)
    shown = run("workspace", "set", WORKSPACE, "--timezone", KOLKATA, "--history-from-log").stdout
    assert f"its log is filed by the hours of {KOLKATA}: 24 hours recomputed" in shown
    next_run(rollup)
    begins = datetime.combine(DAY, time(), UTC)
    moved = [hour_of(begins + timedelta(hours=n), KOLKATA) for n in range(24)]
    assert rollup.agenda.hours(WORKSPACE, "1970", "9999") == [*ended, *moved], "the log still has what is not shown"
    assert {hour for hour, cell in rollup.cells([*ended, *moved]).items() if cell.final} == set(moved)
    assert days_of(rollup) == {DAY: KOLKATA, DAY + timedelta(days=1): KOLKATA}
    found = settings(rollup)
    assert (found.history_from, found.former_timezone, found.calendar) == (str(first), "", 1)
    assert "nothing to change" in run("workspace", "set", WORKSPACE, "--timezone", KOLKATA).stdout


def test_a_move_that_is_not_finished_is_told_and_nothing_is_begun_beside_it(
    rollup: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(moving, "pause", interrupt)
    again = f"`tidemark workspace set {WORKSPACE} --timezone {KOLKATA}` finishes it"
    assert again in run("workspace", "set", WORKSPACE, "--timezone", KOLKATA, fails=130).stderr
    assert f"{KOLKATA}; the move from UTC is not finished" in run("workspace", "show", WORKSPACE).stdout
    assert again in run("workspace", "set", WORKSPACE, "--timezone", BERLIN, fails=2).stderr
    assert again in run("erase", WORKSPACE, "--user", "ann", "--yes", fails=1).stderr
    monkeypatch.setattr(moving, "WAIT_SECONDS", 0)
    assert "26 hours recomputed" in run("workspace", "set", WORKSPACE, "--timezone", KOLKATA).stdout
    assert "not finished" not in run("workspace", "show", WORKSPACE).stdout


def test_a_history_that_ends_ends_at_once_and_what_is_gone_stays_told(rollup: Operated) -> None:
    today = datetime.now(UTC).date()
    shown = run("workspace", "set", WORKSPACE, "--history-days", "31").stdout
    assert f"31 days, from {today - timedelta(days=31)} on" in shown
    assert f"31 days, from {today - timedelta(days=31)} on" in run("workspace", "show", WORKSPACE).stdout
    rollup.work_off()
    next_run(rollup)
    assert days_of(rollup) == {DAY: "UTC"}
    run("workspace", "set", WORKSPACE, "--history-days", "0")
    assert settings(rollup).history_days is None
    assert settings(rollup).kept_from(datetime.now(UTC)) == today - timedelta(days=28)
    run("workspace", "set", WORKSPACE, "--history-days", "90")
    assert settings(rollup).kept_from(datetime.now(UTC)) == today - timedelta(days=28), "what is gone is gone"


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("operation", ["TransactWriteItems", "SendMessageBatch"])
def test_a_change_that_is_interrupted_is_made_with_its_mark_or_not_at_all(
    rollup: Operated, monkeypatch: pytest.MonkeyPatch, operation: str, is_done: bool
) -> None:
    real = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # where every call passes

    def call(client: Any, name: str, request: Any) -> Any:
        if name != operation:
            return real(client, name, request)
        if is_done:
            real(client, name, request)
        raise ReadTimeoutError(endpoint_url="https://aws")

    with monkeypatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        assert CliRunner().invoke(app, ["workspace", "set", WORKSPACE, "--timezone", BERLIN]).exit_code == 1
    slot = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H}"
    is_marked = EVERY_DAY in {due.period for due in rollup.agenda.due_until(slot)}
    assert is_marked == (settings(rollup).timezone == BERLIN)
    run("workspace", "set", WORKSPACE, "--timezone", BERLIN)
    next_run(rollup)
    next_run(rollup)
    assert days_of(rollup)[DAY + timedelta(days=1)] == BERLIN
