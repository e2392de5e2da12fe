"""A range that is recomputed: its hours are queued, then followed until they are closed or have failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from tidemark.domain.closing import slot_at
from tidemark.domain.hours import hours_of_day
from tidemark.domain.views import View
from tidemark.services.closing_ports import Due, RollupQueue
from tidemark.services.dispatch import Dispatch
from tidemark.services.ports import Workspace
from tidemark.services.record import PastClosing, Record


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backfill is: `closed` are done, `failed` have been given up, the others are still due."""

    total: int
    closed: Sequence[PastClosing]
    failed: Sequence[PastClosing]

    @property
    def left(self) -> int:
        """Hours that are neither closed nor given up."""
        return self.total - len(self.closed) - len(self.failed)


Tell = Callable[[Progress], None]
"""Is told how far a backfill is, each time that it is looked at."""


class OwnDue(Protocol):
    """What is due of one workspace; `tidemark.aws.agenda` tells."""

    def left(self, workspace: str, slot: str) -> list[Due]:
        """Read, consistently, what is due of a workspace in a slot."""


class Sent:
    """A `RollupQueue` that remembers what it has passed on."""

    def __init__(self, queue: RollupQueue, on_sent: Callable[[int], None]) -> None:
        self._queue = queue
        self._on_sent = on_sent
        self.periods: list[Due] = []

    def send(self, periods: Sequence[Due], delay_seconds: int = 0) -> None:
        """Queue the closing of periods."""
        self._queue.send(periods, delay_seconds)
        self.periods += periods
        self._on_sent(len(self.periods))

    def send_views(self, views: Sequence[tuple[str, View]]) -> None:
        """Queue the rendering of views."""
        self._queue.send_views(views)


class Backfill:
    """Recomputes the closed hours with events of a range of local days.

    `agenda` and `record` tell how far it is: an hour is closed when it is not due any more, and has failed when it is
    due and there is a record of that which was not there before. No clock of this machine is compared with theirs.
    """

    def __init__(self, workspace: Workspace, first: date, last: date, agenda: OwnDue, record: Record) -> None:
        self._workspace = workspace
        self._days = first, last
        self._first = min(hours_of_day(first, workspace.timezone))
        self._last = max(hours_of_day(last, workspace.timezone))
        self._agenda = agenda
        self._record = record
        self._slot = ""
        self._before: dict[str, str] = {}
        self._periods: Sequence[Due] = ()

    def queue(self, dispatch: Callable[[RollupQueue], Dispatch], sent: Sent, now: datetime) -> int:
        """Queue the hours; return how many there are. When this is interrupted, those in `sent` are queued."""
        self.begin(sent, now)
        return dispatch(sent).range(self._workspace, *self._days, now)

    def begin(self, sent: Sent, now: datetime) -> str:
        """Follow whatever `sent` passes on from now on; return the slot in which that must be due."""
        self._slot = slot_at(int(now.timestamp()))
        self._before = {period: closing.at for period, closing in self._closings().items()}
        self._periods = sent.periods
        return self._slot

    def look(self) -> Progress:
        """Return how far the backfill is by now."""
        left = {due.period: due.mark for due in self._agenda.left(self._workspace.workspace, self._slot)}
        # After what is due: an hour is recorded before it is taken off, so one that is off has its record.
        news = {
            period: closing for period, closing in self._closings().items() if closing.at != self._before.get(period)
        }
        closed: list[PastClosing] = []
        failed: list[PastClosing] = []
        for due in self._periods:
            found = news.get(due.period)
            if due.period not in left or (found and not found.has_failed and left[due.period] != due.mark):
                closed.append(found or PastClosing(due.workspace, due.period, due.slot, "", "unknown"))
            elif found and found.has_failed:
                failed.append(found)
        return Progress(len(self._periods), closed, failed)

    def _closings(self) -> dict[str, PastClosing]:
        found = self._record.closings_of(self._workspace.workspace, self._slot, self._first, self._last)
        return {closing.period: closing for closing in found}
