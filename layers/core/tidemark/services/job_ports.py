"""What jobs need of the world, as protocols.

As in `tidemark.services.ports` every method may raise `Throttled` or `Unavailable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from tidemark.domain.batches import Batch
from tidemark.domain.breaker import Breaker
from tidemark.domain.jobs import DeadLetter, Job, Move

JobKey = tuple[str, str]
"""(workspace, batch id)"""


class Listed(StrEnum):
    """Where the index over all workspaces has a job: among what is UNFINISHED, among the DEAD letters, NOWHERE."""

    KEPT = "kept"
    UNFINISHED = "unfinished"
    DEAD = "dead"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Written:
    """What a change writes besides the job's state: attributes of the item, as docs/storage.md names them.

    Parameters
    ----------
    sets, defaults, removes, counts
        Attributes that get a value, that get one if they have none, that go, and that go up by one.
    listed
        Where the job is listed from then on; KEPT is where it was.
    """

    sets: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    removes: Sequence[str] = ()
    counts: Sequence[str] = ()
    listed: Listed = Listed.KEPT


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job with its batch, as they stand; `requested_at` (Unix seconds) is when it was asked for, last by hand."""

    job: Job
    batch: Batch
    requested_at: int


@dataclass(frozen=True, slots=True)
class Change:
    """What came of a change: whether it is `done`, and the job as it stands then, None if the batch has none."""

    done: bool
    stored: StoredJob | None


class JobStore(Protocol):
    """The jobs; each is one item together with its batch."""

    def change(self, key: JobKey, move: Move, now_seconds: int, written: Written, lease: str | None = None) -> Change:
        """Make a change of state in one conditional write, if `move` allows it to the holder of `lease`.

        The item keeps the lease. So with one it may be repeated: it is done, too, if it was done before.
        """


class BreakerStore(Protocol):
    """The breakers, one a provider."""

    def read(self, provider: str) -> Breaker:
        """Read a breaker consistently; one that was never written is closed."""

    def write(self, provider: str, breaker: Breaker, writer: str) -> Breaker:
        """Store `breaker` in the place of its version; return it with the next one.

        Raises `Conflict` if another one was stored since. It may be repeated by the same `writer`.
        """


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message of the queue, as a worker has taken it; `trace` says where its log is."""

    workspace: str
    batch: str
    receipt: str
    trace: Mapping[str, str]

    @property
    def key(self) -> JobKey:
        """The job that it is about."""
        return self.workspace, self.batch


class Deliveries(Protocol):
    """The messages that a worker has taken from the queue."""

    def hide(self, receipt: str, seconds: int) -> None:
        """Have a message come again after `seconds` from now, unless it is done by then."""


class DeadLetters(Protocol):
    """The queue of jobs that failed for good."""

    def send(self, letter: DeadLetter) -> None:
        """Queue a job that failed for good; it may come more than once."""
