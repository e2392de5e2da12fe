"""`tidemark erase` and the state of the hours that it finds: open, unknown, half read, of an ended log, written to."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.stream_fold.handler import handler as stream_fold
from tests.cli_stack import run
from tests.support.operated import WORKSPACE, Operated
from tests.support.persons import (
    ANN,
    BOB,
    FIRST,
    SECOND,
    THIRD,
    YESTERDAY,
    cell_of,
    closed,
    events_of,
    final_cells,
    folded,
    inserted,
    items_of,
    log_of,
    stored,
    visit,
)
from tidemark.aws import clients
from tidemark.aws.event_log import DynamoEventLog
from tidemark.bootstrap import container
from tidemark.domain.closing import slot_at
from tidemark.domain.hourly import HourlyQuery
from tidemark.domain.hours import hour_of


def test_an_hour_of_which_nothing_is_left_is_read_by_all_who_read(told: Operated) -> None:
    for user in ("ann", "bob"):
        run("erase", WORKSPACE, "--user", user, "--yes")
    assert [events_of(log_of(told, each)) for each in (FIRST, SECOND, THIRD)] == [[], [], []]
    assert final_cells(told) == [cell_of([])] * 3
    assert all(item["count"] == 0 for item in items_of(told.tables.events, ""))
    workspace, now = container().directory.workspace(WORKSPACE), datetime.now(UTC)
    assert workspace
    assert container().timelines(workspace, "s-bob", 100, None).events == []
    query = {"dashboard": "web", "measures": "pageviews", "from": str(YESTERDAY), "to": str(YESTERDAY), "grain": "day"}
    (row,) = container().metrics.ask(workspace, query, now).rows
    assert row["values"] == {"pageviews": 0}
    table = HourlyQuery.parse({"dashboard": "classroom", "from": str(YESTERDAY), "to": str(YESTERDAY)}, YESTERDAY)
    assert container().hourly_table(workspace, table, now).rows == []
    stream_fold(inserted(told), None)
    assert final_cells(told) == [cell_of([])] * 3


def test_an_old_record_of_the_stream_does_not_bring_anything_back(told: Operated) -> None:
    old = inserted(told)
    run("erase", WORKSPACE, "--user", "ann", "--yes")
    container.cache_clear()  # another worker, which does not know that it has seen these
    stream_fold(old, None)
    closed(told, (FIRST, SECOND, THIRD))
    assert final_cells(told) == [cell_of([BOB[0]]), cell_of([BOB[1]]), cell_of([BOB[2]])]


def test_a_fold_beside_an_erasure_loses_nothing(told: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    late = visit("b4", FIRST, "bob")
    rewrite = DynamoEventLog.rewrite

    def meanwhile(log: DynamoEventLog, *args: Any) -> None:
        stored([late])
        stream_fold(inserted(told), None)
        rewrite(log, *args)

    monkeypatch.setattr(DynamoEventLog, "rewrite", meanwhile)
    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert "what others have there is unchanged" in result.stdout
    assert final_cells(told)[0] == cell_of([BOB[0], late])


def test_hours_with_several_shards_are_erased_in_all_of_them(rollup: Operated) -> None:
    clients.dynamodb().update_item(
        TableName=rollup.tables.directory,
        Key={"pk": {"S": f"WORKSPACE#{WORKSPACE}"}, "sk": {"S": "SETTINGS"}},
        UpdateExpression="SET shards = :shards",
        ExpressionAttributeValues={":shards": {"L": [{"L": [{"N": "0"}, {"N": "4"}]}]}},
    )
    container.cache_clear()
    ann, bob = ([visit(f"{who}{n}", FIRST, who) for n in range(20)] for who in ("ann", "bob"))
    stored([*ann, *bob], shards=4)
    folded(rollup)
    closed(rollup, [FIRST])
    assert "20 events of user ann in 1 hour" in run("erase", WORKSPACE, "--user", "ann", "--yes").stdout
    assert events_of(log_of(rollup, FIRST, shards=4)) == sorted(each["event_id"] for each in bob)


def test_an_hour_that_is_not_noted_yet_is_found(rollup: Operated) -> None:
    stored([ANN[0], BOB[0]])  # the stream is behind
    old = inserted(rollup)
    assert "1 event of user ann in 1 hour" in run("erase", WORKSPACE, "--user", "ann", "--yes").stdout
    stream_fold(old, None)
    closed(rollup, [FIRST])
    assert rollup.cells([FIRST])[FIRST].cell == cell_of([BOB[0]])
    assert rollup.agenda.hours(WORKSPACE, FIRST, FIRST) == [FIRST]


def test_an_open_hour_counts_the_person_until_it_closes_and_that_is_no_drift(rollup: Operated) -> None:
    present = hour_of(datetime.now(UTC), "UTC")
    ann, bob = visit("a9", present, "ann"), visit("b9", present, "bob")
    stored([ann, bob])
    folded(rollup)
    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert re.search(rf"^ *{present} .* at \d\d:05 UTC *$", result.stdout, re.MULTILINE)
    assert "1 hour still open: live numbers count the erased events until it closes" in result.stdout
    assert rollup.cells([present])[present].cell == cell_of([ann, bob])
    later = datetime.now(UTC) + timedelta(hours=2)
    (due,) = [each for each in rollup.agenda.due_until(slot_at(int(later.timestamp()))) if each.period == present]
    closing = container().rollup(due, later)
    assert closing
    assert (closing.outcome, closing.drift) == ("final", 0)
    assert rollup.cells([present])[present].cell == cell_of([bob])


def test_an_hour_that_cannot_be_recomputed_is_told_and_done_by_the_next_erasure(told: Operated) -> None:
    broken = DynamoEventLog.read

    def torn_for_the_worker(log: DynamoEventLog, workspace: str, of_hour: str, shard: int) -> Any:
        if of_hour == FIRST and log is container().event_log:
            raise OSError("the log is torn")
        return broken(log, workspace, of_hour, shard)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoEventLog, "read", torn_for_the_worker)
        result = run("erase", WORKSPACE, "--user", "ann", "--yes", fails=1)
    assert "1 hour could not be recomputed: OSError('the log is torn') (the same command again" in result.stderr
    assert final_cells(told)[0] == cell_of([ANN[0], BOB[0]])
    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert "0 events of user ann in 2 hours" in result.stdout
    assert "2 hours of them left by an erasure that was interrupted" in result.stdout
    assert final_cells(told)[0] == cell_of([BOB[0]])
    assert items_of(told.tables.work, "E#") == []


def test_the_totals_of_an_hour_whose_log_has_ended_are_kept_and_that_is_told(told: Operated) -> None:
    clients.dynamodb().update_item(
        TableName=told.tables.cells,
        Key={"pk": {"S": f"{WORKSPACE}#{FIRST}"}, "sk": {"S": "00"}},
        UpdateExpression="SET log_until = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )
    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert re.search(rf"^ *{FIRST} .* kept *$", result.stdout, re.MULTILINE)
    assert "kept hours count the erased events: a part of their log has ended" in result.stdout
    assert events_of(log_of(told, FIRST)) == ["b1"]
