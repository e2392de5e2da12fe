"""Analysis jobs: their states, every legal change of state, and when a failed attempt is tried again.

::

    PENDING ──claim──► RUNNING ──succeed──► SUCCESS
       ▲                │  │ │                 │
       ├──retry, recover┘  │ └─bury, cancel─► FAILED
       └──────────────redrive, analyse again───┘

A job exists from the moment its batch is sealed, as a part of the same item. A change is written on the condition that
its `Move` allows it, which the adapter makes of this one declaration: so an illegal change cannot be written, and who
comes second is refused. A pending job always has an attempt left.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MAX_ATTEMPTS = 5
LEASE_SECONDS = 120
"""How long a job belongs to the worker that claimed it or renewed its claim last. When it is over the schedule sends a
new message: so for as long, and a minute more, a job waits whose worker died."""
HIDDEN_SECONDS = 900
"""How long the queue hides a message from others (template.yaml, VisibilityTimeout): longer than the worker's function
may run, which deletes the messages of a delivery together."""
HEARTBEATS_A_LEASE = 3
"""How often a worker renews: two renewals may fail before the lease is over."""
RESEND_SECONDS = 30
"""After so long a pending job's message is taken for lost, and is sent again."""
FIRST_PAUSE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 300
MAX_MESSAGE_CHARACTERS = 500
"""Of an error that is kept."""

CANCELLED = "cancelled"
NOT_DELIVERED = "not_delivered"
LEASE_EXPIRED = "lease_expired"
BATCH_MISSING = "batch_missing"
INTERNAL = "internal"


class JobState(StrEnum):
    """Where a job stands; it is finished with SUCCESS or FAILED."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


class Lease(StrEnum):
    """What must be so of the lease of a running job for a change to be legal."""

    ANY = "any"
    MINE = "mine"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class JobError:
    """Why an attempt failed: a stable `code` and a `message` for people, without any content of events."""

    code: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """Return it as it is stored and sent, the message cut to its bound."""
        return {"code": self.code, "message": self.message[:MAX_MESSAGE_CHARACTERS]}


@dataclass(frozen=True, slots=True)
class Move:
    """One legal change of state.

    Parameters
    ----------
    sources, target
        From which states to which.
    lease
        What must be so of the lease, where the source is RUNNING.
    needs_attempt
        Whether one of the attempts must be left.
    """

    name: str
    sources: frozenset[JobState]
    target: JobState
    lease: Lease = Lease.ANY
    needs_attempt: bool = False

    def allows(self, job: Job, now_seconds: int, lease: str | None = None) -> bool:
        """Answer whether a job may change so, at `now_seconds`, by whoever holds `lease`."""
        if job.state not in self.sources or (self.needs_attempt and job.attempts >= MAX_ATTEMPTS):
            return False
        if job.state != JobState.RUNNING or self.lease is Lease.ANY:
            return True
        return job.lease == lease if self.lease is Lease.MINE else job.lease_until < now_seconds


@dataclass(frozen=True, slots=True)
class Job:
    """What decides about a job: `attempts` were begun, the last one under `lease`, which holds until `lease_until`."""

    state: JobState
    attempts: int = 0
    lease: str | None = None
    lease_until: int = 0

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is to be done, unless somebody asks for it."""
        return self.state in (JobState.SUCCESS, JobState.FAILED)

    def is_exhausted(self, now_seconds: int) -> bool:
        """Answer whether its last attempt has ended without a word: only a dead letter is left to write."""
        return self.state == JobState.RUNNING and self.attempts >= MAX_ATTEMPTS and self.lease_until < now_seconds


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that failed for good.

    Parameters
    ----------
    lease
        Of the attempt that was the last; None if nobody knows, since the queue itself gave the message up.
    trace
        Where to look for more: `request_id`, `log_group`, `log_stream`, `cause` (the class of the error).
    input
        What was to be analysed, as far as it was known: `provider`, `first_event_at`, `last_event_at`.
    """

    workspace: str
    batch: str
    error: JobError = JobError(NOT_DELIVERED, "the queue delivered the job five times, and no worker ended it")
    lease: str | None = None
    attempts: int = 0
    trace: Mapping[str, str] = field(default_factory=dict)
    input: Mapping[str, str] = field(default_factory=dict)


_PENDING, _RUNNING = frozenset({JobState.PENDING}), frozenset({JobState.RUNNING})
_FAILED = frozenset({JobState.FAILED})

CLAIM = Move("claim", _PENDING | _RUNNING, JobState.RUNNING, Lease.OVER, needs_attempt=True)
RENEW = Move("renew", _RUNNING, JobState.RUNNING, Lease.MINE)
SUCCEED = Move("succeed", _RUNNING, JobState.SUCCESS, Lease.MINE)
RETRY = Move("retry", _RUNNING, JobState.PENDING, Lease.MINE, needs_attempt=True)
POSTPONE = Move("postpone", _PENDING, JobState.PENDING)
RECOVER = Move("recover", _RUNNING, JobState.PENDING, Lease.OVER, needs_attempt=True)
BURY = Move("bury", _RUNNING, JobState.FAILED, Lease.MINE)
ABANDON = Move("abandon", _PENDING | _RUNNING, JobState.FAILED, Lease.OVER)
CANCEL = Move("cancel", _PENDING | _RUNNING, JobState.FAILED)
REDRIVE = Move("redrive", _FAILED, JobState.PENDING)
ANALYSE_AGAIN = Move("analyse again", _FAILED | {JobState.SUCCESS}, JobState.PENDING)

MOVES = (CLAIM, RENEW, SUCCEED, RETRY, POSTPONE, RECOVER, BURY, ABANDON, CANCEL, REDRIVE, ANALYSE_AGAIN)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a job is waited for.

    Parameters
    ----------
    lease_seconds
        How long it belongs to who claimed it or renewed the claim last.
    first_pause_seconds
        The longest pause after its first failed attempt, at least 1.
    """

    lease_seconds: int = LEASE_SECONDS
    first_pause_seconds: int = FIRST_PAUSE_SECONDS

    @property
    def heartbeat_seconds(self) -> float:
        """How often a worker renews its claim."""
        return self.lease_seconds / HEARTBEATS_A_LEASE

    def pause_seconds(self, attempts: int, chance: random.Random) -> int:
        """Return the pause after the failed attempt number `attempts`, from 1 on.

        Drawn from everything up to a bound that doubles ("full jitter": M. Brooker, "Exponential backoff and jitter",
        2015), so that jobs that failed together do not come back together.
        """
        longest = min(LONGEST_PAUSE_SECONDS, self.first_pause_seconds * 2 ** (attempts - 1))
        return chance.randint(1, longest)
