"""The ports of the rollup, in memory. (tests/support/memory.py has those of fold and watching.)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from datetime import date, datetime
from itertools import count

from tests.support.memory import Before, nothing
from tidemark.domain.errors import Conflict
from tidemark.domain.views import View
from tidemark.services.closing_ports import Closing, Due, StoredDay


class MemoryAgenda:
    """Hours with events, and what is due."""

    def __init__(self, before: Before = nothing) -> None:
        self._before = before
        self._noted: dict[str, set[tuple[str, int]]] = {}
        self._due: dict[tuple[str, str, str], Due] = {}
        self._marks = count(1)

    def note(self, workspace: str, hour: str, shard: int) -> bool:
        self._before()
        noted = self._noted.setdefault(workspace, set())
        is_new = (hour, shard) not in noted
        noted.add((hour, shard))
        return is_new

    def hours(self, workspace: str, first: str, last: str) -> list[str]:
        self._before()
        return sorted({hour for hour, _ in self._noted.get(workspace, ()) if first <= hour <= last})

    def forget(self, workspace: str, places: Iterable[tuple[str, int]]) -> None:
        self._before()
        self._noted.get(workspace, set()).difference_update(places)

    def schedule(self, workspace: str, period: str, slot: str) -> Due:
        self._before()
        due = Due(workspace, period, slot, f"m{next(self._marks)}")
        self._due[slot, workspace, period] = due
        return due

    def find(self, due: Due) -> Due | None:
        self._before()
        return self._due.get((due.slot, due.workspace, due.period))

    def due_until(self, slot: str) -> Iterator[Due]:
        self._before()
        yield from [due for (of, _, _), due in sorted(self._due.items()) if of <= slot]

    def left(self, workspace: str, slot: str) -> list[Due]:
        return [due for due in self.due_until(slot) if (due.workspace, due.slot) == (workspace, slot)]

    def settle(self, due: Due) -> None:
        self._before()
        if self._due.get((due.slot, due.workspace, due.period)) == due:
            del self._due[due.slot, due.workspace, due.period]

    def all_due(self) -> list[Due]:
        """Return whatever is due, by slot."""
        return [due for _, due in sorted(self._due.items())]


class MemoryDays:
    """Day cells."""

    def __init__(self, before: Before = nothing) -> None:
        self._before = before
        self.kept: dict[tuple[str, date], StoredDay] = {}

    def version(self, workspace: str, day: date) -> int:
        self._before()
        return self.kept[workspace, day].version if (workspace, day) in self.kept else 0

    def replace(self, workspace: str, day: date, version: int, stored: StoredDay) -> bool:
        self._before()
        current = self.kept.get((workspace, day))
        if (current.version if current else 0) != version:
            raise Conflict("the day has moved")
        self.kept[workspace, day] = replace(stored, version=version + 1)
        return True

    def remove(self, workspace: str, day: date) -> None:
        self._before()
        self.kept.pop((workspace, day), None)

    def get_many(self, workspace: str, days: Sequence[date], identities: Set[str]) -> dict[date, StoredDay]:
        self._before()
        found = {day: self.kept[workspace, day] for day in days if (workspace, day) in self.kept}
        return {day: replace(stored, cell=stored.cell.only(identities)) for day, stored in found.items()}


class MemoryRuns:
    """The record of the rollup."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, int]] = []
        self.closings: list[Closing] = []
        self.failures: list[tuple[Due, str, int]] = []

    def began(self, slot: str, periods: int, milliseconds: int, now: datetime) -> None:
        self.runs.append((slot, periods))

    def closed(self, closing: Closing, now: datetime) -> None:
        self.closings.append(closing)

    def failed(self, due: Due, error: str, attempts: int, now: datetime) -> None:
        self.failures.append((due, error, attempts))


class MemoryArchiveQueue:
    """Hours that are to be archived."""

    def __init__(self, before: Before = nothing) -> None:
        self._before = before
        self.hours: list[tuple[str, str]] = []

    def send(self, workspace: str, hour: str) -> None:
        self._before()
        self.hours.append((workspace, hour))


class MemoryQueue:
    """Jobs that are queued, with their delays."""

    def __init__(self, before: Before = nothing) -> None:
        self._before = before
        self.periods: list[tuple[Due, int]] = []
        self.views: list[tuple[str, View]] = []

    def send(self, periods: Sequence[Due], delay_seconds: int = 0) -> None:
        self._before()
        self.periods += [(due, delay_seconds) for due in periods]

    def send_views(self, views: Sequence[tuple[str, View]]) -> None:
        self._before()
        self.views += views
