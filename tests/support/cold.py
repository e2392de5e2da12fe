"""Cold storage in a world: what DuckDB reads there is what was analysed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from tests.support.deployed import World
from tests.support.jobs import Job
from tests.support.memory_cold import HOUR, analysed
from tests.support.stack import ENVIRONMENT
from tidemark.aws.cold_batches import DynamoAnalysedBatches, S3ColdStorage, cold_key
from tidemark.aws.cold_notes import DynamoColdNotes, note_key
from tidemark.domain.cold_batches import AnalysedBatch, row_of
from tidemark.services.cold_notes import SETTLED_SECONDS

BUCKET = ENVIRONMENT["ARCHIVE_BUCKET"]
LONG = 90 * 86_400


def analysed_long_ago(world: World, *, is_sent: bool = True) -> str:
    """Have a batch whose hour is noted and due, and is queued unless that is the schedule's to do; return its id."""
    batch, now = analysed(workspace=world.workspace), int(world.now.timestamp())
    assert DynamoAnalysedBatches("WorkTable").restore(batch, now, now + LONG)
    DynamoColdNotes("WorkTable").note(world.workspace, HOUR, now - SETTLED_SECONDS, now)
    if is_sent:
        ask(world)
    return batch.batch.batch_id


def ask(world: World, hour: str = HOUR) -> None:
    """Queue the batches of an hour to be stored."""
    body = json.dumps({"kind": "batches", "workspace": world.workspace, "hour": hour})
    world.stack.archive_jobs.queued.append(Job(f"batches-{hour}", body, 0))


def expired(world: World, batches: Iterable[AnalysedBatch] = ()) -> str:
    """Have batches that the table has no more, one unless they are given; return the id of the first."""
    given = list(batches) or [analysed(7, workspace=world.workspace)]
    S3ColdStorage(BUCKET).replace(world.workspace, HOUR, map(row_of, given), None)
    return given[0].batch.batch_id


def noted(world: World) -> list[str]:
    """Return the hours that are noted to be stored."""
    found = world.stack.items("WorkTable", note_key(world.workspace, "")["pk"])
    places = (item["sk"].partition("#") for item in found)
    return [hour for workspace, _, hour in places if workspace == world.workspace]


def cold_rows(world: World, hour: str = HOUR) -> list[dict[str, Any]]:
    """Return what cold storage has of an hour, as DuckDB reads it."""
    key = cold_key(world.workspace, hour)
    with TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as db:
        path = Path(folder, key)
        path.parent.mkdir(parents=True)
        path.write_bytes(world.stack.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        found = db.execute(
            "FROM read_json($files, hive_partitioning = true) ORDER BY batch_id, opened_at",
            {"files": f"{folder}/batches/*/*/*.ndjson.gz"},
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, values, strict=True)) for values in found.fetchall()]
