"""Cold storage through the real handlers: what was analysed is there when the table has it no more, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from tests.support.batches import SIZE, batches, hashes
from tests.support.clients import Producer
from tests.support.closing import let_pass, run
from tests.support.cold import BUCKET, analysed_long_ago, ask, cold_rows, expired, noted
from tests.support.connections import Response
from tests.support.data import SMALL, pages
from tests.support.deployed import World
from tests.support.memory_cold import HOUR, analysed
from tests.support.stack import Stack
from tidemark.aws.batches import DynamoBatches
from tidemark.aws.cold_batches import DynamoAnalysedBatches, S3ColdStorage
from tidemark.aws.cold_notes import PARTITIONS, DynamoColdNotes
from tidemark.domain.batches import Batch, Chain
from tidemark.domain.chunks import event_hash
from tidemark.domain.cold_batches import analysed_of, row_of
from tidemark.domain.errors import Conflict
from tidemark.services.cold_notes import STORED_AFTER_SECONDS

NOW = 1_800_000_000


@pytest.fixture
def small(stack: Stack) -> Iterator[World]:
    stack.clear()
    with World(stack, definitions=SMALL) as world:
        world.settings(batch_events=SIZE)
        yield world


def ask_route(world: World, method: str, path: str) -> Response:
    return world.http(method, f"/v1/admin/{path}", headers={"authorization": f"Bearer {world.token('admin')}"})


def restore(world: World, batch: str) -> Response:
    return ask_route(world, "POST", f"batches/{batch}/restore")


def expire(world: World) -> None:
    """Have DynamoDB delete the batches."""
    for item in batches(world):
        key = {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}
        world.stack.dynamodb.delete_item(TableName="WorkTable", Key=key)


def fill(world: World) -> None:
    """Have the first batch of the hour be open."""
    batch = Batch(Chain(world.workspace, HOUR, 0), 0, chunks=("0" * 32,), ids=frozenset({5}), version=1)
    DynamoBatches("WorkTable").put(batch, NOW, NOW + 86_400)


@patch("tidemark.aws.cold_notes.PARTITIONS", 1)  # each minute one is looked at
def test_a_batch_goes_from_its_events_to_cold_storage_and_comes_back_when_it_has_expired(small: World) -> None:
    # GIVEN two full batches that were analysed, and one that is open
    events = pages(small.now, 2 * SIZE + 1)
    Producer(small).send(events)
    small.fold()
    small.analyse()
    before = {item["sk"]: item for item in batches(small)}
    full = [name for name, item in before.items() if item["state"] == "ANALYZED"]
    assert (len(full), noted(small)) == (2, [small.hour])
    # WHEN the hour is due
    run(small, "cron_batches")
    assert small.stack.archive_jobs.queued == []
    let_pass(small, STORED_AFTER_SECONDS // 60)
    run(small, "cron_batches")
    assert len(small.stack.archive_jobs.queued) == 1
    small.archive()
    # THEN DuckDB finds them, with their events and insights, and nothing is left to do
    rows = cold_rows(small, full[0].partition(".")[0])
    assert [row["batch_id"] for row in rows] == full
    stored = {each for row in rows for each in row["event_hashes"]}
    assert len(stored) == 2 * SIZE
    assert stored <= {f"{event_hash(event['event_id']):016x}" for event in events}
    assert {(row["events"], row["insight"]["events"], row["provider"]) for row in rows} == {(SIZE, SIZE, "statistical")}
    assert {(row["workspace"], str(row["date"])) for row in rows} == {(small.workspace, full[0][:10])}
    assert noted(small) == []
    # WHEN the table has them no more
    expire(small)
    assert ask_route(small, "GET", f"batches/{full[1]}").status == 404
    answer = restore(small, full[1])
    # THEN one comes back as it was, and stays as long as a new one
    assert (answer.status, answer.json()["changed"]) == (200, True)
    assert answer.json()["batch"]["insight"]["summary"] == rows[1]["insight"]["summary"]
    (item,) = batches(small)
    now_seconds = int(small.now.timestamp())
    assert item.pop("restored_at") == now_seconds
    assert item.pop("expires_at") == now_seconds + 90 * 86_400
    same = before[full[1]]
    assert {name: item[name] for name in item.keys() - {"version", "insight"}} == {
        name: same[name] for name in item.keys() - {"version", "insight"}
    }
    assert sorted(hashes(item)) == hashes(same)
    assert [each["insight_id"] for each in ask_route(small, "GET", "insights").json()["insights"]] == [full[1]]
    # AND again it changes nothing
    again = restore(small, full[1])
    assert (again.status, again.json()["changed"]) == (200, False)
    trail = ask_route(small, "GET", "audit").json()["entries"]
    assert [each["target"] for each in trail if each["action"] == "restore batch"] == [full[1], full[1]]
    # AND its events are there still, since the log has them
    assert len(ask_route(small, "GET", f"batches/{full[1]}/events").json()["events"]) == SIZE


def test_what_is_in_neither_place_is_unknown(small: World) -> None:
    expired(small)
    for batch in (f"{HOUR}.00.000008", "2026-11-22T09:00Z.00.000000"):
        answer = restore(small, batch)
        assert (answer.status, answer.json()["code"]) == (404, "unknown_batch")
    assert restore(small, "no-id").json()["code"] == "invalid_batch"


def test_what_is_there_is_left_as_it_is_and_what_has_expired_is_put_back(small: World) -> None:
    store = DynamoAnalysedBatches("WorkTable")
    batch = analysed(workspace=small.workspace)
    assert store.restore(batch, NOW, NOW + 100)
    assert not store.restore(analysed(workspace=small.workspace, summary="another"), NOW + 99, NOW + 300)
    assert list(store.of_hour(small.workspace, HOUR)) == [batch]
    assert store.restore(analysed(workspace=small.workspace, summary="another"), NOW + 100, NOW + 300)
    (found,) = store.of_hour(small.workspace, HOUR)
    assert found.insight.summary == "another"


def test_of_batches_that_had_the_same_id_the_last_one_comes_back(small: World) -> None:
    name = expired(small, [analysed(0, at, small.workspace, f"opened at {at}") for at in (100, 900)])
    assert restore(small, name).json()["batch"]["insight"]["summary"] == "opened at 900"


def test_a_batch_does_not_come_back_behind_one_that_is_being_filled(small: World) -> None:
    name = expired(small)
    fill(small)
    refused = restore(small, name)
    assert (refused.status, refused.json()["code"]) == (409, "wrong_state")
    ask_route(small, "POST", f"batches/{HOUR}.00.000000/seal")
    assert restore(small, name).json()["changed"] is True


def test_a_batch_that_is_analysed_again_stays_in_cold_storage_as_it_was_until_it_is_done(small: World) -> None:
    name = analysed_long_ago(small)
    small.archive()
    (before,) = cold_rows(small)
    assert ask_route(small, "POST", f"batches/{name}/analyse").json()["changed"] is True
    now = int(small.now.timestamp())
    DynamoColdNotes("WorkTable").note(small.workspace, HOUR, now - 7200, now)
    ask(small)
    small.archive()
    assert cold_rows(small) == [before]
    assert noted(small) == []


def test_two_objects_of_the_same_batches_are_told_apart(small: World) -> None:
    storage, rows = S3ColdStorage(BUCKET), [row_of(analysed(number, workspace=small.workspace)) for number in range(3)]
    place = small.workspace, HOUR
    assert storage.replace(*place, rows, None) == 3
    with storage.read(*place) as first:
        assert first is not None
        assert [analysed_of(row) for row in first.rows] == [analysed(n, workspace=small.workspace) for n in range(3)]
    with pytest.raises(Conflict):
        storage.replace(*place, rows, None)
    assert storage.replace(*place, rows, first.tag) == 3
    with pytest.raises(Conflict):
        storage.replace(*place, rows, first.tag)


def test_each_partition_of_the_notes_is_looked_at_within_a_quarter_of_an_hour(small: World) -> None:
    notes, names = DynamoColdNotes("WorkTable"), {f"w{number}" for number in range(40)}
    for name in names:
        notes.note(name, HOUR, NOW, NOW)
        notes.note(name, HOUR, NOW + 60, NOW + 60)
    for first, found in ((NOW - 60 * PARTITIONS, set()), (NOW, names)):
        due = [note for minute in range(PARTITIONS) for note in notes.due(first + 60 * minute)]
        assert {note.workspace for note in due} == found
        assert {(note.hour, note.due_at) for note in due} <= {(HOUR, NOW)}
    assert {name: notes.find(name, HOUR) for name in names} == dict.fromkeys(names, NOW + 60)
