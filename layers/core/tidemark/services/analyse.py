"""The worker: claims the job of a batch, has a provider analyse the batch, and ends the job once.

Whoever holds the lease of a job may end it, and nobody else: a worker that dies leaves a lease that ends by itself, one
that was overtaken finds its own lease gone. A message is only a hint that there is a job: that of one that is finished,
is being run, or waits for the breaker is done; what is due is sent again (`tidemark.services.sealing`).
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tidemark.domain import insights, jobs
from tidemark.domain.batches import Batch
from tidemark.domain.errors import TidemarkError
from tidemark.domain.insights import Insight
from tidemark.domain.jobs import DeadLetter, JobError, JobState, Pace
from tidemark.services.analysis_ports import BatchContext, Provider, ProviderRefused, ProviderUnavailable
from tidemark.services.breaker import Admission, CircuitBreaker
from tidemark.services.heartbeat import beating
from tidemark.services.job_ports import (
    Change,
    DeadLetters,
    Deliveries,
    Delivery,
    JobKey,
    JobStore,
    Listed,
    StoredJob,
    Written,
)

Contexts = Callable[[Batch, datetime], BatchContext]
"""Gathers what a provider is told of a batch; raises `BatchMissing`."""
Providers = Callable[[int], Provider]
"""Who analyses, by the number of the attempt."""


class BatchMissing(TidemarkError):
    """The events of a batch, or its workspace, are not there any more."""

    code = jobs.BATCH_MISSING


class Told(Protocol):
    """Where a worker tells what nobody else would hear of; it must not raise."""

    def failed(self, key: JobKey, attempts: int, error: Exception) -> None:
        """Take in that an attempt failed."""

    def unrecorded(self, what: str, key: JobKey, error: Exception) -> None:
        """Take in that something failed without which the work goes on: it is only later, or less exact."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a delivery.

    Parameters
    ----------
    outcome
        `analysed`; `known`, since it had been analysed before; `retried`, so the message comes again; `dead`;
        `postponed`, since the breaker is open; `skipped`, since there is nothing to do, or somebody else does it.
    is_begun
        Whether an attempt was begun, `waited_seconds` after the job was asked for (None if it was not the first).
    code
        Of the error, if there was one.
    sealed_by
        How the batch was sealed, if it has just been: this is the first that was begun of it.
    """

    workspace: str
    batch: str
    outcome: str
    is_begun: bool = False
    attempts: int = 0
    waited_seconds: int | None = None
    events: int = 0
    milliseconds: int = 0
    code: str = ""
    lease: str = ""
    sealed_by: str = ""

    @property
    def comes_again(self) -> bool:
        """Whether the message is to be left in the queue."""
        return self.outcome == "retried"

    @property
    def has_insight(self) -> bool:
        """Whether there is an insight to be shown."""
        return self.outcome in ("analysed", "known")


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What a worker has in its hands."""

    delivery: Delivery
    lease: str
    admission: Admission
    stored: StoredJob
    began: float
    """On the clock of the worker."""
    now: datetime

    @property
    def number(self) -> int:
        return self.stored.job.attempts

    def outcome(self, outcome: str, elapsed: float, code: str = "") -> Outcome:
        begun_at, asked_at, batch = int(self.now.timestamp()), self.stored.requested_at, self.stored.batch
        is_first = self.number == 1 and asked_at == batch.sealed_at
        return Outcome(
            *self.delivery.key,
            outcome,
            is_begun=True,
            attempts=self.number,
            waited_seconds=max(0, begun_at - asked_at) if self.number == 1 else None,
            events=len(batch.ids),
            milliseconds=round(elapsed * 1000),
            code=code,
            lease=self.lease,
            sealed_by=batch.sealed_by if is_first else "",
        )


class Analyse:
    """Does the job of a message.

    Parameters
    ----------
    provider
        Its name, which is that of its breaker.
    new_lease
        Makes a token that nobody else has.
    clock
        Seconds, from anywhere, that never go back.
    """

    def __init__(
        self,
        store: JobStore,
        deliveries: Deliveries,
        letters: DeadLetters,
        breaker: CircuitBreaker,
        contexts: Contexts,
        provider: str,
        providers: Providers,
        told: Told,
        new_lease: Callable[[], str],
        clock: Callable[[], float],
        chance: random.Random,
        pace: Pace,
    ) -> None:
        self._store = store
        self._deliveries = deliveries
        self._letters = letters
        self._breaker = breaker
        self._contexts = contexts
        self._provider = provider
        self._providers = providers
        self._told = told
        self._new_lease = new_lease
        self._clock = clock
        self._chance = chance
        self._pace = pace

    def __call__(self, delivery: Delivery, now: datetime) -> Outcome:
        """Do the job, or leave it to whom it belongs; what cannot even be begun raises `Throttled`, `Unavailable`."""
        began, now_seconds, lease = self._clock(), int(now.timestamp()), self._new_lease()
        admission = self._breaker.admit(lease, now_seconds)
        if not admission.let_through:
            due = Written(sets={"due_at": admission.ask_again_at(now_seconds)})
            waits = self._store.change(delivery.key, jobs.POSTPONE, now_seconds, due)
            return Outcome(*delivery.key, "postponed" if waits.done else _left(waits))
        claimed = None
        try:
            claimed = self._store.change(delivery.key, jobs.CLAIM, now_seconds, self._claim(now_seconds), lease)
        finally:
            if claimed is None or not claimed.done:
                self._record(lambda: self._breaker.give_back(lease, now_seconds, admission.seen), delivery.key)
        if not claimed.done or claimed.stored is None:
            return Outcome(*delivery.key, _left(claimed))
        return self._run(_Attempt(delivery, lease, admission, claimed.stored, began, now))

    def _claim(self, now_seconds: int) -> Written:
        sets = {"lease_until": now_seconds + self._pace.lease_seconds, "started_at": now_seconds}
        return Written(sets=sets, removes=("finished_at",), counts=("attempts",))

    def _run(self, attempt: _Attempt) -> Outcome:
        known: dict[str, str] = {"provider": self._provider}
        try:
            with beating(lambda: self._renew(attempt), self._pace.heartbeat_seconds):
                context = self._contexts(attempt.stored.batch, attempt.now)
                known |= _times(context)
                insight = self._providers(attempt.number).analyse(context)
            self._record(lambda: self._breaker.succeeded(attempt.lease, attempt.admission.seen), attempt.delivery.key)
            return self._succeed(attempt, insight)
        except Exception as error:  # noqa: BLE001  # whatever it is ends this attempt, and is kept with the job
            self._told.failed(attempt.delivery.key, attempt.number, error)
            self._blame(attempt, error)
            return self._fail(attempt, error, known)

    def _succeed(self, attempt: _Attempt, insight: Insight) -> Outcome:
        written = Written(
            sets={
                "state": "ANALYZED",
                "insight": zlib.compress(insights.encode(insight), 9),
                "provider": insight.provider,
                "finished_at": self._now_seconds(attempt),
            },
            removes=("error", "trace", "input"),
            listed=Listed.NOWHERE,
        )
        change = self._store.change(
            attempt.delivery.key, jobs.SUCCEED, self._now_seconds(attempt), written, attempt.lease
        )
        return attempt.outcome("analysed" if change.done else _left(change), self._elapsed(attempt))

    def _fail(self, attempt: _Attempt, error: Exception, known: Mapping[str, str]) -> Outcome:
        found = _error(error)
        trace = {**attempt.delivery.trace, "cause": type(error).__name__}
        if attempt.number >= jobs.MAX_ATTEMPTS:
            key = attempt.delivery.key
            self._letters.send(DeadLetter(*key, found, attempt.lease, attempt.number, trace, known))
            return attempt.outcome("dead", self._elapsed(attempt), found.code)
        pause, now_seconds = self._pace.pause_seconds(attempt.number, self._chance), self._now_seconds(attempt)
        written = Written(sets={"due_at": now_seconds + pause, "error": found.as_dict(), "trace": trace})
        change = self._store.change(attempt.delivery.key, jobs.RETRY, now_seconds, written, attempt.lease)
        if not change.done:  # it may be ours that has succeeded, and only its answer was lost
            return attempt.outcome(_left(change), self._elapsed(attempt))
        self._record(lambda: self._deliveries.hide(attempt.delivery.receipt, pause), attempt.delivery.key)
        return attempt.outcome("retried", self._elapsed(attempt), found.code)

    def _blame(self, attempt: _Attempt, error: Exception) -> None:
        lease, seen, now_seconds = attempt.lease, attempt.admission.seen, self._now_seconds(attempt)
        if isinstance(error, ProviderUnavailable | ProviderRefused):
            self._record(lambda: self._breaker.failed(lease, now_seconds, seen), attempt.delivery.key)
        else:
            self._record(lambda: self._breaker.give_back(lease, now_seconds, seen), attempt.delivery.key)

    def _renew(self, attempt: _Attempt) -> bool:
        """Renew the lease and hide the message again; answer False if the job is somebody else's."""
        now_seconds, key = self._now_seconds(attempt), attempt.delivery.key
        written = Written(sets={"lease_until": now_seconds + self._pace.lease_seconds})
        try:
            if not self._store.change(key, jobs.RENEW, now_seconds, written, attempt.lease).done:
                return False
            self._deliveries.hide(attempt.delivery.receipt, jobs.HIDDEN_SECONDS)
        except Exception as error:  # noqa: BLE001  # told; the next beat may do better
            self._told.unrecorded("heartbeat", key, error)
        return True

    def _record(self, write: Callable[[], Any], key: JobKey) -> None:
        """Write what the job does not depend on."""
        try:
            write()
        except TidemarkError as error:
            self._told.unrecorded("record", key, error)

    def _elapsed(self, attempt: _Attempt) -> float:
        return self._clock() - attempt.began

    def _now_seconds(self, attempt: _Attempt) -> int:
        return int(attempt.now.timestamp() + self._elapsed(attempt))


def _left(change: Change) -> str:
    """Return what is left to do with a job that may not be changed."""
    return "known" if change.stored is not None and change.stored.job.state is JobState.SUCCESS else "skipped"


def _times(context: BatchContext) -> dict[str, str]:
    times = [str(event["timestamp"]) for event in context.events]
    return {"first_event_at": min(times), "last_event_at": max(times)} if times else {}


def _error(error: Exception) -> JobError:
    if isinstance(error, TidemarkError):
        return JobError(error.code, error.message)
    return JobError(jobs.INTERNAL, f"{type(error).__name__}: its trace is in the log")  # a message may hold anything
