"""The pure parts of `tidemark backfill` and `tidemark rollup`: days, progress, dead letters, and what is redriven."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.support.memory_rollup import MemoryAgenda, MemoryQueue, MemoryRuns
from tidemark.domain.closing import slot_at
from tidemark.domain.views import View
from tidemark.services.closing_ports import Due, RollupQueue
from tidemark.services.dispatch import Dispatch
from tidemark.services.ports import Workspace
from tidemark.services.record import PastClosing, PastRun
from tidemark_cli.errors import UsageError
from tidemark_cli.rollup.backfill import Backfill, Progress, Sent
from tidemark_cli.rollup.days import chosen_days
from tidemark_cli.rollup.dead_letters import Letter
from tidemark_cli.rollup.failures import backlog, redrive

NOW = datetime(2026, 11, 22, 20, 30, tzinfo=UTC)
SLOT = slot_at(int(NOW.timestamp()))
DEMO = Workspace("demo")


class MemoryRecord:
    """A record of the rollup that tests write."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], PastClosing] = {}

    def keep(self, period: str, slot: str = SLOT, outcome: str = "final", at: str = "1", **more: object) -> None:
        closing = PastClosing("demo", period, slot, at, outcome)
        self.kept[slot, "demo", period] = replace(closing, **more)  # type: ignore[arg-type]

    def runs(self, count: int) -> list[PastRun]:
        return []

    def closings(self, slot: str) -> Iterable[PastClosing]:
        return [closing for (of, _, _), closing in self.kept.items() if of == slot]

    def closings_of(self, workspace: str, slot: str, first: str, last: str) -> list[PastClosing]:
        return [each for each in self.closings(slot) if each.workspace == workspace and first <= each.period <= last]


class Agenda(MemoryAgenda):
    """The agenda in memory, which can tell what one workspace has left."""

    def left(self, workspace: str, slot: str) -> list[Due]:
        return [due for due in self.all_due() if (due.workspace, due.slot) == (workspace, slot)]


class Letters:
    """Dead letters in memory."""

    def __init__(self, *bodies: object) -> None:
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        self.letters = [Letter.parse(str(number), text) for number, text in enumerate(texts)]
        self.put_back_later: list[str] = []

    def receive(self) -> list[Letter]:
        return list(self.letters)

    def delete(self, letter: Letter) -> None:
        self.letters.remove(letter)

    def put_back(self, letter: Letter) -> None:
        self.put_back_later.append(letter.receipt)


# ── Days ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_last_days_end_today_where_the_workspace_is() -> None:
    assert chosen_days("1d", None, None, NOW, "UTC") == (date(2026, 11, 22), date(2026, 11, 22))
    assert chosen_days("2", None, None, NOW, "Asia/Kolkata") == (date(2026, 11, 22), date(2026, 11, 23))
    assert chosen_days("30d", None, None, NOW, "UTC")[0] == date(2026, 10, 24)


def test_a_range_without_an_end_ends_today() -> None:
    assert chosen_days(None, "2026-11-20", None, NOW, "UTC") == (date(2026, 11, 20), date(2026, 11, 22))
    assert chosen_days(None, "2026-11-20", "2026-11-20", NOW, "UTC") == (date(2026, 11, 20), date(2026, 11, 20))


@pytest.mark.parametrize(
    ("last", "first", "end"),
    [
        (None, None, None),
        (None, None, "2026-11-20"),
        ("1d", "2026-11-20", None),
        ("1d", None, "2026-11-20"),
        ("0d", None, None),
        ("1w", None, None),
        ("٣d", None, None),
        ("9999d", None, None),
        (None, "22.11.2026", None),
        (None, "2026-11-23", None),
        (None, "2026-11-20", "2026-11-19"),
        (None, "0001-01-01", None),
    ],
)
def test_what_is_no_range_is_refused(last: str | None, first: str | None, end: str | None) -> None:
    with pytest.raises(UsageError):
        chosen_days(last, first, end, NOW, "UTC")


# ── Progress ─────────────────────────────────────────────────────────────────────────────────────────────────────────

HOURS = ["2026-11-22T10:00Z", "2026-11-22T11:00Z"]


class Followed:
    """A backfill of two hours that is queued."""

    def __init__(self, record: MemoryRecord) -> None:
        self.agenda, self.record = Agenda(), record
        for hour in HOURS:
            self.agenda.note("demo", hour, 0)
        self.run = Backfill(DEMO, date(2026, 11, 22), date(2026, 11, 22), self.agenda, record)
        self.sent = Sent(MemoryQueue(), lambda _: None)
        self.queued = self.run.queue(self._dispatch, self.sent, NOW)

    def _dispatch(self, queue: RollupQueue) -> Dispatch:
        return Dispatch(self.agenda, queue, MemoryRuns(), lambda: 0.0)

    def close(self, hour: str) -> None:
        self.record.keep(hour, at="2", events=5)
        self.agenda.settle(self.due(hour))

    def due(self, hour: str) -> Due:
        return next(due for due in self.agenda.all_due() if due.period == hour)

    def look(self) -> tuple[int, int, int]:
        at: Progress = self.run.look()
        return len(at.closed), len(at.failed), at.left


def test_an_hour_is_done_when_it_is_not_due_any_more() -> None:
    followed = Followed(MemoryRecord())
    assert (followed.queued, followed.look()) == (2, (0, 0, 2))
    followed.close(HOURS[0])
    assert followed.look() == (1, 0, 1)
    followed.close(HOURS[1])
    assert followed.look() == (2, 0, 0)
    assert sum(closing.events for closing in followed.run.look().closed) == 10


def test_an_hour_that_has_failed_is_not_waited_for() -> None:
    followed = Followed(MemoryRecord())
    followed.record.keep(HOURS[0], outcome="failed", error="torn")
    assert followed.look() == (0, 1, 1)
    followed.close(HOURS[0])  # the hourly run tried it again
    assert followed.look() == (1, 0, 1)


def test_a_failure_of_an_earlier_backfill_is_not_taken_for_one_of_this() -> None:
    record = MemoryRecord()
    record.keep(HOURS[0], outcome="failed", error="torn", at="1")
    followed = Followed(record)
    assert followed.look() == (0, 0, 2)
    record.keep(HOURS[0], outcome="failed", error="torn", at="2")
    assert followed.look() == (0, 1, 1)


def test_an_hour_that_was_closed_and_is_due_again_for_late_events_is_done() -> None:
    followed = Followed(MemoryRecord())
    followed.close(HOURS[0])
    followed.agenda.schedule("demo", HOURS[0], SLOT)
    assert followed.look() == (1, 0, 1)


def test_an_hour_that_is_due_anew_before_it_was_closed_is_not_done() -> None:
    followed = Followed(MemoryRecord())
    followed.agenda.schedule("demo", HOURS[0], SLOT)
    assert followed.look() == (0, 0, 2)


# ── What has failed ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_letter_is_read_as_what_it_asks_for() -> None:
    due = {"workspace": "demo", "period": "2026-11-22T10:00Z", "slot": SLOT}
    assert Letter.parse("r", json.dumps(due)).due == Due("demo", "2026-11-22T10:00Z", SLOT)
    views = Letter.parse("r", json.dumps({"views": [["demo", "web:30"], ["other", "web:7"]]}))
    assert views.views == (("demo", View.from_key("web:30")), ("other", View.from_key("web:7")))
    assert views.workspaces == {"demo", "other"}
    for text in ("", "{", "null", "[]", "{}", '{"period":"x"}', '{"views":[["demo"]]}', '{"views":[["demo","?"]]}'):
        assert not Letter.parse("r", text).is_readable


def test_what_waits_for_the_coming_run_is_no_backlog_unless_it_has_failed() -> None:
    agenda, record = Agenda(), MemoryRecord()
    agenda.schedule("demo", "2026-11-22T20:00Z", SLOT)
    assert backlog(agenda, record, NOW) == []
    record.keep("2026-11-22T20:00Z", outcome="failed")
    (found,) = backlog(agenda, record, NOW)
    assert (found.slot, found.due, [each.period for each in found.failed]) == (SLOT, 1, ["2026-11-22T20:00Z"])


def test_a_failure_that_was_closed_since_is_none() -> None:
    agenda, record = Agenda(), MemoryRecord()
    agenda.schedule("demo", "2026-11-22T10:00Z", "2026-11-22T11")
    record.keep("2026-11-21", "2026-11-22T11", "failed")
    (found,) = backlog(agenda, record, NOW)
    assert (found.due, found.workspaces, found.failed) == (1, 1, ())


def test_a_period_that_has_a_letter_and_a_record_is_sent_once() -> None:
    agenda, record, queue = Agenda(), MemoryRecord(), MemoryQueue()
    due = agenda.schedule("demo", "2026-11-22T10:00Z", "2026-11-22T11")
    record.keep(due.period, due.slot, "failed")
    letters = Letters({"workspace": "demo", "period": due.period, "slot": due.slot})
    done = redrive(agenda, record, queue, letters, NOW, "demo")
    assert [(sent.period, sent.slot) for sent, _ in queue.periods] == [(due.period, due.slot)]
    assert (done.sent, letters.letters) == ({("demo", due.period)}, [])


def test_a_letter_that_stays_is_put_back_only_when_all_were_received() -> None:
    letters = Letters({"workspace": "other", "period": "2026-11-22T10:00Z", "slot": "2026-11-22T11"}, "no job")
    received = letters.receive

    def receive() -> Iterable[Letter]:
        for letter in received():
            assert letters.put_back_later == []
            yield letter

    letters.receive = receive  # type: ignore[assignment,method-assign]
    done = redrive(Agenda(), MemoryRecord(), MemoryQueue(), letters, NOW, "demo")
    assert (done.left, done.unreadable) == (1, 1)
    assert letters.put_back_later == ["0", "1"]
    assert len(letters.letters) == 2
