"""`tidemark backfill` and `tidemark rollup` over DynamoDB and SQS (moto), with the worker that Lambda runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from tests.cli_stack import run
from tests.support.operated import WORKSPACE, Operated
from tidemark.aws import clients
from tidemark.aws.record import DynamoRecord
from tidemark.aws.runs import DynamoRuns
from tidemark.domain.closing import running_slot, slot_at
from tidemark.services.closing_ports import Due
from tidemark_cli.commands import backfill as backfill_command

TODAY = datetime.now(UTC).date()
YESTERDAY, DAY_BEFORE = TODAY - timedelta(days=1), TODAY - timedelta(days=2)


@pytest.fixture
def rollup(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Operated:
    made = Operated(tables, monkeypatch)
    run("workspace", "create", WORKSPACE, "--dashboards", "web")
    return made


def slot_now() -> str:
    return slot_at(int(datetime.now(UTC).timestamp()))


def test_a_backfill_makes_final_cells_of_the_log(rollup: Operated) -> None:
    hours = rollup.noted(rollup.stored(YESTERDAY, 12))
    result = run("backfill", WORKSPACE, "--last", "2d")
    assert f"{YESTERDAY} to {TODAY}, days of UTC" in result.stdout
    assert "12 recomputed" in result.stdout
    assert re.search(r"^ *events +12 *$", result.stdout, re.MULTILINE)
    assert re.search(r"^ *drift +none *$", result.stdout, re.MULTILINE)
    cells = rollup.cells(hours)
    assert set(cells) == set(hours)
    assert all(cell.final for cell in cells.values())
    assert rollup.agenda.left(WORKSPACE, slot_now()) == []


def test_a_backfill_may_be_repeated_and_changes_nothing(rollup: Operated) -> None:
    hours = rollup.noted(rollup.stored(YESTERDAY, 3))
    run("backfill", WORKSPACE, "--last", "2d")
    before = rollup.cells(hours)
    assert "3 recomputed" in run("backfill", WORKSPACE, "--last", "2d").stdout
    assert rollup.cells(hours) == before


def test_only_the_days_that_were_named_are_recomputed(rollup: Operated) -> None:
    there = rollup.noted(rollup.stored(DAY_BEFORE, 2))
    elsewhere = rollup.noted(rollup.stored(YESTERDAY, 2))
    run("backfill", WORKSPACE, "--from", str(DAY_BEFORE), "--to", str(DAY_BEFORE))
    assert set(rollup.cells(there + elsewhere)) == set(there)


def test_days_are_those_of_the_workspace(rollup: Operated) -> None:
    run("workspace", "create", "far", "--timezone", "Asia/Kolkata", "--dashboards", "web")
    assert "days of Asia/Kolkata" in run("backfill", "far", "--from", "2026-11-01", "--to", "2026-11-02").stdout


def test_hours_that_nobody_knows_of_are_found_by_their_log_or_their_cell(rollup: Operated) -> None:
    logged = rollup.stored(YESTERDAY, 3)
    kept = rollup.noted(rollup.stored(DAY_BEFORE, 2))
    run("backfill", WORKSPACE, "--from", str(DAY_BEFORE), "--to", str(DAY_BEFORE))
    for table in (rollup.tables.work, rollup.tables.events):
        forget(table, lambda pk: pk.startswith("H#") or DAY_BEFORE.isoformat() in pk)
    assert "--all-hours looks into every hour" in run("backfill", WORKSPACE, "--last", "3d").stdout
    result = run("backfill", WORKSPACE, "--last", "3d", "--all-hours")
    assert "found 5 hours with events that were not known of" in result.stdout
    assert "5 recomputed" in result.stdout
    assert set(rollup.cells(logged)) == set(logged)
    first, last = DAY_BEFORE.isoformat(), TODAY.isoformat()
    assert rollup.agenda.hours(WORKSPACE, f"{first}T00:00Z", f"{last}T23:00Z") == sorted(kept + logged)
    assert "found 0 hours with events" in run("backfill", WORKSPACE, "--last", "3d", "--all-hours").stdout


def forget(table: str, is_forgotten: Callable[[str], bool]) -> None:
    client = clients.dynamodb()
    for item in client.scan(TableName=table)["Items"]:
        if is_forgotten(item["pk"]["S"]):
            client.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})


def test_without_waiting_the_hours_are_only_queued(rollup: Operated) -> None:
    hours = rollup.noted(rollup.stored(YESTERDAY, 3))
    assert "3 hours queued" in run("backfill", WORKSPACE, "--last", "2d", "--no-wait").stdout
    assert rollup.cells(hours) == {}
    rollup.work_off()
    assert set(rollup.cells(hours)) == set(hours)


def test_ctrl_c_leaves_the_queued_work_to_go_on(rollup: Operated) -> None:
    hours = rollup.noted(rollup.stored(YESTERDAY, 12))

    def interrupt() -> None:
        rollup.work()
        raise KeyboardInterrupt

    rollup.while_waiting(interrupt)
    result = run("backfill", WORKSPACE, "--last", "2d", fails=130)
    assert "10 of 12 hours are recomputed; the rest is queued and goes on" in result.stderr
    assert "again is harmless" in result.stderr
    rollup.work_off()
    assert set(rollup.cells(hours)) == set(hours)


def test_an_hour_that_fails_is_told_with_its_reason(rollup: Operated) -> None:
    hours = rollup.noted(rollup.stored(YESTERDAY, 3))
    with rollup.broken_log(hours[1]):
        result = run("backfill", WORKSPACE, "--last", "2d", fails=1)
    assert "2 recomputed" in result.stdout
    assert f"{hours[1]}: OSError('the log is torn') (5 attempts)" in result.stderr
    assert "1 hour could not be recomputed (what failed stays due; `tidemark rollup redrive" in result.stderr
    # A failure of before is not taken for one of now.
    assert "3 recomputed" in run("backfill", WORKSPACE, "--last", "2d").stdout


def test_a_backfill_on_which_nobody_works_gives_up(rollup: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    rollup.noted(rollup.stored(YESTERDAY, 2))
    rollup.while_waiting(lambda: None)
    monkeypatch.setattr(backfill_command, "STALLED_SECONDS", 0)
    assert "2 are left" in run("backfill", WORKSPACE, "--last", "2d", fails=1).stderr


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["--last", "soon"],
        ["--last", "0d"],
        ["--last", "9999d"],
        ["--last", "2d", "--from", "2026-11-01"],
        ["--last", "2d", "--to", "2026-11-01"],
        ["--from", "2026-11-31"],
        ["--from", "2026-11-02", "--to", "2026-11-01"],
        ["--from", "2000-01-01", "--to", "2026-01-01"],
        ["--from", "9999-01-01"],
    ],
)
def test_days_that_cannot_be_are_refused(rollup: Operated, args: list[str]) -> None:
    run("backfill", WORKSPACE, *args, fails=2)
    assert rollup.waiting(rollup.queue_url) == 0


def test_a_workspace_that_is_not_there_or_not_named_is_told(rollup: Operated) -> None:
    assert "there is no workspace nope" in run("backfill", "nope", "--last", "2d", fails=1).stderr
    assert "tidemark backfill NAME" in run("backfill", "--last", "2d", fails=2).stderr
    assert "there is no workspace nope" in run("rollup", "redrive", "--workspace", "nope", fails=1).stderr


def test_the_status_before_the_first_run(rollup: Operated) -> None:
    shown = run("rollup", "status").stdout
    assert "it has not run yet" in shown
    assert "backlog: none" in shown
    assert "queue: 0 jobs wait" in shown
    assert "dead letters: 0" in shown


def failed_hours(rollup: Operated, count: int) -> list[str]:
    """Let hours fail until they are dead letters, due in the last run."""
    hours = rollup.noted(rollup.stored(YESTERDAY, count))
    slot = running_slot(int(datetime.now(UTC).timestamp()))
    DynamoRuns(rollup.tables.work).began(slot, count, 12, datetime.now(UTC))
    for hour in hours:
        due = rollup.agenda.schedule(WORKSPACE, hour, slot)
        job = {"workspace": due.workspace, "period": due.period, "slot": due.slot}
        rollup.sqs.send_message(QueueUrl=rollup.queue_url, MessageBody=json.dumps(job))
    with rollup.broken_log(*hours):
        rollup.work_off()
    assert rollup.waiting(rollup.dead_url) == count
    return hours


def test_the_status_tells_what_failed_and_why(rollup: Operated) -> None:
    hours = failed_hours(rollup, 2)
    shown = run("rollup", "status").stdout
    assert "degraded: " in shown
    assert "the last run was due" in shown
    for hour in hours:
        assert f"failed: {WORKSPACE} {hour} (5 attempts" in shown
    assert "OSError('the log is torn')" in shown
    assert "dead letters: 2" in shown
    assert "tidemark rollup redrive --all" in shown


def test_a_redrive_does_what_failed_and_deletes_its_letters(rollup: Operated) -> None:
    hours = failed_hours(rollup, 2)
    assert "2 periods queued again" in run("rollup", "redrive", "--all").stdout
    assert rollup.waiting(rollup.dead_url) == 0
    rollup.work_off()
    assert all(cell.final for cell in rollup.cells(hours).values())
    shown = run("rollup", "status").stdout
    assert "backlog: none" in shown
    assert "failed: " not in shown
    assert "nothing has failed" in run("rollup", "redrive", "--all").stdout


def test_a_redrive_of_one_workspace_leaves_the_letters_of_others(rollup: Operated) -> None:
    failed_hours(rollup, 1)
    run("workspace", "create", "other", "--dashboards", "web")
    for body in ({"workspace": "other", "period": "2026-11-01T10:00Z", "slot": "2026-11-01T11"}, "no job"):
        rollup.sqs.send_message(QueueUrl=rollup.dead_url, MessageBody=json.dumps(body))
    result = run("rollup", "redrive", "--workspace", WORKSPACE)
    assert "1 period queued again" in result.stdout
    assert "1 dead letter of other workspaces left alone" in result.stdout
    assert "1 dead letter left alone that cannot be read" in result.stderr
    assert rollup.waiting(rollup.dead_url) == 2
    # What the other's letter asked for is not due any more, so nothing of it is left to be done.
    assert "which asked for what was done since" in run("rollup", "redrive", "--all").stdout
    assert rollup.waiting(rollup.dead_url) == 1


def test_a_failure_whose_letter_is_gone_is_redriven_by_its_record(rollup: Operated) -> None:
    hours = failed_hours(rollup, 1)
    rollup.sqs.purge_queue(QueueUrl=rollup.dead_url)
    assert "1 period queued again" in run("rollup", "redrive", "--workspace", WORKSPACE).stdout
    rollup.work_off()
    assert set(rollup.cells(hours)) == set(hours)


def test_views_in_dead_letters_are_rendered_again(rollup: Operated) -> None:
    rollup.sqs.send_message(QueueUrl=rollup.dead_url, MessageBody=json.dumps({"views": [[WORKSPACE, "web:30"]]}))
    assert "1 view queued to be rendered again" in run("rollup", "redrive", "--all").stdout
    (message,) = rollup.sqs.receive_message(QueueUrl=rollup.queue_url)["Messages"]
    assert json.loads(message["Body"]) == {"views": [[WORKSPACE, "web:30"]]}
    assert rollup.waiting(rollup.dead_url) == 0


@pytest.mark.parametrize("args", [[], ["--all", "--workspace", WORKSPACE]])
def test_a_redrive_is_of_one_workspace_or_of_all(rollup: Operated, args: list[str]) -> None:
    run("rollup", "redrive", *args, fails=2)


def test_the_record_is_read_as_it_was_written(rollup: Operated) -> None:
    record, runs, now = DynamoRecord(rollup.tables.work), DynamoRuns(rollup.tables.work), datetime.now(UTC)
    for number in range(3):
        runs.began(f"2026-11-22T{number:02d}", number, 7, now)
    assert [(run.slot, run.periods) for run in record.runs(2)] == [("2026-11-22T02", 2), ("2026-11-22T01", 1)]
    for period in ("2026-11-22T01:00Z", "2026-11-21", "2026-11-20T01:00Z"):
        runs.failed(Due(WORKSPACE, period, "2026-11-22T02"), "why", 5, now)
    runs.failed(Due(f"{WORKSPACE}2", "2026-11-22T01:00Z", "2026-11-22T02"), "why", 5, now)
    found = record.closings_of(WORKSPACE, "2026-11-22T02", date(2026, 11, 21).isoformat(), "2026-11-22T01:00Z")
    assert [(each.period, each.error, each.attempts) for each in found] == [
        ("2026-11-21", "why", 5),
        ("2026-11-22T01:00Z", "why", 5),
    ]
    assert len(list(record.closings("2026-11-22T02"))) == 4


def test_a_backfill_makes_cells_anew_that_were_deleted(rollup: Operated) -> None:
    hours = rollup.noted(rollup.stored(YESTERDAY, 2))
    run("backfill", WORKSPACE, "--last", "2d")
    before = rollup.cells(hours)
    forget(rollup.tables.cells, lambda pk: True)
    assert rollup.cells(hours) == {}
    run("backfill", WORKSPACE, "--last", "2d")
    assert {hour: cell.cell for hour, cell in rollup.cells(hours).items()} == {
        hour: cell.cell for hour, cell in before.items()
    }
