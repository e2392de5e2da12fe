"""What the administration of the pipeline needs of the world, as protocols.

As in `tidemark.services.ports` every method may raise `Throttled` or `Unavailable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from tidemark.domain.audit import Access
from tidemark.domain.insight_section import StoredInsight
from tidemark.domain.pipeline_query import Place


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch and its job, as an operator sees them; times are Unix seconds, 0 for what has not happened.

    `job` is the state of the job, empty while there is none; then nothing behind it means anything.
    """

    workspace: str
    batch_id: str
    state: str
    events: int
    opened_at: int
    sealed_at: int = 0
    sealed_by: str = ""
    job: str = ""
    attempts: int = 0
    redrives: int = 0
    due_at: int = 0
    lease_until: int = 0
    started_at: int = 0
    finished_at: int = 0
    provider: str = ""
    error: Mapping[str, Any] = field(default_factory=dict)
    input: Mapping[str, Any] = field(default_factory=dict)
    trace: Mapping[str, Any] = field(default_factory=dict)
    insight: StoredInsight | None = None
    """Where it was asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which batches are asked for: those whose `attribute` is `value`, or that have it at all if that is None."""

    attribute: Literal["state", "job"]
    value: str | None = None

    def takes(self, record: BatchRecord) -> bool:
        """Answer whether a batch is one of them."""
        found = record.state if self.attribute == "state" else record.job
        return bool(found) if self.value is None else found == self.value


@dataclass(frozen=True, slots=True)
class Found:
    """Some batches, and behind which place others follow, None if these are all. There may be fewer than asked for."""

    records: Sequence[BatchRecord]
    end: Place | None = None


Listing = Literal["unfinished", "dead"]
"""Which part of the index over all workspaces."""


@dataclass(slots=True)
class Tally:
    """Unfinished and dead batches, counted; `is_all` says whether none was left out.

    `pending_since` is the Unix second since which the longest waiting job has waited, 0 if none waits.
    """

    open: int = 0
    sealed: int = 0
    pending: int = 0
    running: int = 0
    dead: int = 0
    pending_since: int = 0
    is_all: bool = True


class Pipeline(Protocol):
    """The batches with their jobs, to be looked at."""

    def find(self, workspace: str, batch_id: str) -> BatchRecord | None:
        """Read a batch consistently, with its insight."""

    def of_workspace(self, workspace: str, wanted: Wanted | None, limit: int, after: Place | None) -> Found:
        """Read batches of a workspace consistently, the newest hour first; all of them if nothing is `wanted`."""

    def listed(
        self,
        listings: Sequence[Listing],
        workspace: str | None,
        wanted: Wanted,
        limit: int,
        after: Place | None = None,
        due_until: int | None = None,
    ) -> Found:
        """Read batches that the index lists, of one workspace or of all; by when they are due within a workspace.

        Those that are due after `due_until` (Unix seconds) are left out; the dead are due when they failed.
        """

    def tally(self, workspace: str | None) -> Tally:
        """Count what the index lists, of one workspace or of all."""

    def last_filled(self, workspace: str, now: datetime) -> int:
        """Read when events of the present last came into a batch (Unix seconds); 0 if that is not known."""


@dataclass(frozen=True, slots=True)
class WriteKey:
    """A write key as it may be shown."""

    key_id: str
    label: str
    created_at: str
    revoked_at: str


class Workspaces(Protocol):
    """The workspaces as a list, and their keys."""

    def page(self, limit: int, after: Place | None) -> tuple[list[dict[str, Any]], Place | None]:
        """Read the settings of some workspaces, in an order that stays; and behind which place others follow."""

    def keys(self, workspace: str) -> list[WriteKey]:
        """Read the write keys of a workspace, revoked ones included, oldest first."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An access as it was recorded: first `at` (ISO), and how many `times` within the minute."""

    access: Access
    at: str
    times: int


class AuditTrail(Protocol):
    """Who has looked at what, and done what."""

    def record(self, access: Access, now: datetime) -> None:
        """Keep an access."""

    def entries(self, workspace: str, limit: int, before: Place | None) -> tuple[list[AuditEntry], Place | None]:
        """Read accesses to a workspace, newest first; and before which place others follow."""
