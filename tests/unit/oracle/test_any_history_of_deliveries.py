"""Whatever happens on the way from the log to the viewers, what is shown in the end is what the log says.

A state machine (Hypothesis) stores batches, delivers their chunks in any order and grouping and again and again to two
workers, lets one work between any two requests of the other, kills workers, has viewers come and go, and lets the clock
pass hours and midnights. Closed hours are rolled up in any order, repeatedly, between the requests of a fold, or by a
worker that dies. Batches are analysed, also between the requests of others, by workers that die before they have shown
what they found. The workspace moves to other timezones, of which the workers learn late. When all is delivered, every
watched view must be the fresh rendering of the log, every head that there ever was must lead to the present one by the
deltas alone, and no rollup may have found that a live hour had drifted.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.insights import insight
from tests.support.strategies import event
from tests.support.viewer import Viewer, assert_lead_on
from tests.support.world import World
from tidemark.domain.cells import compact, encode, merge
from tidemark.domain.closing import EVERY_DAY, slot_at
from tidemark.domain.definitions import shipped
from tidemark.domain.events import format_timestamp
from tidemark.domain.hours import day_of, hour_of
from tidemark.domain.snapshot import checksums_of
from tidemark.domain.views import View
from tidemark.services import contention, heads
from tidemark.services.closing_ports import Due
from tidemark.services.folds import Folds
from tidemark.services.ports import LoggedChunk
from tidemark.services.watching import LEASE_SECONDS

MOMENTS = [
    ("UTC", datetime(2026, 11, 22, 23, 10, tzinfo=UTC)),
    ("Asia/Kolkata", datetime(2026, 11, 22, 17, 50, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 4, 30, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 14, 20, tzinfo=UTC)),
]
APART_BY_HOURS = dict.fromkeys(zones := ["UTC", "America/New_York", "Pacific/Kiritimati"], zones)
VIEWS = [View("web", 1), View("web", 3), View("meetings", 2)]
VIEWERS = ["ann", "bob"]
KINDS = ["page", "page", "page", "meeting_completed", "task_created"]

ages = st.one_of(st.integers(-30, 90), st.integers(0, 4 * 24 * 60))
drawn = st.tuples(st.integers(0, 40), ages)
chances = st.randoms(use_true_random=False)
numbers = st.integers(0, 8)


class Crash(BaseException):
    """The end of a process, as no handler can catch it."""


class Deliveries(RuleBasedStateMachine):
    """Two workers with memories of their own over one set of tables."""

    @initialize(
        moment=st.sampled_from(MOMENTS), shards=st.sampled_from([1, 2]), patch_bytes=st.sampled_from([30_000, 1_500])
    )
    def start(self, moment: tuple[str, datetime], shards: int, patch_bytes: int) -> None:
        timezone, self.now = moment
        heads.MAX_PATCH_BYTES = patch_bytes  # with the smaller one a new hour makes a new epoch
        self.world = World(timezone, shards)
        self.workers = [self.world.worker(), self.world.worker()]
        self.broadcast = self.world.broadcast()
        self.pending: list[LoggedChunk] = []
        self.pushed = 0
        self.unshown = False
        self.viewers: dict[tuple[str, View], Viewer] = {}
        for viewer in VIEWERS:
            self.world.connect(viewer)

    @rule(found=st.lists(drawn, min_size=1, max_size=8))
    def ingest(self, found: list[tuple[int, int]]) -> None:
        events = [self.event(number, age) for number, age in found]
        self.pending += self.world.store(events, self.now)

    @precondition(lambda self: self.world.records)
    @rule(worker=st.integers(0, 1), chance=chances)
    def deliver(self, worker: int, chance: random.Random) -> None:
        self.fold(worker, self.some(chance))

    @precondition(lambda self: self.world.records)
    @rule(worker=st.integers(0, 1), at=st.integers(1, 12), later=st.sampled_from([0, 0, 45]), chance=chances)
    def deliver_while_the_other_worker_folds_between_two_requests(
        self, worker: int, at: int, later: int, chance: random.Random
    ) -> None:
        """A worker reads the clock once, so that the other one may be an hour ahead."""
        one, other = self.some(chance), self.some(chance)

        def meanwhile() -> None:
            self.let_pass(later)
            self.fold(1 - worker, other)

        self.step_in(at, meanwhile)
        self.fold(worker, one)
        self.world.before = lambda: None

    @precondition(lambda self: self.world.records)
    @rule(worker=st.integers(0, 1), at=st.integers(1, 10), chance=chances)
    def deliver_and_die_before_a_request(self, worker: int, at: int, chance: random.Random) -> None:
        def die() -> None:
            raise Crash

        chunks = self.some(chance)
        self.step_in(at, die)
        try:
            self.workers[worker].fold(chunks, self.now)
        except Crash:
            self.workers[worker] = self.world.worker()
        else:
            self.done(chunks)
        self.world.before = lambda: None

    @precondition(lambda self: self.world.agenda.all_due())
    @rule(worker=st.integers(0, 1), chance=chances)
    def roll_up(self, worker: int, chance: random.Random) -> None:
        """Close some of what is due, or try to; what is done may be queued again by somebody who is late."""
        due = self.world.agenda.all_due()
        for period in chance.sample(due, chance.randint(1, len(due))):
            self.roll(worker, period)
            self.roll(1 - worker, period)

    @precondition(lambda self: self.world.agenda.all_due())
    @rule(worker=st.integers(0, 1), at=st.integers(1, 16), chance=chances)
    def fold_between_two_requests_of_a_rollup(self, worker: int, at: int, chance: random.Random) -> None:
        chunks, due = self.some(chance), chance.choice(self.world.agenda.all_due())
        self.step_in(at, lambda: self.fold(1 - worker, chunks))
        self.roll(worker, due)
        self.world.before = lambda: None

    @precondition(lambda self: self.world.records and self.world.agenda.all_due())
    @rule(worker=st.integers(0, 1), at=st.integers(1, 12), chance=chances)
    def roll_up_between_two_requests_of_a_fold(self, worker: int, at: int, chance: random.Random) -> None:
        chunks, due = self.some(chance), chance.choice(self.world.agenda.all_due())
        self.step_in(at, lambda: self.roll(1 - worker, due))
        self.fold(worker, chunks)
        self.world.before = lambda: None

    @precondition(lambda self: self.world.agenda.all_due())
    @rule(worker=st.integers(0, 1), at=st.integers(1, 16), chance=chances)
    def roll_up_and_die_before_a_request(self, worker: int, at: int, chance: random.Random) -> None:
        def die() -> None:
            raise Crash

        due = chance.choice(self.world.agenda.all_due())
        self.step_in(at, die)
        try:
            self.roll(worker, due)
        except Crash:
            self.workers[worker] = self.world.worker()
        self.world.before = lambda: None

    @rule(viewer=st.sampled_from(VIEWERS), view=st.sampled_from(VIEWS), worker=st.integers(0, 1))
    def subscribe(self, viewer: str, view: View, worker: int) -> None:
        self.arrive(viewer, view, worker)

    @precondition(lambda self: self.world.records)
    @rule(viewer=st.sampled_from(VIEWERS), view=st.sampled_from(VIEWS), at=st.integers(1, 8), chance=chances)
    def subscribe_while_a_worker_folds_between_two_requests(
        self, viewer: str, view: View, at: int, chance: random.Random
    ) -> None:
        chunks = self.some(chance)
        self.step_in(at, lambda: self.fold(1, chunks))
        self.arrive(viewer, view, 0)
        self.world.before = lambda: None

    @rule(worker=st.integers(0, 1), number=numbers, dies=st.booleans())
    def analyse(self, worker: int, number: int, dies: bool) -> None:
        self.analysed(worker, number, dies)

    @precondition(lambda self: self.world.records)
    @rule(worker=st.integers(0, 1), number=numbers, at=st.integers(1, 12), chance=chances)
    def analyse_between_two_requests_of_a_fold(self, worker: int, number: int, at: int, chance: random.Random) -> None:
        chunks = self.some(chance)
        self.step_in(at, lambda: self.analysed(1 - worker, number))
        self.fold(worker, chunks)
        self.world.before = lambda: None

    @rule(viewer=st.sampled_from(VIEWERS), view=st.sampled_from(VIEWS), number=numbers, at=st.integers(1, 12))
    def subscribe_while_a_batch_is_analysed(self, viewer: str, view: View, number: int, at: int) -> None:
        self.step_in(at, lambda: self.analysed(1, number))
        self.arrive(viewer, view, 0)
        self.world.before = lambda: None

    @precondition(lambda self: self.world.records)
    @rule(worker=st.integers(0, 1), number=numbers, at=st.integers(1, 6), chance=chances)
    def fold_while_an_insight_is_shown(self, worker: int, number: int, at: int, chance: random.Random) -> None:
        chunks = self.some(chance)
        self.step_in(at, lambda: self.fold(1 - worker, chunks))
        self.analysed(worker, number)
        self.world.before = lambda: None

    @precondition(lambda self: self.viewers)
    @rule(chance=chances)
    def unsubscribe(self, chance: random.Random) -> None:
        viewer, view = chance.choice(sorted(self.viewers, key=repr))
        del self.viewers[viewer, view]
        self.world.connections.unsubscribe(viewer, "demo", view)

    @precondition(lambda self: self.viewers)
    @rule()
    def push(self) -> None:
        stream = self.world.snapshots.stream[self.pushed :]
        self.pushed += len(stream)
        self.broadcast(stream, self.now)
        for (viewer, view), client in self.viewers.items():
            for message in map(json.loads, self.world.sockets.sent[viewer]):
                if message["view"] == view.as_dict():
                    client.take(message)
        self.world.sockets.sent.clear()

    @rule(view=st.sampled_from(VIEWS), worker=st.integers(0, 1))
    def look_once(self, view: View, worker: int) -> None:
        """A bootstrap shows what is folded by now; only when all is delivered can it be told what that has to be."""
        head = self.workers[worker].views.current(self.world.workspace, view, self.now)
        assert head.checksums == checksums_of(head.sections)
        if not self.pending and not self.unshown and not self.world.queue.periods:
            assert head.sections == self.world.from_the_log(view, hour_of(self.now, self.world.workspace.timezone))

    @precondition(lambda self: self.world.records)
    @rule(choice=st.integers(0, 2))
    def change_the_timezone(self, choice: int) -> None:
        """As `tidemark workspace set` does; workers go on with what they know until they look again."""
        workspace = self.world.workspace
        others = [zone for zone in APART_BY_HOURS.get(workspace.timezone, ()) if zone != workspace.timezone]
        if others:
            timezone, calendar = others[choice % len(others)], workspace.calendar + 1
            self.world.workspace = replace(workspace, timezone=timezone, calendar=calendar)
            due = self.world.agenda.schedule("demo", EVERY_DAY, slot_at(int(self.now.timestamp())))
            self.world.queue.send([due])

    @rule(worker=st.integers(0, 1))
    def look_at_the_settings(self, worker: int) -> None:
        self.workers[worker].directory.latest("demo")

    @rule(minutes=st.sampled_from([1, 20, 30, 61, 24 * 60]))
    def wait(self, minutes: int) -> None:
        """An hour, a midnight or, with a day, every lease passes."""
        self.let_pass(minutes)

    @precondition(lambda self: self.pending)
    @rule(worker=st.integers(0, 1), chance=chances)
    def deliver_everything(self, worker: int, chance: random.Random) -> None:
        chance.shuffle(self.pending)
        while self.pending:
            self.fold(worker, self.pending[: chance.randint(1, 4)])
        self.check_what_is_shown()

    @invariant()
    def check_the_deltas(self) -> None:
        if hasattr(self, "world"):
            for (_, view), heads in self.world.snapshots.history.items():
                assert_lead_on(heads, self.world.snapshots.deltas("demo", view, 0, heads[-1].seq))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.before = lambda: None
            while self.pending:
                self.fold(0, self.pending[:3])
            self.check_what_is_shown()
            self.check_what_is_closed()
            self.check_what_is_shown()
            self.broadcast._pool.shutdown()

    def check_what_is_closed(self) -> None:
        """Let every hour close: then every cell is final, and hours and days are what the log gives."""
        self.let_pass(3 * 24 * 60)
        while due := self.world.agenda.all_due():
            for period in due:
                self.roll(0, period)
        by_hour: dict[str, dict[str, dict[str, Any]]] = {}
        for chunk in self.world.log.chunks.values():
            for found in chunk.events:
                by_hour.setdefault(chunk.hour, {}).setdefault(found["event_id"], found)
        workspace, fold = self.world.workspace, Folds(shipped)(self.world.workspace.dashboards)
        expected = {hour: compact(fold(list(events.values()))) for hour, events in by_hour.items()}
        shards = range(workspace.shards_at(0))
        stored = self.world.cells.stored_many("demo", [(hour, shard) for hour in expected for shard in shards])
        for hour, cell in expected.items():
            parts = [stored[hour, shard] for shard in shards]
            assert all(part.final and part.covers == fold.covers for part in parts)
            assert encode(merge(part.cell for part in parts)) == encode(cell), hour
        days: dict[date, list[str]] = {}
        for hour in expected:
            days.setdefault(day_of(hour, workspace.timezone), []).append(hour)
        assert {day for _, day in self.world.days.kept} == set(days)
        for day, hours in days.items():
            kept = self.world.days.kept["demo", day]
            assert kept.hours == set(hours)
            assert encode(kept.cell) == encode(merge(stored[hour, shard].cell for hour in hours for shard in shards))

    def check_what_is_shown(self) -> None:
        """Compare every view with the log: the watched ones as they stand, all as a viewer would see them now."""
        assert not self.pending
        if self.world.queue.periods:
            self.let_pass(1)  # the queue's delay: for so long a worker relies on a job that it has queued
        while self.world.queue.periods:
            self.roll(0, self.world.queue.periods.pop()[0])
        if self.unshown:
            self.show_insights(0)
        seconds = int(self.now.timestamp())
        for view in self.world.connections.watched("demo", seconds):
            if self.world.connections.is_settled("demo", view, seconds):
                head = self.world.snapshots.history["demo", view][-1]
                assert head.sections == self.world.from_the_log(view, head.hour)
                assert head.checksums == checksums_of(head.sections)
        if self.viewers:
            self.push()
        for (viewer, view), client in self.viewers.items():
            head = self.world.snapshots.history["demo", view][-1]
            if not client.lost:
                assert (client.epoch, client.seq) == (head.epoch, head.seq), viewer
                assert checksums_of(client.sections) == head.checksums
        for view in VIEWS:
            self.look_once(view, 0)
            self.look_once(view, 1)

    def let_pass(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.viewers = {key: client for key, client in self.viewers.items() if client.until > self.now}

    def event(self, number: int, age: int) -> dict[str, Any]:
        """Return the one event that has this number in its hour."""
        hour = hour_of(self.now - timedelta(minutes=age), self.world.workspace.timezone)
        moment = datetime.fromisoformat(hour) + timedelta(minutes=45, seconds=number)
        return event(
            f"e{number}",
            format_timestamp(moment),
            KINDS[number % 5],
            anonymous_id=f"v{number % 7}",
            user_id=f"u{number % 4}",
            path=f"/{number % 6}",
            status=500 if number % 9 == 0 else 200,
            bytes=number,
            duration_minutes=number,
            title=f"Title {number}",
        )

    def some(self, chance: random.Random) -> list[LoggedChunk]:
        """Return any of the chunks there are, delivered before or not, in any order, perhaps twice."""
        return chance.choices(self.world.records, k=chance.randint(1, 4))

    def fold(self, worker: int, chunks: list[LoggedChunk]) -> None:
        self.workers[worker].fold(chunks, self.now)
        self.done(chunks)

    def roll(self, worker: int, due: Due) -> None:
        closing = self.workers[worker].rollup(due, self.now)
        assert closing is None or not closing.drift, closing

    def analysed(self, worker: int, number: int, dies: bool = False) -> None:
        """Store an insight, and show it; or die, so that the message of its job comes again some time."""
        told = insight(f"What was found, number {number}", patterns=(), confidence=number / 8)
        self.world.insights.store(f"2026-11-22T10:00Z.00.{number:06d}", told)
        self.unshown = True
        if not dies:
            self.show_insights(worker)

    def show_insights(self, worker: int) -> None:
        self.workers[worker].views.refresh_insights(self.world.workspace, self.now)
        self.unshown = False

    def done(self, chunks: list[LoggedChunk]) -> None:
        self.pending = [chunk for chunk in self.pending if chunk not in chunks]

    def arrive(self, viewer: str, view: View, worker: int) -> None:
        """Subscribe; with the position of before if there is one, and bootstrap unless that is recovered."""
        client = self.viewers.get((viewer, view))
        position = (client.epoch, client.seq) if client else None
        watching = self.workers[worker].watching
        until = self.now + timedelta(seconds=LEASE_SECONDS)
        head, missed = watching.subscribe(self.world.workspace, viewer, view, position, self.now, None)
        assert self.world.connections.is_settled("demo", view, int(self.now.timestamp()))
        if client is None or missed is None:
            assert position != (head.epoch, head.seq)
            self.viewers[viewer, view] = Viewer(head, until)
            return
        client.lost, client.until = False, until
        for delta in missed:
            client.take({"epoch": delta.epoch, "base": delta.base, "seq": delta.seq, "patch": delta.patch,
                         "checksums": delta.checksums})  # fmt: skip
        assert not client.lost

    def step_in(self, at: int, action: Callable[[], None]) -> None:
        """Have `action` done once, before the `at`th request from now."""
        left = at

        def before() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                action()

        self.world.before = before


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is racing in a test. (The size of patches is set by the machine, and here set back.)"""
    monkeypatch.setattr(heads, "MAX_PATCH_BYTES", heads.MAX_PATCH_BYTES)
    monkeypatch.setattr(contention, "LONGEST_PAUSE_SECONDS", 0)


@pytest.mark.timeout(900)  # a failure is shrunk for five minutes
class TestAnyHistoryOfDeliveries(Deliveries.TestCase):  # type: ignore[misc,valid-type]  # made by Hypothesis
    settings = settings(
        max_examples=max(25, settings().max_examples // 4),
        stateful_step_count=25 if settings().max_examples < 100 else 60,
    )
