"""Days: a local day that is over is merged from its final hours, and taken away when its workspace keeps it no longer.

Which day an hour belongs to says the workspace's timezone, which may change. So the settings are read anew after the
hour's cell was written: whoever builds a day by a timezone that began later reads that cell, and whoever sees the
timezone from before has written before.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

from tidemark.domain.cells import merge
from tidemark.domain.closing import GRACE_SECONDS, day_closes_at, slot_at
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.domain.hours import day_of, hour_seconds, hours_of_day
from tidemark.domain.periods import day_start
from tidemark.services.closing_ports import Agenda, Days, StoredDay
from tidemark.services.contention import attempts
from tidemark.services.ports import Cells, Directory, Workspace

_DAY = timedelta(days=1)
_FIRST, _LAST = "0000-01-01T00:00Z", "9999-12-31T23:59Z"
WORKERS = 8
"""A history of ten years has 3,650 days: at 5 ms each they are scheduled in 3 of the 60 seconds that a job has."""


class CloseDays:
    """Builds day cells, and ends them."""

    def __init__(self, directory: Directory, cells: Cells, days: Days, agenda: Agenda) -> None:
        self._directory = directory
        self._cells = cells
        self._days = days
        self._agenda = agenda

    def of_hour(self, read: Workspace, hour: str, now: datetime) -> tuple[date, str]:
        """Close the day of an hour whose cells have been written with the settings `read`; return as `day` does."""
        latest = self._directory.latest(read.workspace)
        day = day_of(hour, (latest or read).timezone)
        return day, "ended" if latest is None else self._close(latest, day, now)

    def day(self, name: str, day: date, now: datetime) -> tuple[date, str]:
        """Close a local day: merge its final hours, and have it closed again when it is over, or is to end.

        Returns the day and what came of it: `final`; `empty`, without any event; `open`, if it or one of its hours is;
        `too_large` to be kept; `ended`, if there is no history of it any more.
        """
        workspace = self._directory.latest(name)
        return day, "ended" if workspace is None else self._close(workspace, day, now)

    def every(self, name: str, now: datetime) -> Workspace | None:
        """Make every day with events due in the next run; return the settings, None if the workspace is gone.

        After a change of the timezone also the days beside them: what is left there is of the days of before.
        """
        workspace = self._directory.latest(name)
        if workspace is None:
            return None
        days = {day_of(hour, workspace.timezone) for hour in self._agenda.hours(name, _FIRST, _LAST)}
        if workspace.calendar:
            days |= {beside for day in days for beside in (day - _DAY, day + _DAY)}
        slot = slot_at(int(now.timestamp()))
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda day: self._agenda.schedule(name, day.isoformat(), slot), sorted(days)))
        return workspace

    def _close(self, workspace: Workspace, day: date, now: datetime) -> str:
        if day < workspace.kept_from(now):
            self._end(workspace, day)
            return "ended"
        ends = day_closes_at(day, workspace.timezone)
        if ends > now.timestamp():
            self._agenda.schedule(workspace.workspace, day.isoformat(), slot_at(ends - GRACE_SECONDS))
            return "open"
        outcome = self._merge(workspace, day)
        if outcome != "empty" and workspace.history_days is not None:
            gone_from = day_start(day + (workspace.history_days + 1) * _DAY, workspace.timezone)
            self._agenda.schedule(workspace.workspace, day.isoformat(), slot_at(int(gone_from.timestamp())))
        return outcome

    def _end(self, workspace: Workspace, day: date) -> None:
        """Take away what there is of a day; the hours stay noted until their cells are gone."""
        places = self._places(workspace, day)
        self._cells.remove([(workspace.workspace, *place) for place in places])
        self._days.remove(workspace.workspace, day)
        self._agenda.forget(workspace.workspace, places)

    def _merge(self, workspace: Workspace, day: date) -> str:
        """Merge the cells of a day, if all are final; return what came of it."""
        name = workspace.workspace
        for _ in attempts():
            version = self._days.version(name, day)  # before the cells: the condition covers them
            places = self._places(workspace, day)
            if not places:
                if version:  # of a timezone from before
                    self._days.remove(name, day)
                return "empty"
            cells = self._cells.stored_many(name, places)
            if set(cells) != set(places) or not all(cell.final for cell in cells.values()):
                return "open"
            stored = StoredDay(
                merge(cell.cell for cell in cells.values()),
                workspace.timezone,
                frozenset(hour for hour, _ in places),
                frozenset.intersection(*(cell.covers for cell in cells.values())),
                calendar=workspace.calendar,
            )
            try:
                return "final" if self._days.replace(name, day, version, stored) else "too_large"
            except Conflict:
                continue
        raise Unavailable("the day is being written by many at once; try again")

    def _places(self, workspace: Workspace, day: date) -> list[tuple[str, int]]:
        """Return the (hour, shard) of a day that may have events."""
        inside = hours_of_day(day, workspace.timezone)
        noted = set(self._agenda.hours(workspace.workspace, min(inside), max(inside)))
        hours = [hour for hour in inside if hour in noted]
        return [(hour, shard) for hour in hours for shard in range(workspace.shards_at(hour_seconds(hour)))]
