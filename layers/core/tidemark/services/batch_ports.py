"""What batching needs of the world, as protocols; `tidemark.services.ports` has those of the live path.

As there, every method may raise `Throttled` or `Unavailable`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tidemark.domain.batches import Batch, Chain, SealedBy, State


@dataclass(frozen=True, slots=True)
class DueBatch:
    """A batch of which something is to be done since `due_at` (Unix seconds), as the index has it: some time ago.

    `job` is the state of its job, empty while there is none.
    """

    workspace: str
    batch_id: str
    due_at: int
    state: State
    job: str
    attempts: int
    lease_until: int
    sealed_at: int


class Batches(Protocol):
    """The batches; each is one item together with its job."""

    def chain(self, chain: Chain) -> list[Batch]:
        """Read the batches of a chain, by number, each consistently but not all at the same instant."""

    def get(self, workspace: str, batch_id: str) -> Batch | None:
        """Read a batch consistently."""

    def put(self, batch: Batch, due_at: int, expires_at: int) -> None:
        """Store a batch in the place of the version before; a sealed one together with its pending job.

        Raises `Conflict` if what is stored is of another version.
        """

    def seal(self, workspace: str, batch_id: str, sealed_by: SealedBy, now_seconds: int) -> bool:
        """Seal an open batch, which gives it its pending job; answer False if it is not open, or is not there."""

    def due(self, now_seconds: int) -> Iterator[DueBatch]:
        """Read what is due, of all workspaces, a page at a time; what has just become so may be missing."""

    def due_at(self, second: int) -> Iterator[DueBatch]:
        """Read what is due at just this Unix second, as `due` does."""


class AnalysisQueue(Protocol):
    """The queue of the analysis jobs."""

    def send(self, jobs: Sequence[tuple[str, str]]) -> None:
        """Queue jobs, as (workspace, batch id); they may come more than once and in any order."""
