"""What is due of batches and jobs: seals those that are old enough, and finds what was lost on its way.

A job lies in its item; its message is only a hint. So whatever happens to messages and workers, the index says what is
overdue, and everything here may be done twice: each change of an item is conditional, and a message too many is refused
when its job is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from tidemark.domain.breaker import Breaker, BreakerState
from tidemark.domain.jobs import (
    LEASE_EXPIRED,
    POSTPONE,
    RECOVER,
    RESEND_SECONDS,
    DeadLetter,
    JobError,
    JobState,
)
from tidemark.services.batch_ports import AnalysisQueue, Batches, DueBatch
from tidemark.services.job_ports import DeadLetters, JobStore, Written
from tidemark.services.portions import portions

RUN_SECONDS = 45
"""A run ends then, so that the next one, a minute after it, has the queues to itself; what is left is still due."""
LONGEST_RESEND_SECONDS = 300
"""A job that is pending for long mostly waits its turn: it is sent again ever later, up to this, since otherwise the
queue would fill with messages about the same jobs."""

LOST = JobError(LEASE_EXPIRED, "five workers began it, and none ended it: they died, or took longer than the lease")


@dataclass(slots=True)
class Swept:
    """What a run did: batches sealed by age, jobs sent again, taken from workers that died, given up."""

    sealed: int = 0
    resent: int = 0
    recovered: int = 0
    buried: int = 0
    is_all: bool = True
    """Whether it got to the end of what was due."""


class SealBatches:
    """Does what is due.

    Parameters
    ----------
    read_breaker
        Reads the breaker for which the jobs may wait.
    """

    def __init__(
        self,
        batches: Batches,
        jobs: JobStore,
        queue: AnalysisQueue,
        dead_letters: DeadLetters,
        read_breaker: Callable[[], Breaker],
        monotonic: Callable[[], float],
    ) -> None:
        self._batches = batches
        self._jobs = jobs
        self._queue = queue
        self._dead_letters = dead_letters
        self._read_breaker = read_breaker
        self._monotonic = monotonic

    def run(self, now: datetime) -> Swept:
        """Do what is due, for at most `RUN_SECONDS`; what fails is raised when the rest was tried, and stays due."""
        now_seconds, ends_at = int(now.timestamp()), self._monotonic() + RUN_SECONDS
        swept, failures = Swept(), list[Exception]()
        for portion in chain(portions(self._batches.due(now_seconds)), portions(self._released(now_seconds))):
            ready: list[DueBatch] = []
            for due in portion:
                if self._monotonic() >= ends_at:
                    swept.is_all = False
                    break
                try:
                    if self._is_ready(due, now_seconds, swept):
                        ready.append(due)
                except Exception as error:  # noqa: BLE001  # raised below, with the others
                    failures.append(error)
            try:
                self._send(ready, now_seconds)
            except Exception as error:  # noqa: BLE001  # as above
                failures.append(error)
            if not swept.is_all:
                break
        if failures:
            raise ExceptionGroup("not all that is due could be done", failures)
        return swept

    def _released(self, now_seconds: int) -> Iterator[DueBatch]:
        """Read the jobs that wait for the end of a rest which somebody has ended by hand."""
        breaker = self._read_breaker()
        if breaker.state is BreakerState.CLOSED and breaker.until > now_seconds:
            yield from (due for due in self._batches.due_at(breaker.until) if due.job == JobState.PENDING)

    def _is_ready(self, due: DueBatch, now_seconds: int, swept: Swept) -> bool:
        """Do what is due of a batch; answer whether its job is to be sent."""
        key = due.workspace, due.batch_id
        if due.state == "OPEN":
            is_ready = self._batches.seal(*key, "age", now_seconds)
            swept.sealed += is_ready
        elif due.job == JobState.PENDING:
            is_ready = True
            swept.resent += 1
        elif due.job == JobState.RUNNING and due.lease_until < now_seconds:
            written = Written({"due_at": now_seconds + RESEND_SECONDS})
            recovery = self._jobs.change(key, RECOVER, now_seconds, written)
            is_ready = recovery.done
            swept.recovered += is_ready
            job = recovery.stored.job if recovery.stored else None
            if job is not None and job.is_exhausted(now_seconds):
                self._dead_letters.send(DeadLetter(*key, LOST, job.lease, job.attempts))
                swept.buried += 1
        else:
            is_ready = False
        return is_ready

    def _send(self, ready: Sequence[DueBatch], now_seconds: int) -> None:
        """Queue jobs, then have those that had been sent before wait for longer."""
        if ready:
            self._queue.send([(due.workspace, due.batch_id) for due in ready])
        for due in ready:
            if due.job == JobState.PENDING:
                pause = min(max(RESEND_SECONDS, now_seconds - due.sealed_at), LONGEST_RESEND_SECONDS)
                written = Written({"due_at": now_seconds + pause})
                self._jobs.change((due.workspace, due.batch_id), POSTPONE, now_seconds, written)
