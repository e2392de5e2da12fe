"""What operators ask of jobs: to begin anew, or to end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from tidemark.domain import jobs
from tidemark.domain.errors import Throttled, Unavailable
from tidemark.domain.jobs import JobError, Move
from tidemark.services.batch_ports import AnalysisQueue
from tidemark.services.job_ports import Change, JobKey, JobStore, Listed, Written

_BY_HAND = JobError(jobs.CANCELLED, "cancelled by hand")


class Jobs:
    """Changes jobs. An action by hand is done by one conditional write: of two at once one is done.

    Parameters
    ----------
    new_lease
        Makes a token that nobody else has.
    """

    def __init__(self, store: JobStore, queue: AnalysisQueue, new_lease: Callable[[], str]) -> None:
        self._store = store
        self._queue = queue
        self._new_lease = new_lease

    def redrive(self, key: JobKey, now_seconds: int) -> Change:
        """Begin a failed job anew, with all its attempts."""
        return self._begin_anew(key, jobs.REDRIVE, now_seconds, ("redrives",))

    def analyse_again(self, key: JobKey, now_seconds: int) -> Change:
        """Begin a job anew that has ended, well or not; a batch keeps its insight until it has the next one."""
        return self._begin_anew(key, jobs.ANALYSE_AGAIN, now_seconds, ())

    def cancel(self, key: JobKey, now_seconds: int) -> Change:
        """End a job that waits or runs; whoever runs it finds its lease gone. It is no dead letter."""
        written = Written(
            sets={"error": _BY_HAND.as_dict(), "finished_at": now_seconds},
            removes=("trace", "input"),
            listed=Listed.NOWHERE,
        )
        return self._store.change(key, jobs.CANCEL, now_seconds, written, self._new_lease())

    def _begin_anew(self, key: JobKey, move: Move, now_seconds: int, counts: tuple[str, ...]) -> Change:
        sets = {"attempts": 0, "requested_at": now_seconds, "due_at": now_seconds + jobs.RESEND_SECONDS}
        removes = ("error", "trace", "input", "finished_at")
        written = Written(sets=sets, removes=removes, counts=counts, listed=Listed.UNFINISHED)
        change = self._store.change(key, move, now_seconds, written, self._new_lease())
        if change.done:
            self._send(key)
        return change

    def _send(self, key: JobKey) -> None:
        with suppress(Throttled, Unavailable):  # what is pending is due: it is sent again
            self._queue.send([key])
