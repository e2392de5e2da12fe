"""The port of batches, in memory, with the conditions that DynamoDB checks, and what stands before and after a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tests.support.memory import nothing
from tidemark.domain.batches import Batch, Chain, SealedBy, batch_id, parse_batch_id
from tidemark.domain.errors import Conflict
from tidemark.domain.jobs import RESEND_SECONDS, Job, JobState, Move
from tidemark.services.batch_ports import DueBatch
from tidemark.services.job_ports import Change, JobKey, StoredJob, Written

PAGE = 1
"""Batches a page, so that chains take several, and each batch is the last one of its page."""


@dataclass
class Stored:
    """An item: a batch and its job."""

    batch: Batch
    due_at: int
    expires_at: int = 0
    job: Job | None = None


@dataclass
class MemoryBatches:
    """The batches and their jobs; `disturb` is called before each request, after each write and between pages."""

    disturb: Callable[[], None] = nothing
    items: dict[tuple[str, str], Stored] = field(default_factory=dict)
    sealed: dict[tuple[str, str], Batch] = field(default_factory=dict)
    """Each batch as it was when it was sealed: from then on nothing may change it."""

    def chain(self, chain: Chain) -> list[Batch]:
        found: list[Batch] = []
        while True:
            self.disturb()
            after = found[-1].number if found else -1
            page = sorted(self._of(chain, after), key=lambda batch: batch.number)[:PAGE]
            found += page
            if len(page) < PAGE:
                return found

    def get(self, workspace: str, batch_id: str) -> Batch | None:
        self.disturb()
        return self.items[workspace, batch_id].batch if (workspace, batch_id) in self.items else None

    def put(self, batch: Batch, due_at: int, expires_at: int) -> None:
        self.disturb()
        key = batch.chain.workspace, batch.batch_id
        stored = self.items.get(key)
        if (stored.batch.version if stored else 0) != batch.version - 1:
            raise Conflict("another version")
        self._store(key, batch, due_at, expires_at)
        self.disturb()

    def seal(self, workspace: str, batch_id: str, sealed_by: SealedBy, now_seconds: int) -> bool:
        self.disturb()
        stored = self.items.get((workspace, batch_id))
        if stored is None or stored.batch.state != "OPEN":
            return False
        batch = replace(
            stored.batch,
            state="SEALED",
            sealed_at=now_seconds,
            sealed_by=sealed_by,
            version=stored.batch.version + 1,
        )
        self._store((workspace, batch_id), batch, now_seconds + RESEND_SECONDS, stored.expires_at)
        self.disturb()
        return True

    def due(self, now_seconds: int) -> Iterator[DueBatch]:
        for key, stored in sorted(self.items.items(), key=lambda item: item[1].due_at):
            if stored.due_at <= now_seconds and self.is_listed(key):
                self.disturb()
                batch, job = stored.batch, stored.job or Job(JobState.PENDING)
                state = str(job.state) if stored.job else ""
                decisive = job.attempts, job.lease_until, batch.sealed_at
                yield DueBatch(*key, stored.due_at, batch.state, state, *decisive)

    def due_at(self, second: int) -> Iterator[DueBatch]:
        yield from (due for due in self.due(second) if due.due_at == second)

    def is_listed(self, key: tuple[str, str]) -> bool:
        """Whether the index has a batch among the unfinished ones."""
        job = self.items[key].job
        return job is None or not job.is_finished

    def change(self, key: JobKey, move: Move, now_seconds: int, written: Written, lease: str | None = None) -> Change:
        self.disturb()
        stored = self.items[key]
        assert stored.job is not None
        if not move.allows(stored.job, now_seconds, lease):
            return Change(done=False, stored=StoredJob(stored.job, stored.batch, stored.batch.sealed_at))
        stored.job = replace(stored.job, state=move.target)
        stored.due_at = written.sets.get("due_at", stored.due_at)
        self.disturb()
        return Change(done=True, stored=StoredJob(stored.job, stored.batch, stored.batch.sealed_at))

    def chains(self) -> dict[Chain, list[Batch]]:
        """Return all batches by chain and number, past every disturbance."""
        found: dict[Chain, list[Batch]] = {}
        for (workspace, name), stored in self.items.items():
            found.setdefault(parse_batch_id(workspace, name)[0], []).append(stored.batch)
        return {chain: sorted(batches, key=lambda batch: batch.number) for chain, batches in found.items()}

    def _of(self, chain: Chain, after: int) -> Iterator[Batch]:
        for (workspace, name), stored in self.items.items():
            named, number = parse_batch_id(workspace, name)
            if named == chain and number > after:
                yield stored.batch

    def _store(self, key: tuple[str, str], batch: Batch, due_at: int, expires_at: int) -> None:
        assert key[1] == batch_id(batch.chain, batch.number)
        assert key not in self.sealed, "a sealed batch is written again"
        job = Job(JobState.PENDING) if batch.state == "SEALED" else None
        if job is not None:
            self.sealed[key] = batch
        self.items[key] = Stored(batch, due_at, expires_at, job)


@dataclass
class MemoryAnalysisQueue:
    """The messages that were sent, in order; `failing` makes the queue refuse."""

    disturb: Callable[[], None] = nothing
    sent: list[tuple[str, str]] = field(default_factory=list)
    failing: Exception | None = None

    def send(self, jobs: Sequence[tuple[str, str]]) -> None:
        self.disturb()
        if self.failing is not None:
            raise self.failing
        self.sent += jobs
        self.disturb()
