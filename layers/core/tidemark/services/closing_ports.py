"""What closing hours needs of the world, as protocols; `tidemark.services.ports` has those of the live path.

As there, every method may raise `Throttled` or `Unavailable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from tidemark.domain.cells import Cell
from tidemark.domain.views import View


@dataclass(frozen=True, slots=True)
class StoredDay:
    """The merged final cells of `hours`, which are those of a local day of `timezone`; `covers` as in `StoredCell`.

    `calendar` is that of the workspace: a day that was built before a change of the timezone is not kept up since.
    """

    cell: Cell
    timezone: str
    hours: frozenset[str]
    covers: frozenset[str]
    version: int = 0
    calendar: int = 0


class Days(Protocol):
    """Day cells."""

    def version(self, workspace: str, day: date) -> int:
        """Read the version of a day's cell consistently; 0 if there is none."""

    def replace(self, workspace: str, day: date, version: int, stored: StoredDay) -> bool:
        """Put `stored` in the place of the day's cell of that version; answer False if the day is too large to keep.

        Raises `Conflict` if the cell is of another version.
        """

    def remove(self, workspace: str, day: date) -> None:
        """Take a day's cell away, if there is one."""

    def get_many(self, workspace: str, days: Sequence[date], identities: Set[str]) -> dict[date, StoredDay]:
        """Read the cells of days, of their states those of `identities` alone.

        Those of the last second may be missing; corrupt ones are left out, as if they were lost.
        """


@dataclass(frozen=True, slots=True)
class Due:
    """A period of a workspace that the run of `slot` is to close: an hour, a local day as `2026-11-22`, or `days`.

    `mark` is another one each time that it becomes due.
    """

    workspace: str
    period: str
    slot: str
    mark: str = ""


class Agenda(Protocol):
    """Which hours have events, and which periods are due."""

    def note(self, workspace: str, hour: str, shard: int) -> bool:
        """State that a shard of an hour has events; answer whether that was news."""

    def hours(self, workspace: str, first: str, last: str) -> list[str]:
        """Read the hours with events from `first` to `last`, both included, in order."""

    def forget(self, workspace: str, places: Iterable[tuple[str, int]]) -> None:
        """State that shards of hours, as (hour, shard), have no events any more; idempotent."""

    def schedule(self, workspace: str, period: str, slot: str) -> Due:
        """Make a period due in the run of `slot`, with a new mark."""

    def find(self, due: Due) -> Due | None:
        """Read, consistently, a due period with its current mark; None if it is not due in that slot."""

    def due_until(self, slot: str) -> Iterator[Due]:
        """Read what is due in a slot or in one before, a page at a time."""

    def settle(self, due: Due) -> None:
        """Take a due period off, unless it has become due again since; idempotent."""


@dataclass(frozen=True, slots=True)
class Closing:
    """What came of closing an hour or a day.

    `drift` counts the measures of an hour whose live state was not what the log gives; of a day the numbers are those
    of its hours, and 0 here.
    """

    workspace: str
    period: str
    slot: str
    outcome: str
    events: int = 0
    chunks: int = 0
    drift: int = 0
    milliseconds: int = 0


class Runs(Protocol):
    """The record of the rollup."""

    def began(self, slot: str, periods: int, milliseconds: int, now: datetime) -> None:
        """Keep that the run of a slot found so many due periods and sent their jobs."""

    def closed(self, closing: Closing, now: datetime) -> None:
        """Keep what came of a period; a repetition takes the place of the first."""

    def failed(self, due: Due, error: str, attempts: int, now: datetime) -> None:
        """Keep why a period could not be closed, after the last attempt."""


class ArchiveQueue(Protocol):
    """The queue of hours to archive."""

    def send(self, workspace: str, hour: str) -> None:
        """Queue the archiving of an hour; it may be done more than once and in any order."""


class RollupQueue(Protocol):
    """The queue of periods to close, and of views to slide."""

    def send(self, periods: Sequence[Due], delay_seconds: int = 0) -> None:
        """Queue the closing of periods; they may come more than once and in any order."""

    def send_views(self, views: Sequence[tuple[str, View]]) -> None:
        """Queue the rendering of (workspace, view) at the present hour."""
