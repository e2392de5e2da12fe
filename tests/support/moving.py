"""`tidemark workspace set --timezone` in a world, to a timezone that has other hours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from tests.support.archived import archived
from tests.support.checks import log_of
from tests.support.deployed import World
from tests.support.life import HANDLERS, cells_of
from tests.support.stack import ENVIRONMENT
from tidemark.aws import clients
from tidemark.aws.agenda import DynamoAgenda
from tidemark.domain.closing import is_closed
from tidemark.domain.hours import day_of, hour_of
from tidemark_cli.commands import backfill, moving
from tidemark_cli.commands import workspace as commands
from tidemark_cli.main import app
from tidemark_cli.stack import Stack

OUTPUTS = {
    "DirectoryTable": "DirectoryTable",
    "EventsTable": "EventsTable",
    "CellsTable": "CellsTable",
    "WorkTable": "WorkTable",
    "InboxTable": "InboxTable",
    "RollupQueueUrl": ENVIRONMENT["ROLLUP_QUEUE_URL"],
    "RollupDeadLetterQueueUrl": ENVIRONMENT["ROLLUP_QUEUE_URL"],
    "ArchiveBucket": ENVIRONMENT["ARCHIVE_BUCKET"],
}
COMMAND = "command"
"""By this name the calls of the command are known, as those of a handler are by its own."""


def nothing() -> None:
    """Let nothing happen."""


class Mover:
    """Moves a world: `meanwhile` happens once while the command waits, in functions that know the settings before."""

    def __init__(self, world: World, meanwhile: Callable[[], None] = nothing) -> None:
        self._world = world
        self._meanwhile = meanwhile

    def move(self, timezone: str, *more: str) -> int:
        """Run the command; return its status."""
        with self._deployed(timezone), self._world.stack.calls.of(COMMAND):
            result = CliRunner().invoke(app, ["workspace", "set", self._world.workspace, "--timezone", timezone, *more])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        self.told = result.output
        return result.exit_code

    @contextmanager
    def _deployed(self, timezone: str) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patches:
            patches.setattr(Stack, "_outputs", OUTPUTS)
            patches.setattr(Stack, "dynamodb", clients.dynamodb())
            patches.setattr(Stack, "lend", lambda _stack: None)  # the adapters speak to it already
            patches.setenv("TIDEMARK_STACK", "deployed")
            for module in (commands, moving):
                patches.setattr(module, "now", lambda: self._world.now)
            patches.setattr(moving, "pause", lambda _seconds: self._wait(timezone))
            patches.setattr(backfill, "POLL_SECONDS", 0.0)
            patches.setattr(backfill, "pause", lambda _seconds: self._work())
            yield

    def _wait(self, timezone: str) -> None:
        self._world.timezone = timezone
        self._meanwhile()
        self._meanwhile = nothing
        self._world.now += timedelta(seconds=moving.WAIT_SECONDS)
        self._world.restart(*HANDLERS)

    def _work(self) -> None:
        self._world.fold()
        self._world.roll_up()


def check_filed(world: World) -> None:
    """Nothing is filed, noted, shown or archived by other hours than those of the timezone."""
    events = log_of(world)
    for (hour, _), event in events.items():
        belongs = hour_of(datetime.fromisoformat(event["timestamp"]), world.timezone)
        assert hour == belongs, f"an event of {belongs} is filed in {hour}"
    hours = {hour for hour, _ in events}
    assert set(DynamoAgenda("WorkTable").hours(world.workspace, "1970", "9999")) == hours
    assert cells_of(world) <= hours | {day_of(hour, world.timezone).isoformat() for hour in hours}
    world.archive()
    closed = {place: each for place, each in events.items() if is_closed(place[0], int(world.now.timestamp()))}
    assert archived(world) == closed
