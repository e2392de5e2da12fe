"""What sends the rollup's jobs: at minute 5 of every hour all periods that are due, and at any time a range."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from tidemark.domain.closing import is_closed, running_slot, slot_at
from tidemark.domain.errors import InvalidRequest
from tidemark.domain.periods import hour_names, in_days
from tidemark.services.closing_ports import Agenda, RollupQueue, Runs
from tidemark.services.portions import portions
from tidemark.services.ports import Workspace

MAX_RANGE_DAYS = 3660


class Dispatch:
    """Finds what is to be done and queues it."""

    def __init__(
        self,
        agenda: Agenda,
        queue: RollupQueue,
        runs: Runs,
        monotonic: Callable[[], float],
    ) -> None:
        self._agenda = agenda
        self._queue = queue
        self._runs = runs
        self._monotonic = monotonic

    def run(self, now: datetime) -> tuple[int, int]:
        """Queue every due period; return how many, and how many of them an earlier run had queued before.

        What a run did not queue, or what was queued and not done, is still due in its slot, and the next run finds it.
        """
        begun = self._monotonic()
        current = running_slot(int(now.timestamp()))
        sent = repeated = 0
        for portion in portions(self._agenda.due_until(current)):
            self._queue.send(portion)
            sent += len(portion)
            repeated += sum(due.slot < current for due in portion)
        self._runs.began(current, sent, round((self._monotonic() - begun) * 1000), now)
        return sent, repeated

    def range(self, workspace: Workspace, first: date, last: date, now: datetime) -> int:
        """Make the closed hours with events from `first` to `last` (local days, both included) due; return how many.

        Raises `InvalidRequest` if the range is empty or longer than ten years.
        """
        if not 0 <= (last - first).days < MAX_RANGE_DAYS:
            raise InvalidRequest(f"a range has 1 to {MAX_RANGE_DAYS} days", field="to")
        now_seconds = int(now.timestamp())
        names = hour_names(first, last, workspace.timezone)
        noted = in_days(self._agenda.hours(workspace.workspace, *names), first, last, workspace.timezone)
        slot = slot_at(now_seconds)
        closed = (hour for hours in noted.values() for hour in hours if is_closed(hour, now_seconds))
        sent = 0
        for portion in portions(self._agenda.schedule(workspace.workspace, hour, slot) for hour in closed):
            self._queue.send(portion)
            sent += len(portion)
        return sent
