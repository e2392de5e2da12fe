"""Notes of hours, who sends them and who stores them: nothing that was analysed is left out."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from unittest.mock import patch

import pytest

from tests.support.memory_cold import (
    HOUR,
    MemoryAnalysedBatches,
    MemoryColdNotes,
    MemoryColdQueue,
    MemoryColdStorage,
    analysed,
)
from tidemark.domain.errors import Unavailable
from tidemark.services import cold_storage
from tidemark.services.analyse import Outcome
from tidemark.services.cold_notes import (
    REMEMBERED_HOURS,
    REMEMBERED_SECONDS,
    SENT_AGAIN_SECONDS,
    SETTLED_SECONDS,
    STORED_AFTER_SECONDS,
    NoteHours,
    SendHours,
)
from tidemark.services.cold_storage import StoreHour, Storing

ACME = ("acme", HOUR)
BEGIN = 1_000_000


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def outcome(number: int = 0, workspace: str = "acme", hour: str = HOUR, what: str = "analysed") -> Outcome:
    return Outcome(workspace, f"{hour}.00.{number:06d}", what)


@dataclass
class Cold:
    """Everything around an hour's object, and a worker that notes."""

    notes: MemoryColdNotes = field(default_factory=MemoryColdNotes)
    batches: MemoryAnalysedBatches = field(default_factory=MemoryAnalysedBatches)
    storage: MemoryColdStorage = field(default_factory=MemoryColdStorage)
    queue: MemoryColdQueue = field(default_factory=MemoryColdQueue)
    failed: list[tuple[tuple[str, str], Exception]] = field(default_factory=list)

    def worker(self) -> NoteHours:
        return NoteHours(self.notes, lambda hour, error: self.failed.append((hour, error)))

    def send(self, now: float) -> int:
        return SendHours(self.notes, self.queue, lambda: 0.0)(at(now))

    def store(self, now: float) -> Storing:
        return StoreHour(self.notes, self.batches, self.storage)(*ACME, at(now))

    def stored(self) -> list[tuple[int, str]]:
        _, rows = self.storage.objects[ACME]
        return [(row["number"], row["insight"]["summary"]) for row in rows]


@pytest.fixture
def cold() -> Cold:
    return Cold()


def test_a_worker_notes_an_hour_once_in_a_while_however_many_batches_it_analyses(cold: Cold) -> None:
    note = cold.worker()
    for number in range(100):
        assert note([outcome(number), outcome(number, what="known")], at(BEGIN + number)) == set()
    assert (cold.notes.writes, cold.notes.notes) == (1, {ACME: [BEGIN, BEGIN + STORED_AFTER_SECONDS]})
    later = BEGIN + REMEMBERED_SECONDS
    note([outcome()], at(later))
    assert cold.notes.notes == {ACME: [later, BEGIN + STORED_AFTER_SECONDS]}, "a later note puts the hour off"
    note([outcome(what="retried"), outcome(hour="2026-11-22T11:00Z", what="dead")], at(later + 10_000))
    assert cold.notes.writes == 2


def test_what_a_worker_remembers_is_bounded(cold: Cold) -> None:
    note = cold.worker()
    names = [f"w{number}" for number in range(REMEMBERED_HOURS + 1)]
    for name in [*names, names[-1], names[0]]:
        note([outcome(workspace=name)], at(BEGIN))
    assert cold.notes.writes == len(names) + 1


def test_a_note_that_fails_is_told_and_made_when_the_message_comes_again(cold: Cold) -> None:
    note = cold.worker()
    cold.notes.failing = Unavailable("no")
    assert note([outcome(), outcome(workspace="other")], at(BEGIN)) == {"acme", "other"}
    assert [hour for hour, _ in cold.failed] == [ACME, ("other", HOUR)]
    cold.notes.failing = None
    assert note([outcome(what="known")], at(BEGIN + 1)) == set()
    assert ACME in cold.notes.notes


def test_what_is_due_is_sent_once_and_again_when_it_was_lost(cold: Cold) -> None:
    cold.worker()([outcome()], at(BEGIN))
    due_at = BEGIN + STORED_AFTER_SECONDS
    assert [cold.send(due_at - 1), cold.send(due_at), cold.send(due_at + 60)] == [0, 1, 0]
    assert cold.send(due_at + SENT_AGAIN_SECONDS) == 1
    assert cold.queue.sent == [ACME, ACME]


def test_what_the_queue_refuses_stays_due(cold: Cold) -> None:
    cold.worker()([outcome()], at(BEGIN))
    cold.queue.failing = Unavailable("no")
    with pytest.raises(Unavailable):
        cold.send(BEGIN + STORED_AFTER_SECONDS)
    cold.queue.failing = None
    assert cold.send(BEGIN + STORED_AFTER_SECONDS + 60) == 1


def test_a_run_ends_in_time_and_the_next_goes_on(cold: Cold) -> None:
    note = cold.worker()
    for number in range(250):
        note([outcome(workspace=f"w{number}")], at(BEGIN))
    seconds = iter(range(0, 1000, 10))
    send = SendHours(cold.notes, cold.queue, lambda: next(seconds))
    assert send(at(BEGIN + STORED_AFTER_SECONDS)) == 200
    assert send(at(BEGIN + STORED_AFTER_SECONDS + 60)) == 50
    assert len(set(cold.queue.sent)) == 250


def test_an_hour_is_stored_and_what_has_expired_since_stays_in_it(cold: Cold) -> None:
    cold.batches.found = [analysed(0), analysed(1)]
    cold.worker()([outcome()], at(BEGIN))
    assert cold.store(BEGIN + 10_000) == Storing(*ACME, "written", 2)
    assert cold.notes.notes == {}
    assert cold.store(BEGIN + 10_000).outcome == "known"
    # Batch 0 has expired, 1 was analysed again, and after both had expired another one was the first of the hour.
    cold.batches.found = [analysed(1, summary="again"), analysed(0, opened_at=900, summary="another")]
    cold.worker()([outcome()], at(BEGIN + 20_000))
    assert cold.store(BEGIN + 30_000).batches == 3
    assert cold.stored() == [(0, "Nothing unusual."), (0, "another"), (1, "again")]


def test_an_hour_without_an_analysed_batch_has_no_object(cold: Cold) -> None:
    cold.worker()([outcome()], at(BEGIN))
    assert cold.store(BEGIN + 10_000) == Storing(*ACME, "empty")
    assert (cold.storage.objects, cold.notes.notes) == ({}, {})


def test_a_note_stays_while_batches_may_be_finished_that_are_not_noted(cold: Cold) -> None:
    cold.batches.found = [analysed(0)]
    note = cold.worker()
    note([outcome()], at(BEGIN))
    assert cold.store(BEGIN + SETTLED_SECONDS - 1).outcome == "written"
    assert cold.notes.notes == {ACME: [BEGIN, BEGIN + SETTLED_SECONDS - 1 + STORED_AFTER_SECONDS]}
    assert cold.store(BEGIN + SETTLED_SECONDS).outcome == "written"
    assert cold.notes.notes == {}


def test_of_two_jobs_at_once_the_one_that_read_less_gives_way(cold: Cold) -> None:
    cold.batches.found = [analysed(0)]
    cold.worker()([outcome()], at(BEGIN))
    requests = iter(range(100))

    def meanwhile() -> None:
        if next(requests) == 1:  # when the object was read, before it is replaced
            cold.batches.found.append(analysed(1))
            StoreHour(cold.notes, cold.batches, MemoryColdStorage(objects=cold.storage.objects, _tags=iter([7, 8])))(
                *ACME, at(BEGIN)
            )
            cold.batches.found.pop()

    cold.storage.disturb = meanwhile
    cold.store(BEGIN)
    assert [number for number, _ in cold.stored()] == [0, 1]


class History:
    """Two hours of workers, the schedule and its jobs, between whose requests batches are finished, and a quiet day."""

    def __init__(self, seed: int) -> None:
        self.chance, self.cold, self.now = random.Random(seed), Cold(), float(BEGIN)
        self.workers = [(self.cold.worker(), self.chance.randint(-300, 300)) for _ in range(2)]
        self.finished: list[int] = []
        self.busy_until = BEGIN + STORED_AFTER_SECONDS + self.chance.randint(0, 300)
        self.between = False
        for port in (self.cold.notes, self.cold.batches, self.cold.storage):
            port.disturb = lambda: self.finish(0.5) if self.between else None

    def finish(self, probability: float) -> None:
        """Have a worker finish a batch, or not."""
        if self.now > self.busy_until or self.chance.random() > probability:
            return
        before, self.between = self.between, False
        number = len(self.finished)
        self.finished.append(number)
        self.cold.batches.found.append(analysed(number))
        note, skew = self.chance.choice(self.workers)
        note([outcome(number)], at(self.now + skew))
        self.between = before

    def lost(self) -> set[int]:
        """Let it happen; return which batches were never stored."""
        while self.now < BEGIN + 86_400:
            self.finish(0.1)
            self.cold.send(self.now)
            jobs, self.cold.queue.sent = self.cold.queue.sent, []
            self.between = True
            for _ in jobs:
                self.cold.store(self.now)
            self.between = False
            self.now += 60 if self.now <= self.busy_until else 3600
        assert self.cold.notes.notes == {}, "an hour is stored for ever"
        return set(self.finished) - {number for number, _ in self.cold.stored()}


def test_whatever_is_finished_is_stored_however_it_falls_between_the_requests_of_a_job() -> None:
    assert [seed for seed in range(100) if History(seed).lost()] == []


def test_if_a_note_were_taken_away_at_once_a_batch_would_be_lost() -> None:
    with patch.object(cold_storage, "SETTLED_SECONDS", -1000):
        assert any(History(seed).lost() for seed in range(100))
