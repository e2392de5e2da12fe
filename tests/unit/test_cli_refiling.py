"""Filing the log anew, over random histories: interrupted anywhere, beside workers that know the old settings."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.histories import batches
from tests.support.memory import MemoryCells, nothing
from tests.support.world import World
from tidemark.domain.cells import compact, encode
from tidemark.domain.chunks import Chunk
from tidemark.domain.closing import EVERY_DAY, running_slot, slot_at
from tidemark.domain.definitions import shipped
from tidemark.domain.events import format_timestamp
from tidemark.domain.fold import Fold
from tidemark.domain.hours import hour_of
from tidemark.domain.views import View
from tidemark.services.ports import CellKey, LoggedChunk
from tidemark.services.record import PastClosing, PastRun
from tidemark_cli.erasure import sweep
from tidemark_cli.refiling.operation import Refiling, Tables
from tidemark_cli.rollup.backfill import Sent

SPRING, AUTUMN = datetime(2026, 10, 5, 10, 37, tzinfo=UTC), datetime(2026, 4, 5, 21, 10, tzinfo=UTC)
"""Just after Lord Howe's clocks were put forward and back, by half an hour."""
MOVES = [
    ("UTC", "Asia/Kolkata", SPRING),
    ("Asia/Kolkata", "Asia/Kathmandu", AUTUMN),
    ("UTC", "Australia/Lord_Howe", SPRING),
    ("Asia/Kathmandu", "Australia/Lord_Howe", AUTUMN),
    ("Australia/Lord_Howe", "UTC", AUTUMN),
]
VIEW = View("web", 3)


class Interrupted(Exception):
    """The command has died here."""


class Log:
    """The log of a world, for an operator: what is put there comes through the stream."""

    def __init__(self, world: World) -> None:
        self._world = world

    def put(self, chunk: Chunk, received_at: datetime, expires_at: int, *, refiled: bool = False) -> bool:
        self._world.before()
        is_new = self._world.log.put(chunk, received_at, expires_at)
        if is_new:
            logged = LoggedChunk(chunk, format_timestamp(received_at), expires_at, refiled=refiled)
            self._world.records.append(logged)
        return is_new

    def read(self, workspace: str, hour: str, shard: int) -> Iterator[LoggedChunk]:
        self._world.before()
        yield from self._world.log.read(workspace, hour, shard)

    def has_chunks(self, workspace: str, hour: str, shard: int) -> bool:
        return any(self.read(workspace, hour, shard))

    def remove(self, logged: LoggedChunk) -> None:
        self._world.before()
        chunk = logged.chunk
        for kept in (self._world.log.chunks, self._world.log.logged):
            kept.pop((chunk.workspace, chunk.hour, chunk.shard, chunk.key), None)


class Cells:
    """The cells of a world, for an operator."""

    def __init__(self, cells: MemoryCells) -> None:
        self._cells = cells

    def remove(self, keys: Sequence[CellKey]) -> None:
        self._cells.remove(keys)

    def log_ends(self, workspace: str, keys: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        return {place: cell.log_until for place, cell in self._cells.stored_many(workspace, keys).items()}


class Nothing:
    """An index and an archive that have nothing."""

    def remove(self, workspace: str, session: str, places: Sequence[tuple[str, int, str]]) -> None: ...

    def write(self, hour: str, now: datetime) -> None: ...

    def empty(self, hour: str, has_moved: bool, now: datetime) -> None: ...


class NoRecord:
    """A record of the rollup in which nothing has failed."""

    def runs(self, count: int) -> list[PastRun]:
        return []

    def closings_of(self, workspace: str, slot: str, first: str, last: str) -> list[PastClosing]:
        return []

    def closings(self, slot: str) -> list[PastClosing]:
        return []


class Life:
    """A world whose workspace moves, seeded."""

    def __init__(self, seed: int, old: str, now: datetime) -> None:
        self.chance = random.Random(seed)
        self.world = World(old, shards=self.chance.choice([1, 4]))
        self.now = now
        self.worker = self.world.worker()
        self.sent: list[dict[str, Any]] = []
        self._old = self.world.workspace
        self._folded = 0
        self._batches = batches(seed, now, 4, 60)
        self._stored: list[list[dict[str, Any]]] = []

    def store(self, *, by_old: bool = False) -> None:
        """Have a request come, or come again; `by_old` where the settings from before are known still."""
        again = self._stored and (not self._batches or self.chance.random() < 0.3)
        batch = self.chance.choice(self._stored) if again else self._batches.pop()
        self._stored.append(batch)
        current = self.world.workspace
        self.world.workspace = self._old if by_old else current
        self.sent += [each for logged in self.world.store(batch, self.now) for each in logged.chunk.events]
        self.world.workspace = current

    def fold(self, up_to: float = 1.0) -> None:
        """Deliver a part of what is in the stream, the last batch twice."""
        records = self.world.records
        end = self._folded + round(up_to * (len(records) - self._folded))
        self.worker.fold(records[max(0, self._folded - 3) : end], self.now)
        self._folded = end

    def roll_up(self) -> None:
        """Do what is due, and what is queued."""
        queued, self.world.queue.periods = self.world.queue.periods, []
        for due in [*(due for due, _ in queued), *self.world.agenda.due_until(running_slot(self._seconds))]:
            self.worker.rollup(due, self.now)

    def pass_time(self, hours: float) -> None:
        """Let time pass, with the runs that come meanwhile."""
        self.now += timedelta(hours=hours)
        self.roll_up()

    def anything(self) -> None:
        """Let some of what may happen at any time happen."""
        happenings: list[Callable[[], None]] = [self.store, self.fold, self.roll_up, lambda: self.fold(0.5)]
        for happen in self.chance.choices(happenings, k=3):
            happen()

    def move(self, timezone: str) -> None:
        """Change the settings; for a while others do not know."""
        self.world.workspace = replace(
            self._old, timezone=timezone, calendar=1, former_timezone=self._old.timezone, moved_at=self._seconds
        )
        self.world.agenda.schedule("demo", EVERY_DAY, slot_at(self._seconds))
        for _ in range(3):
            self.store(by_old=self.chance.random() < 0.7)
            self.fold(self.chance.random())
        self.now += timedelta(minutes=2)
        if self.chance.random() < 0.7:
            self.worker = self.world.worker()

    def refile(self, calls: int) -> bool:
        """Run the command, which dies after so many calls; answer whether it came to its end."""
        world, left = self.world, calls

        def count_down() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Interrupted

        tables = Tables(world.agenda, Cells(world.cells), world.days, Nothing(), Log(world), Nothing())
        refiling = Refiling(world.workspace, tables)
        world.before = count_down
        try:
            while True:
                has_changed = refiling.sweep(refiling.hours(self.now), self.now, lambda: None)
                refiling.recompute(NoRecord(), Sent(world.queue, lambda _: None), self.now)
                if not has_changed:
                    break
            world.agenda.schedule("demo", EVERY_DAY, slot_at(self._seconds))
        except Interrupted:
            return False
        finally:
            world.before = nothing
        world.workspace = replace(world.workspace, former_timezone="", moved_at=0)
        return True

    @property
    def _seconds(self) -> int:
        return int(self.now.timestamp())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("old", "new", "now"), MOVES)
def test_whatever_comes_between_in_the_end_all_is_where_it_belongs_once(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str, now: datetime, seed: int
) -> None:
    monkeypatch.setattr(sweep, "WORKERS", 1)
    life = Life(seed, old, now)
    for _ in range(4):
        life.store()
        life.anything()
    life.pass_time(life.chance.choice([0.1, 0.6, 3]))
    life.move(new)
    while not life.refile(life.chance.choice([5, 20, 80, 2000])):
        life.anything()
    life.worker = life.world.worker()
    life.store()
    life.fold()
    life.pass_time(2)
    life.pass_time(1)
    life.fold()
    life.pass_time(1)
    check(life, new)
    assert life.refile(10**6)  # the same command again takes away what a fold that was behind has noted
    life.roll_up()
    check(life, new)
    assert set(life.world.agenda.hours("demo", "1970", "9999")) == {key[1] for key in life.world.log.chunks}


def check(life: Life, timezone: str) -> None:
    """What is shown, noted and stored is what the events are in the hours of the timezone."""
    world, fold = life.world, Fold(shipped()[name] for name in life.world.workspace.dashboards)
    belongs = {(hour_of(datetime.fromisoformat(each["timestamp"]), timezone), each["event_id"]) for each in life.sent}
    found = {(key[1], each["event_id"]): each for key, chunk in world.log.chunks.items() for each in chunk.events}
    assert set(found) == belongs
    hours = {hour for hour, _ in belongs}
    assert hours <= set(world.agenda.hours("demo", "1970", "9999"))
    by_cell: dict[tuple[str, str, int], dict[str, Any]] = {}
    for (_, hour, shard, _), chunk in world.log.chunks.items():
        by_cell.setdefault(("demo", hour, shard), {}).update({each["event_id"]: each for each in chunk.events})
    for key, events in by_cell.items():
        cell = world.cells.get(key)
        assert cell.final, f"{key} is not final"
        assert encode(cell.cell) == encode(compact(fold(list(events.values())))), key
    days = {day for _, day in world.days.kept if world.days.kept["demo", day].calendar == 1}
    assert all(world.days.kept["demo", day].hours <= hours for day in days)
    head = life.worker.views.current(world.workspace, VIEW, life.now)
    assert head.sections == world.from_the_log(VIEW, head.hour)
    assert not [closing for closing in world.runs.closings if closing.drift]
