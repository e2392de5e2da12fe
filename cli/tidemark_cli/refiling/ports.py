"""What filing the log anew needs of a stack, as protocols; the adapters of `tidemark.aws` have it.

Every method may raise `Throttled` or `Unavailable`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from tidemark.domain.chunks import Chunk
from tidemark.services.closing_ports import Agenda
from tidemark.services.ports import CellKey, LoggedChunk
from tidemark_cli.rollup.backfill import OwnDue


class Notes(Agenda, OwnDue, Protocol):
    """Which hours have events, and what is due."""


class Log(Protocol):
    """The log, with what only an operator may do."""

    def put(self, chunk: Chunk, received_at: datetime, expires_at: int, *, refiled: bool = False) -> bool:
        """Store a chunk unless its key exists."""

    def read(self, workspace: str, hour: str, shard: int) -> Iterator[LoggedChunk]:
        """Read the chunks of an hour's shard consistently, a page at a time."""

    def has_chunks(self, workspace: str, hour: str, shard: int) -> bool:
        """Answer whether an hour's shard has any chunk."""

    def remove(self, logged: LoggedChunk) -> None:
        """Take away a chunk that was read; raises `Conflict` if it is another one by now."""


class HourCells(Protocol):
    """Hour cells."""

    def log_ends(self, workspace: str, keys: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """Read until when (Unix seconds) the log has all that the cells of (hour, shard) count; of those there are."""

    def remove(self, keys: Sequence[CellKey]) -> None:
        """Take cells away."""


class DayCells(Protocol):
    """Day cells."""

    def remove(self, workspace: str, day: date) -> None:
        """Take a day's cell away, if there is one."""


class SessionEntries(Protocol):
    """The index of timelines."""

    def remove(self, workspace: str, session: str, places: Sequence[tuple[str, int, str]]) -> None:
        """Take out the entries of a session for chunks, named by (hour, shard, key)."""


class Archive(Protocol):
    """Archived hours, as `tidemark_cli.refiling.archive` has them."""

    def write(self, hour: str, now: datetime) -> None:
        """Archive an hour that no job will."""

    def empty(self, hour: str, has_moved: bool, now: datetime) -> None:
        """Leave an hour without rows."""
