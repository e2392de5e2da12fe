"""The rows of a query: what each period holds, merged, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import TypeAlias

from tidemark.domain.cells import Cell, merge
from tidemark.domain.closing import GRACE_SECONDS
from tidemark.domain.errors import Throttled, Unavailable
from tidemark.domain.hours import day_of, hour_of, hour_seconds, hours_of_day
from tidemark.domain.periods import Period, day_start, hour_names, in_days
from tidemark.services.closing_ports import Agenda, Days, StoredDay
from tidemark.services.repairs import Repairs
from tidemark.services.sources import HourNumbers, HourSources, LogBudget, Wanted

MAX_HOURS = 10_000
"""That a request reads for want of day cells: 100 batch reads, a little over a year."""
BATCH_DAYS = 100
MERGED_CELLS = 64
"""So many cells of a row are merged at once: all of a year would not fit the memory."""

_GRACE = timedelta(seconds=GRACE_SECONDS)

_Plan: TypeAlias = "list[tuple[Row, list[str]]]"
"""The rows of a group, each with the hours that are to be read for it."""


@dataclass(slots=True)
class Row:
    """A period, the merged cells of it, and where they came from."""

    period: Period
    ended: bool
    cells: list[Cell] = field(default_factory=list)
    day_cells: int = 0
    hour_cells: int = 0
    log_hours: int = 0
    live_hours: int = 0
    lost_hours: int = 0
    left_out_hours: int = 0
    """Not counted: one request would read too much for them."""
    throttled_hours: int = 0
    """Of those that are left out: the cells may be there."""
    expired_days: int = 0
    """Of which there is no history any more."""
    left: int = 0
    """Hours that are still to be read."""
    final_until: datetime | None = None
    """Before which its numbers are final, where not all are."""

    def cell(self) -> Cell:
        """Return all of it together."""
        return merge(self.cells)

    @property
    def state(self) -> str:
        """How sure it is.

        `final`: nothing but late events changes it; `live`: it is not over yet; `incomplete`: events are lost, or left
        out; `expired`: some of its days are not kept any more, and not counted.
        """
        if self.lost_hours or self.left_out_hours:
            return "incomplete"
        if self.expired_days:
            return "expired"
        return "final" if self.ended and not self.live_hours else "live"

    def take(self, numbers: HourNumbers) -> None:
        """Take in an hour."""
        self.left -= 1
        if numbers.left_out:
            self.leave_out(numbers.hour, numbers.throttled)
            return
        self._add(numbers.cell)
        self.log_hours += numbers.from_log
        self.hour_cells += not numbers.from_log
        self.lost_hours += numbers.lost
        if not numbers.final:
            self.live_hours += 1
            self._bound(numbers.hour)

    def leave_out(self, hour: str, throttled: bool) -> None:
        """Do without an hour."""
        self.left_out_hours += 1
        self.throttled_hours += throttled
        self._bound(hour)

    def take_day(self, cell: Cell) -> None:
        """Take in a day."""
        self._add(cell)
        self.day_cells += 1

    def _bound(self, hour: str) -> None:
        start = datetime.fromtimestamp(hour_seconds(hour), UTC)
        self.final_until = min(self.final_until or start, start)

    def _add(self, cell: Cell) -> None:
        self.cells.append(cell)
        if len(self.cells) >= MERGED_CELLS:
            self.cells = [merge(self.cells)]


@dataclass(frozen=True, slots=True)
class _Noted:
    """The hours that may have events, by day; `certain` if the agenda says so, else any hour may."""

    hours: dict[date, list[str]]
    certain: bool

    def of(self, period: Period) -> list[str]:
        """Return those of a period."""
        noted = [hour for day in period.days for hour in self.hours.get(day, ())]
        return noted if period.hours is None else [hour for hour in noted if hour in period.hours]


class RowReader:
    """Reads rows from the cheapest sources that are complete; `new_budget` makes what a request has of the log."""

    def __init__(
        self,
        agenda: Agenda,
        days: Days,
        hours: HourSources,
        repairs: Repairs,
        new_budget: Callable[[], LogBudget] = LogBudget,
    ) -> None:
        self._agenda = agenda
        self._days = days
        self._hours = hours
        self._repairs = repairs
        self._new_budget = new_budget

    def read(self, wanted: Wanted, groups: Sequence[Sequence[Period]], now: datetime) -> list[list[Row]]:
        """Return the rows of `groups` (a period, perhaps with the one to compare with), in order.

        Groups are missing at the end where they would read more hours, or more of the log, than one request may. Of the
        first group, with which every page begins, the hours beyond that are left out instead. Raises `Unavailable` if
        the log cannot be read.
        """
        if not groups:
            return []
        timezone, kept_from = wanted.workspace.timezone, wanted.workspace.kept_from(now)
        noted = self._noted(wanted, groups, hour_of(now, timezone), kept_from)
        wanted = replace(wanted, noted=noted.certain)
        rows = [[_row(period, kept_from, now) for period in group] for group in groups]
        unfit = self._take_days(wanted, [row for group in rows for row in group], noted, now)
        planned = _planned(wanted, rows, noted, unfit)
        taken = self._take_hours(wanted, planned)
        complete = list(takewhile(lambda group: all(row.left == 0 for row in group), rows[: len(planned)]))
        # A day cell can be built where its hours are final; of a day that was not read whole nobody knows.
        unfit -= {day_of(numbers.hour, timezone) for numbers in taken if numbers.from_log or not numbers.final}
        unfit &= {day for group in complete for row in group for day in row.period.days}
        # A request schedules so many periods: first those without which a row is incomplete.
        damaged = sorted((numbers for numbers in taken if numbers.damaged), key=lambda numbers: not numbers.left_out)
        mendable = [numbers.hour for numbers in damaged] + sorted(day.isoformat() for day in unfit)
        self._repairs.schedule(wanted.workspace.workspace, mendable, wanted.now_seconds)
        _bound_finality([row for group in complete for row in group], hour_of(now - _GRACE, timezone))
        return complete

    def _take_hours(self, wanted: Wanted, planned: Sequence[_Plan]) -> list[HourNumbers]:
        """Add the hours to their rows, after the first group as far as the budget goes; return them without cells."""
        steps = [(place, row, hour) for place, group in enumerate(planned) for row, hours in group for hour in hours]
        for _, row, _ in steps:
            row.left += 1
        taken: list[HourNumbers] = []
        found = self._hours.read(wanted, [hour for _, _, hour in steps], self._new_budget())
        for (place, row, _), numbers in zip(steps, found, strict=False):
            if numbers.left_out and place > 0:  # the next page begins with its group
                break
            row.take(numbers)
            taken.append(replace(numbers, cell=Cell()))
        return taken

    def _noted(self, wanted: Wanted, groups: Sequence[Sequence[Period]], latest: str, kept_from: date) -> _Noted:
        """Read which hours of the days from `kept_from` on have events, up to the present one."""
        name, timezone = wanted.workspace.workspace, wanted.workspace.timezone
        ranges = [(max(first.first, kept_from), last.last) for first, last in zip(groups[0], groups[-1], strict=True)]
        hours: dict[date, list[str]] = {}
        certain = True
        for first, last in ranges:
            if first > last:
                continue
            try:
                names = self._agenda.hours(name, *hour_names(first, last, timezone))
            except (Throttled, Unavailable):
                certain = False
                names = [hour for day in _days(first, last) for hour in hours_of_day(day, timezone)]
            hours |= in_days([hour for hour in names if hour <= latest], first, last, timezone)
        return _Noted(hours, certain)

    def _take_days(self, wanted: Wanted, rows: Sequence[Row], noted: _Noted, now: datetime) -> set[date]:
        """Add the day cells that hold all that is wanted to their rows; return the days whose cell does not."""
        timezone = wanted.workspace.timezone
        if not noted.certain:  # whether a day cell has all hours with events only the agenda knows
            return set()
        places = {day: row for row in rows if row.period.hours is None for day in row.period.days}
        days = [
            day for day in places if noted.hours.get(day) and _closed(day_start(day + timedelta(days=1), timezone), now)
        ]
        unfit: set[date] = set()
        for start in range(0, len(days), BATCH_DAYS):
            batch = days[start : start + BATCH_DAYS]
            try:
                found = self._days.get_many(wanted.workspace.workspace, batch, wanted.identities)
            except (Throttled, Unavailable):
                return unfit
            for day in batch:
                if _holds(found.get(day), wanted, noted.hours[day]):
                    places[day].take_day(found[day].cell)
                    del noted.hours[day]
                else:
                    unfit.add(day)
        return unfit


def _holds(stored: StoredDay | None, wanted: Wanted, hours: Sequence[str]) -> bool:
    """Answer whether a day cell has all that is wanted of a day with events in `hours`."""
    return (
        stored is not None
        and (stored.timezone, stored.calendar) == (wanted.workspace.timezone, wanted.workspace.calendar)
        and wanted.covers <= stored.covers
        and set(hours) <= stored.hours
    )


def _planned(wanted: Wanted, rows: Sequence[Sequence[Row]], noted: _Noted, unfit: Set[date]) -> list[_Plan]:
    """Return the hours to read of as many groups of rows as a request may read, and of the first at least a part."""
    planned: list[_Plan] = []
    left = MAX_HOURS
    for group in rows:
        plan = [(row, noted.of(row.period)) for row in group]
        needed = sum(wanted.workspace.shards_at(hour_seconds(hour)) for _, hours in plan for hour in hours)
        if needed > left:
            return planned or [_cut(wanted, plan, unfit)]
        left -= needed
        planned.append(plan)
    return planned


def _cut(wanted: Wanted, plan: _Plan, unfit: Set[date]) -> _Plan:
    """Return as much of a plan as a request may read; its rows do without the other hours."""
    kept: _Plan = []
    left = MAX_HOURS
    for row, hours in plan:
        read = []
        for hour in hours:
            left -= wanted.workspace.shards_at(hour_seconds(hour))
            if left >= 0:
                read.append(hour)
            else:  # it would not be read if the cell of its day were there
                row.leave_out(hour, throttled=day_of(hour, wanted.workspace.timezone) not in unfit)
        kept.append((row, read))
    return kept


def _bound_finality(rows: Sequence[Row], open_from: str) -> None:
    """State of the rows that have not ended from when on they are open."""
    for row in rows:
        if not row.ended:
            opens = max(row.period.start, datetime.fromtimestamp(hour_seconds(open_from), UTC))
            row.final_until = min(row.final_until or opens, opens)


def _row(period: Period, kept_from: date, now: datetime) -> Row:
    expired = sum(day < kept_from for day in period.days)
    return Row(period, _closed(period.end, now), expired_days=expired)


def _closed(end: datetime, now: datetime) -> bool:
    return end + _GRACE <= now


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
