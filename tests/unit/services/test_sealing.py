"""Sealing by age, and what becomes of jobs whose message or worker was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.memory_batches import MemoryAnalysisQueue, MemoryBatches, Stored
from tidemark.domain.batches import Batch, Chain
from tidemark.domain.breaker import Breaker, reset, trip
from tidemark.domain.errors import Unavailable
from tidemark.domain.jobs import LEASE_EXPIRED, MAX_ATTEMPTS, DeadLetter, Job, JobState
from tidemark.services.sealing import RUN_SECONDS, SealBatches, Swept

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
CHAIN = Chain("acme", "2026-11-22T10:00Z", 0)
OPEN = Batch(CHAIN, 0, ids=frozenset({1, 2}), chunks=("00" * 16,), opened_at=SECONDS, version=1)
KEY = "acme", OPEN.batch_id


class Sealing:
    """A schedule over batches in memory."""

    def __init__(self) -> None:
        self.time = 0.0
        self.before: Callable[[], None] = lambda: None
        self.batches = MemoryBatches(lambda: self.before())
        self.queue = MemoryAnalysisQueue()
        self.letters: list[DeadLetter] = []
        letters = SimpleNamespace(send=self.letters.append)
        self.breaker = Breaker()
        self.sealing = SealBatches(
            self.batches, self.batches, self.queue, letters, lambda: self.breaker, lambda: self.time
        )

    def run(self, seconds: int = 0) -> Swept:
        return self.sealing.run(NOW + timedelta(seconds=seconds))

    def sealed(self, key: tuple[str, str] = KEY, **job: int | JobState) -> None:
        """Have a batch that was sealed just now, with a job."""
        batch = replace(OPEN, number=int(key[1][-6:]), state="SEALED", sealed_at=SECONDS, sealed_by="size")
        self.batches.items[key] = Stored(batch, SECONDS + 30, 0, Job(JobState.PENDING, **job))


@given(st.integers(0, 59), st.integers(10, 600))
def test_an_old_batch_is_sealed_and_sent_within_a_minute_and_not_before(phase: int, batch_seconds: int) -> None:
    world = Sealing()
    world.batches.put(OPEN, SECONDS + batch_seconds, 0)
    for second in range(phase, batch_seconds + 120, 60):
        world.run(second)
    (sealed,) = world.batches.sealed.values()
    assert 0 <= sealed.sealed_at - (SECONDS + batch_seconds) < 60
    assert (sealed.sealed_by, sealed.ids, sealed.version) == ("age", OPEN.ids, 2)
    assert world.queue.sent[0] == KEY


def test_a_lost_message_is_sent_again_ever_more_rarely_until_the_job_is_begun() -> None:
    world = Sealing()
    world.sealed()
    sent = [second for second in range(0, 1801, 30) if world.run(second).resent]
    assert sent == [30, 60, 120, 240, 480, 780, 1080, 1380, 1680]
    assert world.queue.sent == [KEY] * len(sent)


def test_a_worker_that_died_loses_its_job_when_its_lease_is_over() -> None:
    world = Sealing()
    world.sealed(attempts=2, lease_until=SECONDS + 900)
    world.batches.items[KEY].job = replace(world.batches.items[KEY].job, state=JobState.RUNNING)
    assert world.run(900) == Swept()
    assert world.run(901) == Swept(recovered=1)
    assert (world.queue.sent, world.letters) == ([KEY], [])
    job = world.batches.items[KEY].job
    assert job is not None
    assert (job.state, job.attempts) == (JobState.PENDING, 2)


def test_after_the_last_attempt_a_lost_job_is_buried_and_not_tried_again() -> None:
    world = Sealing()
    world.sealed(attempts=MAX_ATTEMPTS, lease_until=SECONDS + 900)
    world.batches.items[KEY].job = replace(world.batches.items[KEY].job, state=JobState.RUNNING)
    assert world.run(901) == Swept(buried=1)
    (letter,) = world.letters
    assert (letter.workspace, letter.batch, letter.attempts, letter.error.code) == (*KEY, MAX_ATTEMPTS, LEASE_EXPIRED)
    assert world.queue.sent == []


def test_jobs_that_wait_for_a_breaker_are_sent_once_it_is_closed_by_hand() -> None:
    world = Sealing()
    running, waiting = ("acme", f"{OPEN.batch_id[:-1]}1"), ("acme", f"{OPEN.batch_id[:-1]}2")
    world.batches.put(OPEN, SECONDS + 600, 0)
    for key in (running, waiting):
        world.sealed(key)
        world.batches.items[key].due_at = SECONDS + 600
    world.batches.items[running].job = Job(JobState.RUNNING, lease_until=SECONDS + 900)
    world.breaker = trip(Breaker(), SECONDS, 600)
    assert world.run() == Swept()
    world.breaker = reset(world.breaker)
    assert [world.run(second) for second in (60, 61)] == [Swept(resent=1), Swept()]
    assert world.queue.sent == [waiting]
    assert world.batches.items[KEY].batch.state == "OPEN"


def test_what_fails_does_not_keep_the_rest_waiting() -> None:
    world = Sealing()
    world.batches.put(OPEN, SECONDS, 0)
    world.batches.put(replace(OPEN, number=1), SECONDS, 0)
    asked = iter(range(100))

    def before() -> None:
        if next(asked) == 2:  # the sealing of the first, when both were found
            raise Unavailable("down")

    world.before = before
    with pytest.raises(ExceptionGroup):
        world.run()
    assert [batch.number for batch in world.batches.sealed.values()] == [1]
    assert world.run() == Swept(sealed=1)
    assert sorted(batch for _, batch in world.queue.sent) == [OPEN.batch_id, f"{OPEN.batch_id[:-1]}1"]


def test_a_job_that_the_queue_refuses_is_due_again() -> None:
    world = Sealing()
    world.batches.put(OPEN, SECONDS, 0)
    world.queue.failing = Unavailable("down")
    with pytest.raises(ExceptionGroup):
        world.run()
    world.queue.failing = None
    assert world.run(29).resent == 0
    assert world.run(30).resent == 1


def test_a_run_ends_in_time_sends_what_it_sealed_and_leaves_the_rest_due() -> None:
    world = Sealing()
    for number in range(5):
        world.batches.put(replace(OPEN, number=number), SECONDS, 0)

    def before() -> None:
        world.time += RUN_SECONDS / 8  # three requests a batch: found, sealed and its answer

    world.before = before
    first = world.run()
    assert 0 < first.sealed < 5
    assert not first.is_all
    assert len(world.queue.sent) == first.sealed
    world.before = lambda: None
    assert world.run() == Swept(sealed=5 - first.sealed)
