"""`tidemark erase` that ends at any of its writes: the same command again finishes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ReadTimeoutError
from typer.testing import CliRunner

from tests.cli_stack import run
from tests.support.calls import READS
from tests.support.operated import WORKSPACE, Operated
from tests.support.persons import cell_of, closed, folded, hour, items_of, stored, visit
from tidemark.aws.inbox import DynamoInbox
from tidemark.domain.messages import Notice
from tidemark_cli.erasure import operation
from tidemark_cli.main import app
from tidemark_cli.stack import Stack

FIRST, SECOND = hour(8), hour(9)
BOB = [visit("b1", FIRST, "bob"), visit("b2", SECOND, "bob", "member_join")]


@pytest.fixture
def told(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Operated:
    """Bob, stored and folded."""
    made = Operated(tables, monkeypatch)
    run("workspace", "create", WORKSPACE, "--dashboards", "web,classroom")
    stored(BOB)
    folded(made)
    return made


def cells(rollup: Operated) -> list[Any]:
    found = rollup.cells([FIRST, SECOND])
    assert all(cell.final for cell in found.values())
    return [found[each].cell for each in (FIRST, SECOND)]


class Interruption:
    """Ends the command at one of its writes to AWS, before that takes effect or after; the worker's are let through."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, rollup: Operated, is_done: bool, error: Callable[[], BaseException]
    ) -> None:
        self.at, self.calls, self.working = -1, 0, True
        self.exit_codes = (
            {0, 1} if is_done else {130}
        )  # a write whose answer is lost may be met again, and be no failure
        real = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # where every call passes

        def call(client: Any, operation: str, request: Any) -> Any:
            if self.working:
                return real(client, operation, request)
            if operation in READS:  # to end at one is to end before the next write
                return real(client, operation, request)
            self.calls += 1
            if self.calls - 1 != self.at:
                return real(client, operation, request)
            if is_done:
                real(client, operation, request)
            raise error()

        def work() -> None:
            self.working = True
            rollup.work()
            self.working = False

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        rollup.while_waiting(work)

    def erase(self, at: int, user: str) -> bool:
        """Run an erasure that ends at this call; answer whether it came to that."""
        self.at, self.calls, self.working = at, 0, False
        result = CliRunner().invoke(app, ["erase", WORKSPACE, "--user", user, "--yes"])
        self.working = True
        assert result.exit_code in (self.exit_codes if self.calls > at else {0}), (result.output, result.exception)
        return self.calls > at


@pytest.mark.parametrize(
    ("is_done", "error"),
    [(False, KeyboardInterrupt), (True, lambda: ReadTimeoutError(endpoint_url="https://aws"))],
    ids=["killed before", "answer lost"],
)
def test_an_erasure_that_ends_at_any_write_is_finished_by_the_next(
    told: Operated, monkeypatch: pytest.MonkeyPatch, is_done: bool, error: Callable[[], BaseException]
) -> None:
    monkeypatch.setattr(operation, "UNNOTED_DAYS", -1)  # the recent hours are but empty calls here
    monkeypatch.setattr(Stack, "lend", lambda _stack: None)  # they speak to it already; new clients are slow to make
    interruption = Interruption(monkeypatch, told, is_done, error)
    inbox, now = DynamoInbox(told.tables.inbox), int(datetime.now(UTC).timestamp())
    at, goes_on = 0, True
    while goes_on:
        user = f"eve{at}"
        inbox.append(WORKSPACE, Notice(user, "m", {}, "2026-11-22T10:00:00.000Z"), now)
        stored([visit(f"{user}-1", FIRST, user), visit(f"{user}-2", SECOND, user, "member_join")])
        closed(told, (FIRST, SECOND))
        assert cells(told)[0] != cell_of([BOB[0]])
        goes_on = interruption.erase(at, user)
        run("erase", WORKSPACE, "--user", user, "--yes")
        assert cells(told) == [cell_of([BOB[0]]), cell_of([BOB[1]])], f"write {at}"
        assert items_of(told.tables.work, "E#") == []
        assert items_of(told.tables.inbox, f"{WORKSPACE}#{user}") == []
        at += 1
    assert at > 15
