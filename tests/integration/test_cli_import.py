"""`tidemark import` into the real API over DynamoDB (moto): the past stays where it was, and counts once."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli_stack import run
from tests.gateway import serving
from tests.support.operated import WORKSPACE, Operated
from tests.support.persons import closed, folded, items_of
from tidemark.aws import clients
from tidemark.bootstrap import container
from tidemark.http.app import create_app
from tidemark_cli.stack import Stack

DAYS = [date(2015, 5, 17), date(2015, 5, 18)]
BEGIN = datetime(2015, 5, 17, 10, tzinfo=UTC)


@pytest.fixture
def rollup(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Operated]:
    """A stack with the workspace `acme`, whose HTTP API is served."""
    made = Operated(tables, monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run("workspace", "create", WORKSPACE, "--dashboards", "web")
    with serving(create_app(container())) as url:
        monkeypatch.setitem(Stack._outputs, "HttpUrl", url)
        yield made


def view(number: int, **more: object) -> str:
    instant = BEGIN + timedelta(minutes=30 * number)
    named = {"messageId": f"m{number}", "anonymousId": f"v{number % 5}", "properties": {"path": f"/{number % 3}"}}
    return json.dumps({"type": "page", "timestamp": instant.isoformat(), **named, **more})


def write(tmp_path: Path, lines: list[str], name: str = "history.ndjson") -> str:
    path, content = tmp_path / name, "\n".join(lines).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return str(path)


def shown(rollup: Operated) -> tuple[list[Any], list[str], Any]:
    """Page views of each day, the states of the rows, and the sources."""
    workspace = container().directory.workspace(WORKSPACE)
    assert workspace
    query = {"measures": "pageviews", "from": str(DAYS[0]), "to": str(DAYS[1])}
    page = container().metrics.ask(workspace, query, datetime.now(UTC))
    return [row["values"]["pageviews"] for row in page.rows], [row["state"] for row in page.rows], page.sources


def test_2015_stays_2015_and_counts_once_also_after_its_hours_are_final(rollup: Operated, tmp_path: Path) -> None:
    lines = [view(number) for number in range(60)]
    by_day = Counter(json.loads(line)["timestamp"][:10] for line in lines)
    expected = [by_day[str(day)] for day in DAYS]
    # GIVEN the first half, imported and closed
    half = run("import", write(tmp_path, lines[:30], "half.ndjson.gz"), "--workspace", WORKSPACE).stdout
    assert "half.ndjson.gz: 30 lines of NDJSON → workspace acme" in half
    assert "2015-05-17 10:00:00 UTC" in half
    folded(rollup)
    hours = rollup.agenda.hours(WORKSPACE, "2015-05-17T00:00Z", "2015-05-18T23:00Z")
    assert len(hours) == 15
    closed(rollup, hours)
    # WHEN all of it is, in another order and in other batches
    random.Random(4).shuffle(lines)
    said = run("import", write(tmp_path, lines), "--workspace", WORKSPACE, "--batch", "7").stdout
    assert "`tidemark backfill acme --from 2015-05-17 --to 2015-05-18`" in said
    folded(rollup)
    said = run("backfill", WORKSPACE, "--from", "2015-05-17", "--to", "2015-05-18").stdout
    assert "30 recomputed" in said
    # THEN each event is in its day, once, and the days are cells
    assert sum(expected) == 60
    found, states, sources = shown(rollup)
    assert (found, states) == (expected, ["final", "final"])
    assert (sources.day_cells, sources.log_hours) == (2, 0)
    # AND the log keeps what was imported for as long as what happens now
    kept = {item["expires_at"] - time.time() for item in items_of(rollup.tables.events, f"{WORKSPACE}#2015")}
    assert all(29.9 * 86_400 < seconds < 30.1 * 86_400 for seconds in kept)


def test_a_dry_run_tells_every_bad_line_and_sends_nothing(rollup: Operated, tmp_path: Path) -> None:
    future = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    bad = [view(number, type="") for number in range(30)]
    lines = [view(1), "{", view(2, timestamp=future), json.dumps({"type": "page"}), view(3), *bad]
    result = run("import", write(tmp_path, lines), "--workspace", WORKSPACE, "--dry-run", fails=1)
    for told in (
        "line 2: not JSON",
        "line 3: timestamp lies more than an hour ahead [timestamp_in_future]",
        "line 4: the event has no timestamp, and would count as of now [no_timestamp]",
        "line 35: type is a string of 1 to 128 characters [invalid_type]",
    ):
        assert told in result.stdout
    assert result.stdout.count("[invalid_type]") == 30
    assert "30 invalid_type" in result.stdout
    assert "33 lines would be refused (nothing was sent)" in result.stderr
    run("import", write(tmp_path, lines), "--workspace", WORKSPACE, "--strict", fails=1)
    assert items_of(rollup.tables.events, "") == []
    assert "0 lines" in run("import", write(tmp_path, [view(1)]), "--workspace", WORKSPACE, "--dry-run").stdout
    assert items_of(rollup.tables.events, "") == []


def test_without_strict_bad_lines_are_skipped_by_the_same_rules(rollup: Operated, tmp_path: Path) -> None:
    lines = [view(1), json.dumps({"type": "page"}), view(2, type="x" * 129), view(3)]
    result = run("import", write(tmp_path, lines), "--workspace", WORKSPACE)
    assert "line 2: the event has no timestamp" in result.stderr
    assert "line 3: type is a string" in result.stderr
    folded(rollup)
    assert sum(shown(rollup)[0]) == 2


def test_hours_whose_log_has_ended_are_not_counted_twice(rollup: Operated, tmp_path: Path) -> None:
    # GIVEN an import of long ago: its hours are final, and the log has it no longer
    file = write(tmp_path, [view(number) for number in range(4)])
    run("import", file, "--workspace", WORKSPACE)
    folded(rollup)
    hours = rollup.agenda.hours(WORKSPACE, "2015-05-17T00:00Z", "2015-05-17T23:00Z")
    closed(rollup, hours)
    dynamodb = clients.dynamodb()
    for item in items_of(rollup.tables.events, ""):
        dynamodb.delete_item(TableName=rollup.tables.events, Key={name: {"S": item[name]} for name in ("pk", "sk")})
    for hour in hours:
        dynamodb.update_item(
            TableName=rollup.tables.cells,
            Key={"pk": {"S": f"{WORKSPACE}#{hour}"}, "sk": {"S": "00"}},
            UpdateExpression="SET log_until = :past",
            ExpressionAttributeValues={":past": {"N": "1"}},
        )
    container.cache_clear()
    # WHEN it is imported again THEN nothing is sent, also to find that out
    for options in ([], ["--dry-run"]):
        result = run("import", file, "--workspace", WORKSPACE, *options, fails=1)
        assert "2 hours of the file, from 2015-05-17T10:00Z to 2015-05-17T11:00Z, had events" in result.stderr
    assert items_of(rollup.tables.events, "") == []
    assert sum(shown(rollup)[0]) == 4
    # AND other events of those hours are taken, where the operator says that they are others
    others = write(tmp_path, [view(number, messageId=f"other{number}") for number in range(4)], "others.ndjson")
    run("import", others, "--workspace", WORKSPACE, "--into-ended-hours")
    folded(rollup)
    closed(rollup, hours)  # their day is merged anew
    assert sum(shown(rollup)[0]) == 8


def test_days_that_the_workspace_does_not_keep_are_not_imported(rollup: Operated, tmp_path: Path) -> None:
    run("workspace", "set", WORKSPACE, "--history-days", "400")
    file = write(tmp_path, [view(1), view(100)])
    result = run("import", file, "--workspace", WORKSPACE, fails=1)
    assert "2 hours of the file lie before 20" in result.stderr
    assert items_of(rollup.tables.events, "") == []


def test_a_rate_is_kept(rollup: Operated, tmp_path: Path) -> None:
    file = write(tmp_path, [view(number) for number in range(60)])
    began = time.monotonic()
    run("import", file, "--workspace", WORKSPACE, "--batch", "10", "--rate", "100")
    assert time.monotonic() - began >= 0.5  # the last batch leaves when those before it have had their time
    assert len(items_of(rollup.tables.events, "")) >= 30
