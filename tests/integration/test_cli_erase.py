"""`tidemark erase` over DynamoDB and SQS (moto), with the handlers that fold and recompute."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from functions.stream_fold.handler import handler as stream_fold
from tests.cli_stack import run
from tests.support.operated import WORKSPACE, Operated
from tests.support.persons import (
    YESTERDAY,
    cell_of,
    closed,
    events_of,
    folded,
    hour,
    inserted,
    items_of,
    log_of,
    stored,
    visit,
)
from tidemark.aws import clients
from tidemark.aws.days import DynamoDays
from tidemark.aws.event_log import DynamoEventLog
from tidemark.aws.inbox import DynamoInbox
from tidemark.bootstrap import container
from tidemark.domain.closing import slot_at
from tidemark.domain.hourly import HourlyQuery
from tidemark.domain.hours import hour_of
from tidemark.domain.messages import Notice
from tidemark_cli.erasure.inbox import UserInbox

FIRST, SECOND, THIRD = hour(8), hour(9), hour(10)
ANN = [
    visit("a1", FIRST, "ann"),
    visit("a2", SECOND, "ann", "member_join"),
    visit("a3", SECOND, "ann", "member_leave"),
]
BOB = [visit("b1", FIRST, "bob"), visit("b2", SECOND, "bob", "member_join"), visit("b3", THIRD, "bob")]


@pytest.fixture
def rollup(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Operated:
    made = Operated(tables, monkeypatch)
    run("workspace", "create", WORKSPACE, "--dashboards", "web,classroom")
    return made


@pytest.fixture
def told(rollup: Operated) -> Operated:
    """Ann and Bob, in one request and in several, stored, folded and closed."""
    stored([ANN[0], BOB[0]])
    stored(ANN[1:])
    stored(BOB[1:])
    folded(rollup)
    closed(rollup, (FIRST, SECOND, THIRD))
    return rollup


def cells(rollup: Operated) -> list[Any]:
    found = rollup.cells([FIRST, SECOND, THIRD])
    assert all(cell.final for cell in found.values())
    return [found[each].cell for each in (FIRST, SECOND, THIRD)]


def test_a_user_is_erased_from_log_and_cells_and_nobody_else_is(told: Operated) -> None:
    assert cells(told) == [cell_of([ANN[0], BOB[0]]), cell_of([*ANN[1:], BOB[1]]), cell_of([BOB[2]])]
    before = {logged.chunk.key: logged for each in (FIRST, SECOND, THIRD) for logged in log_of(told, each)}
    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert "3 events of user ann in 2 hours, of 6 events" in result.stdout
    assert re.search(rf"^ *{FIRST} +2 +1 +0 += \w{{12}} +1 event *$", result.stdout, re.MULTILINE)
    assert re.search(rf"^ *{SECOND} +3 +2 +0 += \w{{12}} +1 event *$", result.stdout, re.MULTILINE)
    assert THIRD not in result.stdout
    assert "read again: 3 events" in result.stdout
    assert "none of user ann" in result.stdout
    after = {logged.chunk.key: logged for each in (FIRST, SECOND, THIRD) for logged in log_of(told, each)}
    assert events_of(after.values()) == ["b1", "b2", "b3"]
    assert cells(told) == [cell_of([BOB[0]]), cell_of([BOB[1]]), cell_of([BOB[2]])]
    # Every chunk is still there, under its key, as it was received and for as long; the emptied ones too.
    assert {key: (each.received_at, each.expires_at) for key, each in after.items()} == {
        key: (each.received_at, each.expires_at) for key, each in before.items()
    }
    assert sorted(each.erased for each in after.values()) == [0, 0, 1, 2]
    assert all(each.chunk.events == before[key].chunk.events for key, each in after.items() if not each.erased)
    assert items_of(told.tables.work, "E#") == []


def test_the_day_is_merged_anew(told: Operated) -> None:
    identities = set(cell_of(BOB).states)
    days = DynamoDays(told.tables.cells)
    (before,) = days.get_many(WORKSPACE, [YESTERDAY], identities).values()
    run("erase", WORKSPACE, "--user", "ann", "--yes")
    (after,) = days.get_many(WORKSPACE, [YESTERDAY], identities).values()
    assert after.cell != before.cell
    assert after.version == before.version + 2
    assert after.hours == before.hours


def test_a_dry_run_and_a_no_change_nothing(told: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = [items_of(table, "") for table in vars(told.tables).values() if table.startswith("tidemark-")]
    result = run("erase", WORKSPACE, "--user", "ann", "--dry-run")
    assert "3 events of user ann in 2 hours" in result.stdout
    assert "beside the user stood anonymous id anon-ann" in result.stdout
    monkeypatch.setattr("typer.confirm", lambda *_args, **_options: False)
    assert "nothing was erased" in run("erase", WORKSPACE, "--user", "ann", fails=1).stderr
    assert [items_of(table, "") for table in vars(told.tables).values() if table.startswith("tidemark-")] == everything


def test_erasing_again_finds_nothing_and_is_no_error(told: Operated) -> None:
    run("erase", WORKSPACE, "--user", "ann", "--yes")
    before = cells(told)
    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert "0 events of user ann in 0 hours" in result.stdout
    assert cells(told) == before
    assert told.waiting(told.queue_url) == 0


def test_a_request_that_is_sent_again_stays_refused(told: Operated) -> None:
    run("erase", WORKSPACE, "--user", "ann", "--yes")
    before = items_of(told.tables.events, "")
    stored([ANN[0], BOB[0]])
    stored(ANN[1:])
    assert items_of(told.tables.events, "") == before


def test_a_session_is_erased_with_its_timeline(told: Operated) -> None:
    workspace = container().directory.workspace(WORKSPACE)
    assert workspace
    assert len(container().timelines(workspace, "s-ann", 100, None).events) == 2
    result = run("erase", WORKSPACE, "--session", "s-ann", "--yes")
    assert "3 events of session s-ann" in result.stdout
    assert "1 chunk in the index of timelines" in result.stdout
    assert container().timelines(workspace, "s-ann", 100, None).events == []
    assert [event["event_id"] for event in container().timelines(workspace, "s-bob", 100, None).events] == ["b2"]
    assert len(items_of(told.tables.work, "S#")) == 1
    assert cells(told)[1] == cell_of([BOB[1]])


def test_what_is_left_of_a_users_session_is_its_other_people(told: Operated) -> None:
    joint = [
        visit("j1", THIRD, "ann", "member_join", session_id="s-j"),
        visit("j2", THIRD, "bob", "member_join", session_id="s-j"),
    ]
    stored(joint)
    folded(told)
    run("erase", WORKSPACE, "--user", "ann", "--yes")
    workspace = container().directory.workspace(WORKSPACE)
    assert workspace
    assert [event["event_id"] for event in container().timelines(workspace, "s-j", 100, None).events] == ["j2"]
    assert container().timelines(workspace, "s-ann", 100, None).events == []
    # The index of Ann's own session is gone; that of the joint one stays for Bob.
    assert len(items_of(told.tables.work, "S#")) == 2


def test_an_anonymous_visitor_is_erased(told: Operated) -> None:
    run("erase", WORKSPACE, "--anonymous", "anon-bob", "--yes")
    assert cells(told) == [cell_of([ANN[0]]), cell_of(ANN[1:]), cell_of([])]


def test_an_hour_of_which_nothing_is_left_is_read_by_all_who_read(told: Operated) -> None:
    for user in ("ann", "bob"):
        run("erase", WORKSPACE, "--user", user, "--yes")
    assert [events_of(log_of(told, each)) for each in (FIRST, SECOND, THIRD)] == [[], [], []]
    assert cells(told) == [cell_of([])] * 3
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
    assert cells(told) == [cell_of([])] * 3


def test_an_old_record_of_the_stream_does_not_bring_anything_back(told: Operated) -> None:
    old = inserted(told)
    run("erase", WORKSPACE, "--user", "ann", "--yes")
    container.cache_clear()  # another worker, which does not know that it has seen these
    stream_fold(old, None)
    closed(told, (FIRST, SECOND, THIRD))
    assert cells(told) == [cell_of([BOB[0]]), cell_of([BOB[1]]), cell_of([BOB[2]])]


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
    assert cells(told)[0] == cell_of([BOB[0], late])


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


def test_a_users_messages_are_erased_and_a_new_one_arrives(told: Operated) -> None:
    inbox, now = DynamoInbox(told.tables.inbox), int(datetime.now(UTC).timestamp())
    for user in ("ann", "bob"):
        for number in range(3):
            inbox.append(WORKSPACE, Notice(user, f"m{number}", {"n": number}, "2026-11-22T10:00:00.000Z"), now)
    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert "7 items in the inbox" in result.stdout
    assert items_of(told.tables.inbox, f"{WORKSPACE}#ann") == []
    assert len(inbox.pending(WORKSPACE, "bob", now)) == 3
    assert inbox.append(WORKSPACE, Notice("ann", "m0", {}, "2026-11-22T11:00:00.000Z"), now).seq == 1


def test_a_message_that_comes_during_the_erasure_is_erased_or_kept_whole(
    told: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, now = DynamoInbox(told.tables.inbox), int(datetime.now(UTC).timestamp())
    inbox.append(WORKSPACE, Notice("ann", "m0", {}, "2026-11-22T10:00:00.000Z"), now)
    client = clients.dynamodb()
    real, left = client.delete_item, [1]

    def meanwhile(**request: Any) -> Any:
        if request["Key"]["sk"]["S"] == "HEAD" and left:
            left.pop()
            inbox.append(WORKSPACE, Notice("ann", "m1", {}, "2026-11-22T10:00:01.000Z"), now)
        return real(**request)

    user_inbox = UserInbox(told.tables.inbox, WORKSPACE, "ann")
    monkeypatch.setattr(client, "delete_item", meanwhile)
    user_inbox.erase()
    assert not left
    assert items_of(told.tables.inbox, f"{WORKSPACE}#ann") == []


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
    assert cells(told)[0] == cell_of([ANN[0], BOB[0]])
    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert "0 events of user ann in 2 hours" in result.stdout
    assert "2 hours of them left by an erasure that was interrupted" in result.stdout
    assert cells(told)[0] == cell_of([BOB[0]])
    assert items_of(told.tables.work, "E#") == []


def test_events_that_come_meanwhile_are_told(told: Operated) -> None:
    def work() -> None:
        told.work()
        stored([visit("a4", THIRD, "ann")])

    told.while_waiting(work)
    result = run("erase", WORKSPACE, "--user", "ann", "--yes", fails=1)
    assert "there is something left: 1 event of user ann" in result.stderr
    told.while_waiting(told.work)
    run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert events_of(log_of(told, THIRD)) == ["b3"]


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


@pytest.mark.parametrize(
    "args",
    [[], ["--user", "ann", "--session", "s"], ["--user", ""], ["--anonymous", "x" * 257]],
)
def test_one_subject_is_named(rollup: Operated, args: list[str]) -> None:
    run("erase", WORKSPACE, *args, "--yes", fails=2)


def test_a_workspace_that_is_not_there_is_told(rollup: Operated) -> None:
    assert "there is no workspace nope" in run("erase", "nope", "--user", "ann", fails=1).stderr
