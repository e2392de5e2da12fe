"""The end of jobs that failed for good: why, and in what, is kept with them."""

from __future__ import annotations

from tidemark.domain import jobs
from tidemark.domain.jobs import DeadLetter
from tidemark.services.job_ports import Change, JobStore, Listed, Written


class BuryJobs:
    """Buries the jobs of dead letters, which may come more than once and late."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def __call__(self, letter: DeadLetter, now_seconds: int) -> Change:
        """State that a job has failed for good, unless it goes on: under another lease, or by hand."""
        why = {"error": letter.error.as_dict(), "trace": dict(letter.trace), "input": dict(letter.input)}
        when = {"finished_at": now_seconds, "due_at": now_seconds}
        key = letter.workspace, letter.batch
        if letter.lease is None:  # what the last attempt has left says more than that the queue gave up
            written = Written(sets=when, defaults=why, listed=Listed.DEAD)
            return self._store.change(key, jobs.ABANDON, now_seconds, written)
        written = Written(sets={**when, **why}, listed=Listed.DEAD)
        return self._store.change(key, jobs.BURY, now_seconds, written, letter.lease)
