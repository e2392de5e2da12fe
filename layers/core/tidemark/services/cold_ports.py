"""What the cold storage of batches needs of the world, as protocols.

As in `tidemark.services.ports` every method may raise `Throttled` or `Unavailable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from tidemark.domain.cold_batches import AnalysedBatch, Row

Hour = tuple[str, str]
"""(workspace, hour)"""


@dataclass(frozen=True, slots=True)
class DueNote:
    """A note that is due since `due_at` (Unix seconds)."""

    workspace: str
    hour: str
    due_at: int


class ColdNotes(Protocol):
    """Which hours have batches that cold storage may lack; a note says when one was analysed last (Unix seconds)."""

    def note(self, workspace: str, hour: str, noted_at: int, due_at: int) -> None:
        """Note that a batch of an hour was analysed; the hour is due at `due_at` unless it was to be so before."""

    def find(self, workspace: str, hour: str) -> int | None:
        """Read when an hour was noted last, consistently; None if it is not noted."""

    def due(self, now_seconds: int) -> Iterator[DueNote]:
        """Read what is due, a page at a time: of some workspaces, each minute of others."""

    def postpone(self, workspace: str, hour: str, due_at: int) -> None:
        """Have an hour be due later, if it is noted."""

    def remove(self, workspace: str, hour: str, noted_at: int) -> None:
        """Take a note away, unless it was made anew since `noted_at`."""


class ColdQueue(Protocol):
    """The queue of hours to be stored."""

    def send_batches(self, hours: Sequence[Hour]) -> None:
        """Queue the storing of the batches of hours; it may be done more than once and in any order."""


class AnalysedBatches(Protocol):
    """The batches in the table, whose job has succeeded."""

    def of_hour(self, workspace: str, hour: str) -> Iterator[AnalysedBatch]:
        """Read those of an hour by id, each consistently."""

    def restore(self, analysed: AnalysedBatch, now_seconds: int, expires_at: int) -> bool:
        """Put a batch back with job and insight; answer False where one of its id is there and has not expired."""


@dataclass(frozen=True, slots=True)
class StoredHour:
    """The object of an hour as it stands, its batches in order; `tag` is another one after each write."""

    tag: str
    rows: Iterable[Row]


class ColdStorage(Protocol):
    """The objects of cold storage."""

    def read(self, workspace: str, hour: str) -> AbstractContextManager[StoredHour | None]:
        """Read an hour's object, consistently; None if there is none. Its rows may be read inside, once."""

    def replace(self, workspace: str, hour: str, rows: Iterable[Row], previous: str | None) -> int:
        """Put batches in the place of the object with the tag `previous`, unless there are none; return their number.

        Raises `Conflict` if the object is another one by now.
        """
