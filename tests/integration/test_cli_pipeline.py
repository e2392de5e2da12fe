"""`tidemark batches|jobs|dead-letters|breaker|insights`, the whole commands, against the real routes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli_stack import run
from tests.gateway import Answer, serving
from tests.support.administered import ACME, BUCKET, OTHER, SIZE, Administered
from tidemark.aws import clients
from tidemark.aws.batches import key_of
from tidemark.aws.cold_batches import DynamoAnalysedBatches, S3ColdStorage
from tidemark.aws.items import encode
from tidemark.domain.cold_batches import row_of
from tidemark.domain.workspace import OPERATIONS
from tidemark.http import administration
from tidemark.observability import logger
from tidemark_cli import admin_api
from tidemark_cli.commands import dead_letters
from tidemark_cli.context import out
from tidemark_cli.stack import Stack

NO_BATCH = "2026-11-22T09:00Z.00.000007"


@pytest.fixture
def refusals() -> list[Answer]:
    """What the server answers before it begins to work."""
    return []


@pytest.fixture
def admin(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, refusals: list[Answer]) -> Iterator[Administered]:
    logger()  # made before the command puts its own standard output in place, which ends with it
    monkeypatch.setattr(admin_api, "full_jitter_seconds", lambda _attempt: 0.0)
    # The server is in this process: what it audits is no output of the command. And a table is not folded.
    monkeypatch.setattr(administration, "audit", lambda *_, **__: None)
    monkeypatch.setattr(out, "_width", 200)
    made = Administered(tables, monkeypatch, datetime.now(UTC))
    with serving(made.app, refusals) as url:
        outputs = {"HttpUrl": url, "DirectoryTable": tables.directory, "TokenSecretArn": tables.token_secret}
        monkeypatch.setattr(Stack, "_outputs", outputs)
        monkeypatch.setenv("TIDEMARK_STACK", "deployed")
        yield made
    made.api.close()


def lines(*args: str) -> list[Any]:
    """Return what a command prints with `--json`."""
    return [json.loads(line) for line in run(*args, "--json").stdout.splitlines()]


def test_batches_are_listed_shown_sealed_and_analysed_again(admin: Administered) -> None:
    full, begun = admin.filled(SIZE + 1)
    assert [each["batch_id"] for each in lines("batches", "list", "--workspace", ACME)] == [begun, full]
    told = run("batches", "list", "--workspace", ACME, "--state", "OPEN").stdout
    assert begun in told
    assert full not in told
    assert f"batch {begun} sealed" in run("batches", "seal", begun, "--workspace", ACME).stdout
    assert "sealed already" in run("batches", "seal", begun, "--workspace", ACME).stdout
    admin.analysed(full)
    told = run("batches", "show", full, "--workspace", ACME).stdout
    assert "Nothing unusual. (70%)" in told
    assert "    events: 3, usually 9 count" in told
    (shown,) = lines("batches", "show", full, "--workspace", ACME)
    assert shown["job"]["state"] == "SUCCESS"
    assert "analysed again" in run("batches", "analyse", full, "--workspace", ACME).stdout
    events = [json.loads(line) for line in run("batches", "events", full, "--workspace", ACME).stdout.splitlines()]
    assert [event["event_id"] for event in events] == [f"acme-0-{number}" for number in range(SIZE)]
    assert "[unknown_batch]" in run("batches", "show", NO_BATCH, "--workspace", ACME, fails=1).stderr


def test_a_batch_that_has_expired_is_brought_back(admin: Administered) -> None:
    (batch,) = admin.filled(SIZE)
    admin.analysed(batch)
    hour = batch.partition(".")[0]
    kept = list(DynamoAnalysedBatches(admin.tables.work).of_hour(ACME, hour))
    S3ColdStorage(BUCKET).replace(ACME, hour, map(row_of, kept), None)
    clients.dynamodb().delete_item(TableName=admin.tables.work, Key=encode(key_of(ACME, batch)))
    assert "[unknown_batch]" in run("batches", "show", batch, "--workspace", ACME, fails=1).stderr
    told = run("batches", "restore", batch, "--workspace", ACME).stdout
    assert f"batch {batch} is back with its insight (3 events)" in told
    assert "is there already" in run("batches", "restore", batch, "--workspace", ACME).stdout
    assert "Nothing unusual. (70%)" in run("batches", "show", batch, "--workspace", ACME).stdout
    assert "[unknown_batch]" in run("batches", "restore", NO_BATCH, "--workspace", ACME, fails=1).stderr


def test_a_list_is_read_to_its_end_or_its_limit(admin: Administered, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = admin.filled(5 * SIZE)
    monkeypatch.setattr(admin_api, "MAX_ROWS", 2)
    for limit, count in ((1, 1), (4, 4), (50, 5)):
        told = lines("jobs", "list", "--workspace", ACME, "--limit", str(limit))
        assert [each["batch_id"] for each in told] == batches[::-1][:count]


def test_jobs_of_every_workspace_are_listed_and_cancelled(admin: Administered) -> None:
    (job,) = admin.filled(SIZE)
    admin.filled(SIZE, OTHER)
    assert {each["workspace_id"] for each in lines("jobs", "list", "--all", "--state", "PENDING")} == {ACME, OTHER}
    assert "is cancelled" in run("jobs", "cancel", job, "--workspace", ACME).stdout
    assert "had ended already" in run("jobs", "cancel", job, "--workspace", ACME).stdout
    told = run("jobs", "list", "--workspace", ACME).stdout
    assert "cancelled: cancelled by hand" in told
    assert "give --workspace NAME or --all" in run("jobs", "list", "--all", "--workspace", ACME, fails=2).stderr


def test_dead_letters_are_listed_and_redriven_in_portions(admin: Administered, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = admin.filled(3 * SIZE)
    (elsewhere,) = admin.filled(SIZE, OTHER)
    for batch in (first, second, third):
        admin.dead(batch)
    admin.dead(elsewhere, OTHER)
    told = run("dead-letters", "list", "--all").stdout
    assert "provider_unavailable: it did not answer" in told
    assert [each["batch_id"] for each in lines("dead-letters", "list", "--workspace", OTHER)] == [elsewhere]
    assert "ProviderUnavailable" in run("batches", "show", first, "--workspace", ACME).stdout
    monkeypatch.setattr(dead_letters, "MAX_ROWS", 1)
    done = run("dead-letters", "redrive", first, NO_BATCH, "--workspace", ACME)
    assert "1 job queued again" in done.stdout
    assert f"left alone: {ACME} {NO_BATCH} [unknown_batch]" in done.stderr
    monkeypatch.setattr("tidemark.services.pipeline_actions.MAX_ROWS", 1)
    assert "2 jobs queued again" in run("dead-letters", "redrive", "--all", "--workspace", ACME).stdout
    assert "1 job queued again" in run("dead-letters", "redrive", "--all").stdout
    assert "nothing was queued again" in run("dead-letters", "redrive", "--all").stdout
    assert "no dead letters" in run("dead-letters", "list", "--all").stdout
    run("dead-letters", "redrive", fails=2)
    run("dead-letters", "redrive", first, "--all", fails=2)


def test_a_breaker_is_tripped_and_reset_and_who_did_it_is_known(
    admin: Administered, refusals: list[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "eve")
    refusals.append(Answer(503, {}, b'{"code":"unavailable","message":"later"}'))
    tripped = run("breaker", "trip")
    assert "trying again" in tripped.stderr
    assert "the breaker of statistical is OPEN until" in tripped.stdout
    assert [each["state"] for each in lines("breaker", "show")] == ["OPEN", "CLOSED"]
    assert "is CLOSED" in run("breaker", "reset", "statistical").stdout
    assert "is CLOSED, as it was" in run("breaker", "reset").stdout
    assert "[unknown_provider]" in run("breaker", "reset", "gpt", fails=1).stderr
    entries = admin.get("audit", by=OPERATIONS, workspace=OPERATIONS)["entries"]
    assert ("trip breaker", "cli:eve") in [(each["action"], each["by"].get("user")) for each in entries]


def test_insights_are_listed_and_shown_with_their_figures(admin: Administered) -> None:
    done, waiting = admin.filled(2 * SIZE)
    assert "no insights yet" in run("insights", "list", "--workspace", ACME).stdout
    admin.analysed(done)
    told = run("insights", "list", "--workspace", ACME).stdout
    assert "Nothing unusual." in told
    assert [each["insight_id"] for each in lines("insights", "list", "--workspace", ACME)] == [done]
    told = run("insights", "show", done, "--workspace", ACME).stdout
    assert "> Look at the page." in told
    assert "has no insight yet" in run("insights", "show", waiting, "--workspace", ACME, fails=1).stderr


def test_before_the_first_minute_there_is_no_operator(admin: Administered) -> None:
    key = encode({"pk": f"WORKSPACE#{OPERATIONS}", "sk": "SETTINGS"})
    clients.dynamodb().delete_item(TableName=admin.tables.directory, Key=key)
    assert "CronBatchesFunction makes it" in run("breaker", "show", fails=1).stderr
    assert "a name of Tidemark's own" in run("workspace", "create", OPERATIONS, fails=2).stderr
