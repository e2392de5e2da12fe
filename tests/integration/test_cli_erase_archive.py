"""`tidemark erase` and the archive: hours of which the log has ended, and those that are archived meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.response import StreamingBody
from typer.testing import CliRunner

from tests.cli_stack import run
from tests.support.operated import WORKSPACE, Operated
from tests.support.persons import FIRST, SECOND, THIRD, ann_and_bob, items_of, stored, visit
from tidemark.aws import clients
from tidemark.aws.archive import object_key
from tidemark.bootstrap import container
from tidemark_cli.erasure import operation
from tidemark_cli.erasure.archive import SubjectArchive
from tidemark_cli.erasure.subject import Subject
from tidemark_cli.main import app
from tidemark_cli.stack import Stack

HOURS = (FIRST, SECOND, THIRD)


@pytest.fixture
def told(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Operated:
    """Ann and Bob in three hours, which are archived."""
    made = Operated(tables, monkeypatch)
    monkeypatch.setattr(operation, "UNNOTED_DAYS", -1)  # the recent hours are but empty calls here
    monkeypatch.setattr(Stack, "lend", lambda _stack: None)  # tests replace what the client does; a new one would undo
    run("workspace", "create", WORKSPACE, "--dashboards", "web,classroom")
    ann_and_bob(made)
    archive(*HOURS)
    return made


@pytest.fixture
def ended(told: Operated) -> Operated:
    """The same, when the log has ended."""
    for item in items_of(told.tables.events, ""):
        key = {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}
        clients.dynamodb().delete_item(TableName=told.tables.events, Key=key)
    return told


def archive(*hours: str) -> None:
    """Have hours archived, as their jobs do."""
    for hour in hours:
        container().archive(WORKSPACE, hour, datetime.now(UTC))


def rows_of(rollup: Operated, hour: str, folder: Path) -> list[tuple[Any, ...]]:
    """Return the rows of an hour's object, ordered by id, which comes first."""
    file = folder / "read.parquet"
    rollup.s3.download_file(rollup.archive_bucket, object_key(WORKSPACE, hour), str(file))
    return sorted(duckdb.read_parquet(str(file)).fetchall())


def ids_of(rollup: Operated, folder: Path) -> list[list[str]]:
    return [[row[0] for row in rows_of(rollup, hour, folder)] for hour in HOURS]


def heads_of(rollup: Operated, hours: Iterable[str]) -> list[Any]:
    keys = (object_key(WORKSPACE, hour) for hour in hours)
    heads = [rollup.s3.head_object(Bucket=rollup.archive_bucket, Key=key) for key in keys]
    return [(head["ETag"], head["Metadata"], head["ContentType"]) for head in heads]


def instead(monkeypatch: pytest.MonkeyPatch, name: str, do: Callable[..., Any]) -> Callable[..., Any]:
    """Have the S3 client do this in place of one of its operations, which is returned."""
    client = clients.s3()
    real: Callable[..., Any] = getattr(client, name)
    monkeypatch.setattr(client, name, do)
    return real


def test_a_user_leaves_the_hours_of_which_the_log_has_ended_and_nobody_else_does(
    ended: Operated, tmp_path: Path
) -> None:
    before, heads = [rows_of(ended, hour, tmp_path) for hour in HOURS], heads_of(ended, HOURS)
    for name in ("notes.txt", "date=2026-11-22/_SUCCESS"):
        ended.s3.put_object(Bucket=ended.archive_bucket, Key=f"events/workspace={WORKSPACE}/{name}", Body=b"ann")
    result = run("erase", WORKSPACE, "--user", "ann", "--dry-run")
    assert "3 events in 2 archived hours, of 3" in result.stdout
    assert "beside the user stood anonymous id anon-ann" in result.stdout
    assert heads_of(ended, HOURS) == heads

    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert re.search(rf"^ *{FIRST} +2 +1 +0 += 1 *$", result.stdout, re.MULTILINE)
    assert re.search(rf"^ *{SECOND} +3 +2 +0 += 1 *$", result.stdout, re.MULTILINE)
    assert THIRD not in result.stdout
    assert "and 3 archived hours, none of user ann" in result.stdout
    after = [rows_of(ended, hour, tmp_path) for hour in HOURS]
    assert after == [[row for row in hour if row[0].startswith("b")] for hour in before]
    now_heads = heads_of(ended, HOURS)
    assert [head[0] == was[0] for head, was in zip(now_heads, heads, strict=True)] == [False, False, True]
    assert [head[1:] for head in now_heads] == [was[1:] for was in heads]

    assert "0 events in 0 archived hours, of 3" in run("erase", WORKSPACE, "--user", "ann", "--yes").stdout
    run("erase", WORKSPACE, "--session", "s-bob", "--yes")
    assert ids_of(ended, tmp_path) == [[], [], []]


def test_an_hour_that_is_archived_meanwhile_is_read_again(
    told: Operated, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left = [1]

    def meanwhile(**request: Any) -> Any:
        if left:
            left.pop()
            stored([visit("b4", FIRST, "bob")])
            archive(FIRST)
        return real(**request)

    real = instead(monkeypatch, "put_object", meanwhile)
    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert not left
    assert re.search(rf"^ *{FIRST} +2 +1 +0 +1 → 2 *$", result.stdout, re.MULTILINE)
    assert ids_of(told, tmp_path) == [["b1", "b4"], ["b2"], ["b3"]]
    archive(*HOURS)
    assert ids_of(told, tmp_path) == [["b1", "b4"], ["b2"], ["b3"]]


def test_a_job_that_read_the_log_before_the_erasure_brings_nothing_back(
    told: Operated, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left = [1]

    def meanwhile(**request: Any) -> Any:
        if left:  # the job of the archive has read the log, and is about to put
            left.pop()
            run("erase", WORKSPACE, "--user", "ann", "--yes")
        return real(**request)

    real = instead(monkeypatch, "put_object", meanwhile)
    archive(FIRST)
    assert not left
    assert ids_of(told, tmp_path) == [["b1"], ["b2"], ["b3"]]


def test_what_such_a_job_archives_for_the_first_time_is_taken_out_at_the_end(told: Operated, tmp_path: Path) -> None:
    place = {"Bucket": told.archive_bucket, "Key": object_key(WORKSPACE, FIRST)}
    old = told.s3.get_object(**place)
    told.s3.delete_object(**place)
    told.while_waiting(lambda: told.s3.put_object(**place, Body=body, Metadata=old["Metadata"]) and told.work())
    body = old["Body"].read()
    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert "2 events in 1 archived hour, of 2" in result.stdout
    assert re.search(rf"^ *{FIRST} +2 +1 +0 += 1 *$", result.stdout, re.MULTILINE)
    assert ids_of(told, tmp_path) == [["b1"], ["b2"], ["b3"]]


def test_an_object_that_somebody_else_put_is_erased_too_and_kept_otherwise(told: Operated, tmp_path: Path) -> None:
    place = {"Bucket": told.archive_bucket, "Key": object_key(WORKSPACE, FIRST)}
    told.s3.put_object(**place, Body=told.s3.get_object(**place)["Body"].read())
    run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert ids_of(told, tmp_path)[0] == ["b1"]
    before = heads_of(told, [FIRST])
    stored([visit("b4", FIRST, "bob")])
    archive(FIRST)
    assert heads_of(told, [FIRST]) == before


@pytest.mark.parametrize(
    ("is_done", "error", "exit_code"),
    [(False, KeyboardInterrupt, 130), (True, lambda: ReadTimeoutError(endpoint_url="https://aws"), 1)],
    ids=["killed before", "answer lost"],
)
def test_an_erasure_that_ends_between_two_objects_is_finished_by_the_next(
    ended: Operated,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    is_done: bool,
    error: Callable[[], BaseException],
    exit_code: int,
) -> None:
    puts = [0]

    def second_ends(**request: Any) -> Any:
        puts[0] += 1
        if puts[0] != 2:
            return real(**request)
        if is_done:
            real(**request)
        raise error()

    real = instead(monkeypatch, "put_object", second_ends)
    result = CliRunner().invoke(app, ["erase", WORKSPACE, "--user", "ann", "--yes"])
    assert result.exit_code == exit_code, (result.output, result.exception)
    assert ids_of(ended, tmp_path) == [["b1"], ["b2"] if is_done else ["a2", "a3", "b2"], ["b3"]]
    run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert ids_of(ended, tmp_path) == [["b1"], ["b2"], ["b3"]]


def test_a_body_that_breaks_off_is_asked_for_again(ended: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(**request: Any) -> Any:
        answer = real(**request)
        asked.append(request["Key"])
        if len(asked) < 3:
            answer["Body"] = StreamingBody(BytesIO(b"PAR1"), 1000)
        return answer

    asked: list[str] = []
    real = instead(monkeypatch, "get_object", torn)
    subject = SubjectArchive(ended.archive_bucket, WORKSPACE, Subject("anonymous", "anon-ann"))
    (found,) = subject.look({FIRST: "tag"}, {}, lambda: None).values()
    assert (found.events, found.found, len(asked)) == (2, 1, 3)


def test_what_is_no_parquet_is_told_and_nothing_is_erased(ended: Operated) -> None:
    key = object_key(WORKSPACE, SECOND)
    ended.s3.put_object(Bucket=ended.archive_bucket, Key=key, Body=b"torn")
    before = heads_of(ended, HOURS)
    result = run("erase", WORKSPACE, "--user", "ann", "--yes", fails=1)
    assert f"the archived hour {SECOND} cannot be read and written" in result.stderr
    assert f"s3://{ended.archive_bucket}/{key}" in result.stderr
    assert heads_of(ended, HOURS) == before
