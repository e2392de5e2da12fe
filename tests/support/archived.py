"""The archive in a world: what DuckDB reads there is what the log has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from tests.support.calls import Died
from tests.support.checks import log_of
from tests.support.clients import Producer
from tests.support.closing import CLOSED, YESTERDAY, let_pass, run
from tests.support.cold import analysed_long_ago, cold_rows, noted
from tests.support.data import page, pages
from tests.support.deployed import World
from tests.support.jobs import Job
from tests.support.scenarios import Armed, scenario
from tests.support.stack import ENVIRONMENT
from tidemark.domain.closing import is_closed
from tidemark.domain.hours import hour_of
from tidemark_cli.erasure.archive import SubjectArchive
from tidemark_cli.erasure.subject import Subject

FIELDS = ("event_id", "type", "timestamp", "anonymous_id", "user_id", "session_id", "properties", "context")


@contextmanager
def downloaded(world: World) -> Iterator[Path]:
    """Yield a folder of the workspace's objects, as `aws s3 sync` would bring them."""
    bucket, prefix = ENVIRONMENT["ARCHIVE_BUCKET"], f"events/workspace={world.workspace}/"
    with TemporaryDirectory() as folder:
        pages = world.stack.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for found in [each for page in pages for each in page.get("Contents", [])]:
            path = Path(folder, found["Key"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(world.stack.s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
        yield Path(folder)


def archived(world: World) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the events of the archive by (hour, id), as they came; one that is there twice is a mistake."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    with downloaded(world) as folder, duckdb.connect(config={"threads": 1}) as db:
        files = [str(path) for path in folder.rglob("*.parquet")]
        if not files:
            return {}
        rows = db.execute(
            """SELECT workspace, date = (hour AT TIME ZONE 'UTC')::DATE,
            strftime(hour AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%MZ'), event_id, type,
            strftime(timestamp AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ'), anonymous_id, user_id, session_id,
            properties, context FROM read_parquet($files, hive_partitioning = true)""",
            {"files": files},
        ).fetchall()
    for workspace, has_date, hour, *values in rows:
        assert (workspace, has_date) == (world.workspace, True)
        event = {name: value for name, value in zip(FIELDS, values, strict=True) if value is not None}
        event |= {name: json.loads(event[name]) for name in ("properties", "context") if name in event}
        assert (hour, event["event_id"]) not in found, "an event is in the archive twice"
        found[hour, event["event_id"]] = event
    return found


def check_archived(world: World) -> None:
    """The archive has every event of every hour that has closed, and no other."""
    closed = {place: event for place, event in log_of(world).items() if is_closed(place[0], int(world.now.timestamp()))}
    assert closed
    assert archived(world) == closed


@scenario("queue_archive")
def queue_archive(world: World, armed: Armed) -> None:
    producer = Producer(world)
    repeated = page(world.now, minutes_ago=YESTERDAY)
    producer.send([repeated])
    producer.send([repeated, *pages(world.now, 1, YESTERDAY)])
    world.deliver()
    let_pass(world, CLOSED)
    run(world, "cron_rollup")
    world.roll_up()
    stored = analysed_long_ago(world)
    with armed():
        world.archive()
    check_archived(world)
    assert [row["batch_id"] for row in cold_rows(world)] == [stored]
    assert noted(world) == []
    producer.send([page(world.now, minutes_ago=CLOSED + YESTERDAY)])
    world.deliver()
    with armed():
        world.archive()
    check_archived(world)


@scenario("cli_erase")
def cli_erase(world: World, armed: Armed) -> None:
    ann, bob = (page(world.now, minutes_ago=YESTERDAY) | {"user_id": user} for user in ("ann", "bob"))
    Producer(world).send([ann, bob])
    hour = hour_of(world.now - timedelta(minutes=YESTERDAY), world.timezone)
    world.stack.archive_jobs.queued.append(Job("job", json.dumps({"workspace": world.workspace, "hour": hour}), 0))
    world.archive()
    both = archived(world)
    of_bob = {place: event for place, event in both.items() if event["user_id"] == "bob"}
    assert len(both) == 2
    with armed(), suppress(Exception, Died):
        erase_ann(world)
    assert archived(world) in (both, of_bob)
    erase_ann(world)  # the operator gives the command again
    assert archived(world) == of_bob


def erase_ann(world: World) -> None:
    """Take her out of the archive, as `tidemark erase` does."""
    with world.stack.calls.of("cli_erase"):
        archive = SubjectArchive(ENVIRONMENT["ARCHIVE_BUCKET"], world.workspace, Subject("user", "ann"))
        for hour, found in archive.look(archive.tags(), {}, lambda: None).items():
            if found.found:
                archive.erase(hour)
