"""What operators do to batches and jobs by hand. Each action is one conditional write, and so may be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from tidemark.domain.errors import Throttled, Unavailable, WrongState
from tidemark.domain.operations import BATCHES_SEALED, JOBS_CANCELLED, JOBS_REDRIVEN, JOBS_REPEATED, SystemEvent
from tidemark.domain.pipeline_query import MAX_ROWS
from tidemark.services.batch_ports import AnalysisQueue, Batches
from tidemark.services.job_ports import JobKey
from tidemark.services.jobs import Jobs
from tidemark.services.operations import SystemEvents
from tidemark.services.pipeline import unknown_batch
from tidemark.services.pipeline_ports import BatchRecord, Pipeline, Wanted


@dataclass(frozen=True, slots=True)
class Action:
    """What came of an action: the batch as it stands then, and whether it was this that changed it."""

    changed: bool
    batch: BatchRecord


@dataclass(slots=True)
class Redriven:
    """What came of a redrive: `skipped` has (workspace, batch id) with the code of the reason."""

    done: list[JobKey] = field(default_factory=list)
    skipped: list[tuple[JobKey, str]] = field(default_factory=list)
    more: bool = False


class ManualActions:
    """Does them; `request_id` names the request in the system's own events."""

    def __init__(
        self, pipeline: Pipeline, batches: Batches, queue: AnalysisQueue, jobs: Jobs, events: SystemEvents
    ) -> None:
        self._pipeline = pipeline
        self._batches = batches
        self._queue = queue
        self._jobs = jobs
        self._events = events

    def seal(self, workspace: str, batch_id: str, request_id: str, now: datetime) -> Action:
        """Seal a batch; raises `NotFound`."""
        changed = self._batches.seal(workspace, batch_id, "hand", int(now.timestamp()))
        batch = self._found(workspace, batch_id)
        if changed:
            with suppress(Throttled, Unavailable):  # what is pending is due: it is sent again
                self._queue.send([(workspace, batch_id)])
            self._events([SystemEvent(BATCHES_SEALED, request_id, {"batches": 1, "by": "hand"})], now)
        return Action(changed, batch)

    def analyse(self, workspace: str, batch_id: str, request_id: str, now: datetime) -> Action:
        """Have a batch whose job has ended analysed again; raises `NotFound`, `WrongState`."""
        done = self._jobs.analyse_again((workspace, batch_id), int(now.timestamp())).done
        batch = self._found(workspace, batch_id)
        if not done and batch.job not in ("PENDING", "RUNNING"):
            raise WrongState("the batch is open: seal it, and it is analysed")
        if done:
            self._events([SystemEvent(JOBS_REPEATED, request_id, {"jobs": 1})], now)
        return Action(done, batch)

    def cancel(self, workspace: str, batch_id: str, request_id: str, now: datetime) -> Action:
        """End a job that waits or runs; raises `NotFound`, `WrongState`."""
        done = self._jobs.cancel((workspace, batch_id), int(now.timestamp())).done
        batch = self._found(workspace, batch_id)
        if not done and batch.job != "FAILED":
            raise WrongState("the batch has no job yet" if not batch.job else "the job has ended well")
        if done:
            self._events([SystemEvent(JOBS_CANCELLED, request_id, {"jobs": 1})], now)
        return Action(done, batch)

    def redrive(self, workspace: str, batch_ids: Sequence[str], request_id: str, now: datetime) -> Redriven:
        """Begin failed jobs anew, each of them once."""
        return self._redrive([(workspace, batch_id) for batch_id in dict.fromkeys(batch_ids)], request_id, now)

    def redrive_all(self, workspace: str | None, failed_until: datetime, request_id: str, now: datetime) -> Redriven:
        """Begin up to 100 dead letters anew that failed no later than `failed_until`, of one workspace or of all."""
        failed = Wanted("job", "FAILED")
        until = int(failed_until.timestamp())
        found = self._pipeline.listed(("dead",), workspace, failed, MAX_ROWS, due_until=until)
        redriven = self._redrive([(one.workspace, one.batch_id) for one in found.records], request_id, now)
        redriven.more = found.end is not None
        return redriven

    def _redrive(self, keys: Sequence[JobKey], request_id: str, now: datetime) -> Redriven:
        redriven, now_seconds = Redriven(), int(now.timestamp())
        for key in keys:
            change = self._jobs.redrive(key, now_seconds)
            if change.done:
                redriven.done.append(key)
            else:
                is_known = change.stored is not None or self._pipeline.find(*key) is not None
                redriven.skipped.append((key, "wrong_state" if is_known else "unknown_batch"))
        if redriven.done:
            self._events([SystemEvent(JOBS_REDRIVEN, request_id, {"jobs": len(redriven.done)})], now)
        return redriven

    def _found(self, workspace: str, batch_id: str) -> BatchRecord:
        found = self._pipeline.find(workspace, batch_id)
        if found is None:
            raise unknown_batch()
        return found
