"""`tidemark erase` over DynamoDB and SQS (moto), with the handlers that fold and recompute."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

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
    events_of,
    final_cells,
    folded,
    items_of,
    log_of,
    stored,
    visit,
)
from tidemark.aws import clients
from tidemark.aws.days import DynamoDays
from tidemark.aws.inbox import DynamoInbox
from tidemark.bootstrap import container
from tidemark.domain.messages import Notice
from tidemark_cli.erasure.inbox import UserInbox


def test_a_user_is_erased_from_log_and_cells_and_nobody_else_is(told: Operated) -> None:
    assert final_cells(told) == [cell_of([ANN[0], BOB[0]]), cell_of([*ANN[1:], BOB[1]]), cell_of([BOB[2]])]
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
    assert final_cells(told) == [cell_of([BOB[0]]), cell_of([BOB[1]]), cell_of([BOB[2]])]
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
    before = final_cells(told)
    result = run("erase", WORKSPACE, "--user", "ann", "--yes")
    assert "0 events of user ann in 0 hours" in result.stdout
    assert final_cells(told) == before
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
    assert final_cells(told)[1] == cell_of([BOB[1]])


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
    assert final_cells(told) == [cell_of([ANN[0]]), cell_of(ANN[1:]), cell_of([])]


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


@pytest.mark.parametrize(
    "args",
    [[], ["--user", "ann", "--session", "s"], ["--user", ""], ["--anonymous", "x" * 257]],
)
def test_one_subject_is_named(rollup: Operated, args: list[str]) -> None:
    run("erase", WORKSPACE, *args, "--yes", fails=2)


def test_a_workspace_that_is_not_there_is_told(rollup: Operated) -> None:
    assert "there is no workspace nope" in run("erase", "nope", "--user", "ann", fails=1).stderr
