"""The archive through the real handlers: DuckDB finds in it what the router answers and what the log has."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from botocore.awsrequest import AWSPreparedRequest

from tests.support.archived import archived, check_archived, downloaded
from tests.support.calls import Call
from tests.support.checks import log_of
from tests.support.clients import Producer
from tests.support.closing import CLOSED, YESTERDAY, let_pass, run
from tests.support.data import SMALL, page, pages
from tests.support.deployed import World
from tests.support.histories import batches
from tests.support.jobs import Job
from tests.support.stack import Stack
from tests.unit.oracle.duck_rows import DuckRows
from tests.unit.oracle.test_metrics_against_duckdb import Asked, assert_rows
from tidemark.aws.event_log import DynamoEventLog
from tidemark.domain.hours import hour_of


@pytest.fixture
def closed(stack: Stack) -> World:
    """A workspace with an hour of yesterday that was closed, and is queued to be archived."""
    with World(stack, definitions=SMALL) as world:
        Producer(world).send(pages(world.now, 3, YESTERDAY))
        close(world)
        yield world


def close(world: World) -> None:
    """Close whatever can be, an hour later."""
    world.deliver()
    let_pass(world, CLOSED)
    run(world, "cron_rollup")
    world.roll_up()


def ask(world: World, hour: str) -> None:
    """Queue an hour to be archived once more."""
    body = json.dumps({"workspace": world.workspace, "hour": hour})
    world.stack.archive_jobs.queued.append(Job(f"again-{hour}", body, 0))


def yesterday(world: World) -> str:
    ((hour, _), *_) = log_of(world)
    return hour


def rows(world: World, dashboard: str, grain: str, first: date, last: date) -> list[dict[str, Any]]:
    """Return what the router answers of some days."""
    answer = world.http(
        "GET",
        f"/v1/workspaces/{world.workspace}/metrics",
        query=urlencode({"dashboard": dashboard, "grain": grain, "from": first, "to": last, "limit": 1000}),
        headers={"authorization": f"Bearer {world.token()}"},
    )
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


@pytest.mark.parametrize(
    ("timezone", "moment", "seed"),
    [
        ("America/New_York", "2026-11-03T05:40", 1),  # on the first of November an hour came again
        ("Australia/Lord_Howe", "2026-10-06T13:10", 2),  # on the fourth of October half an hour was left out
        ("Asia/Kolkata", "2026-11-22T18:45", 3),
    ],
)
def test_the_router_the_log_and_the_archive_tell_the_same(stack: Stack, timezone: str, moment: str, seed: int) -> None:
    with World(stack, timezone=timezone) as world:
        world.now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        for batch in batches(seed, world.now, 2, 25):
            Producer(world).send(batch)
        close(world)
        world.archive()
        check_archived(world)
        from_log = DuckRows(log_of(world).values(), timezone, world.now)
        with downloaded(world) as folder:
            from_archive = DuckRows(folder, timezone, world.now)
        today = world.now.astimezone(ZoneInfo(timezone)).date()
        changed, last = today - timedelta(days=2), today - timedelta(days=1)
        for dashboard, grain, first in (("web", "day", changed), ("meetings", "all", changed), ("web", "hour", last)):
            answered = rows(world, dashboard, grain, first, last)
            assert any(any(row["values"].values()) for row in answered)
            for oracle in (from_log, from_archive):
                assert_rows(answered, oracle.rows(dashboard, grain, first, last), Asked({"dashboard": dashboard}, {}))


def test_what_is_odd_is_archived_as_it_is(stack: Stack) -> None:
    with World(stack, definitions=SMALL) as world:
        odd = page(world.now, event_id="a\0b\r\n\u2028'\"", minutes_ago=YESTERDAY, path='"\\\0\n', bytes=0.1, empty={})
        odd |= {
            "user_id": "ü😀",
            "session_id": "NULL",
            "context": {"deep": [[{"x": None, "y": [True, 1e-7, 2**53 - 1]}]]},
        }
        later = page(world.now, event_id="twice", minutes_ago=YESTERDAY, path="/later")
        earlier = page(world.now, event_id="twice", minutes_ago=YESTERDAY, path="/earlier")
        Producer(world).send([earlier, odd])
        let_pass(world, 1)
        Producer(world).send([later])
        close(world)
        world.archive()
        found = archived(world)
        hour = yesterday(world)
        assert found[hour, odd["event_id"]] == odd
        assert found[hour, "twice"]["properties"]["path"] == "/earlier"
        assert len(found) == 2


@pytest.mark.parametrize("is_guarded", [True, False])
@pytest.mark.parametrize("is_new", [True, False])
def test_of_two_jobs_at_once_the_one_that_read_less_gives_way(closed: World, is_new: bool, is_guarded: bool) -> None:
    if not is_new:
        closed.archive()
        ask(closed, yesterday(closed))

    def unguarded(call: Call, request: AWSPreparedRequest) -> None:
        for name in {"If-Match", "If-None-Match"} & set(request.headers):
            del request.headers[name]

    def meanwhile() -> None:
        Producer(closed).send([page(closed.now, minutes_ago=CLOSED + YESTERDAY) | {"type": "not_counted"}])
        closed.deliver()
        with closed.another_process("queue_archive"):
            closed.archive()

    interleaving = closed.meanwhile(lambda call: call.operation == "PutObject", meanwhile)
    with patch.object(closed.stack.calls, "mutate", None if is_guarded else unguarded):
        closed.archive()
    assert interleaving.done
    if is_guarded:
        check_archived(closed)
    else:
        assert len(archived(closed)) == 3, "without the condition the event that came meanwhile is lost"


def test_what_was_erased_leaves_the_archive_and_does_not_come_back(closed: World) -> None:
    hour, log = yesterday(closed), DynamoEventLog("EventsTable")

    def erase() -> None:
        for logged in list(log.read(closed.workspace, hour, 0)):
            log.rewrite(logged, [])
        ask(closed, hour)
        with closed.another_process("queue_archive"):
            closed.archive()

    # A job has read the events, and writes when they are erased and the hour was archived without them.
    closed.meanwhile(lambda call: call.operation == "PutObject", erase)
    closed.archive()
    assert archived(closed) == {}
    with downloaded(closed) as folder:
        assert len(list(folder.rglob("*.parquet"))) == 1


def test_an_hour_of_which_the_log_has_ended_stays_as_it_was_archived(closed: World) -> None:
    closed.archive()
    before = archived(closed)
    assert len(before) == 3
    hour = yesterday(closed)
    pk = f"{closed.workspace}#{hour}#00"
    for item in closed.stack.items("EventsTable", pk):
        key = {"pk": {"S": pk}, "sk": {"S": item["sk"]}}
        closed.stack.dynamodb.delete_item(TableName="EventsTable", Key=key)
    ask(closed, hour)
    closed.archive()
    assert archived(closed) == before, "the log has nothing any more"
    closed.now += timedelta(days=91)
    closed.restart("queue_archive")
    Producer(closed).send([page(closed.now, minutes_ago=CLOSED + YESTERDAY + 91 * 24 * 60)])
    close(closed)
    closed.archive()
    assert archived(closed) == before, "the log has a part of it"


def test_an_hour_that_never_had_an_event_has_no_object(closed: World) -> None:
    ask(closed, hour_of(closed.now - timedelta(days=2), "UTC"))
    closed.archive()
    assert len(archived(closed)) == 3
