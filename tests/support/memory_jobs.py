"""Jobs and breakers in memory, with the conditions that DynamoDB checks, and a record of all that was written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.memory import Before, nothing
from tests.support.memory_batches import MemoryBatches
from tidemark.domain.breaker import Breaker
from tidemark.domain.errors import Conflict
from tidemark.domain.jobs import DeadLetter, Job, Move
from tidemark.services.job_ports import Change, JobKey, Listed, StoredJob, Written


@dataclass(frozen=True)
class Step:
    """One change of a job that was written."""

    key: JobKey
    move: Move
    before: Job
    after: Job
    lease: str | None
    now_seconds: int


@dataclass
class MemoryPipeline(MemoryBatches):
    """Batches and their jobs; `facts` are the attributes of a job, `steps` all changes in their order."""

    facts: dict[JobKey, dict[str, Any]] = field(default_factory=dict)
    listed: dict[JobKey, Listed] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def change(self, key: JobKey, move: Move, now_seconds: int, written: Written, lease: str | None = None) -> Change:
        self.disturb()
        stored = self.items.get(key)
        if stored is None or stored.job is None:
            return Change(done=False, stored=None)
        before = stored.job
        if not move.allows(before, now_seconds, lease):
            was_done = lease is not None and (before.state, before.lease) == (move.target, lease)
            return Change(was_done, StoredJob(before, stored.batch, stored.batch.sealed_at))
        facts = self.facts.setdefault(key, {"attempts": 0})
        facts |= {**written.defaults, **facts, **written.sets}
        for name in written.counts:
            facts[name] = facts.get(name, 0) + 1
        for name in written.removes:
            facts.pop(name, None)
        stored.job = Job(move.target, facts["attempts"], lease or before.lease, facts.get("lease_until", 0))
        stored.due_at = facts.pop("due_at", stored.due_at)
        if "state" in facts:
            stored.batch = replace(stored.batch, state=facts["state"])
        if written.listed is not Listed.KEPT:
            self.listed[key] = written.listed
        self.steps.append(Step(key, move, before, stored.job, lease, now_seconds))
        self.disturb()
        return Change(done=True, stored=StoredJob(stored.job, stored.batch, stored.batch.sealed_at))

    def is_listed(self, key: JobKey) -> bool:
        return self.listed.get(key, Listed.UNFINISHED) is Listed.UNFINISHED


@dataclass
class MemoryBreakers:
    """One breaker, and all that it was."""

    disturb: Before = nothing
    history: list[Breaker] = field(default_factory=lambda: [Breaker()])
    writers: list[str] = field(default_factory=lambda: [""])

    def read(self, provider: str) -> Breaker:
        self.disturb()
        return self.history[-1]

    def write(self, provider: str, breaker: Breaker, writer: str) -> Breaker:
        self.disturb()
        written = replace(breaker, version=breaker.version + 1)
        if (self.history[-1].version, self.writers[-1]) == (written.version, writer):
            return written
        if self.history[-1].version != breaker.version:
            raise Conflict("the breaker has moved")
        self.history.append(written)
        self.writers.append(writer)
        self.disturb()
        return written


@dataclass
class MemoryLetters:
    """The dead letters that were sent and are not buried yet."""

    disturb: Before = nothing
    waiting: list[DeadLetter] = field(default_factory=list)

    def send(self, letter: DeadLetter) -> None:
        self.disturb()
        self.waiting.append(letter)
        self.disturb()


@dataclass
class MemoryDeliveries:
    """The messages that were hidden, with their seconds."""

    disturb: Before = nothing
    hidden: list[tuple[str, int]] = field(default_factory=list)

    def hide(self, receipt: str, seconds: int) -> None:
        self.disturb()
        self.hidden.append((receipt, seconds))
