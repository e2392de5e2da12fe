"""The rows of a query: what each period holds, merged, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

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

        `final`: nothing but late events changes it; `live`: it is not over yet; `incomplete`: events are lost;
        `expired`: some of its days are not kept any more, and not counted.
        """
        if self.lost_hours:
            return "incomplete"
        if self.expired_days:
            return "expired"
        return "final" if self.ended and not self.live_hours else "live"

    def take(self, numbers: HourNumbers) -> None:
        """Take in an hour."""
        self.left -= 1
        self._add(numbers.cell)
        self.log_hours += numbers.from_log
        self.hour_cells += not numbers.from_log
        self.lost_hours += numbers.lost
        if not numbers.final:
            self.live_hours += 1
            start = datetime.fromtimestamp(hour_seconds(numbers.hour), UTC)
            self.final_until = min(self.final_until or start, start)

    def take_day(self, cell: Cell) -> None:
        """Take in a day."""
        self._add(cell)
        self.day_cells += 1

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

        Groups are left out at the end where they would read more hours, or more of the log, than one request may.
        Raises `Unavailable` if the log cannot be read, or if too much of it had to be since the agenda cannot.
        """
        if not groups:
            return []
        timezone, kept_from = wanted.workspace.timezone, wanted.workspace.kept_from(now)
        noted = self._noted(wanted, groups, hour_of(now, timezone), kept_from)
        wanted = replace(wanted, noted=noted.certain)
        rows = [[_row(period, kept_from, now) for period in group] for group in groups]
        unfit = self._take_days(wanted, [row for group in rows for row in group], noted, now)
        planned = _planned(wanted, rows, noted)
        taken = self._take_hours(wanted, [step for group in planned for step in group])
        complete = list(takewhile(lambda group: all(row.left == 0 for row in group), rows[: len(planned)]))
        if not complete and not noted.certain:
            raise Unavailable("the store is over its rate; try again")
        # A day cell can be built where its hours are final; of a day that was not read whole nobody knows.
        unfit -= {day_of(numbers.hour, timezone) for numbers in taken if numbers.from_log or not numbers.final}
        unfit &= {day for group in complete for row in group for day in row.period.days}
        mendable = [numbers.hour for numbers in taken if numbers.damaged] + sorted(day.isoformat() for day in unfit)
        self._repairs.schedule(wanted.workspace.workspace, mendable, wanted.now_seconds)
        _bound_finality([row for group in complete for row in group], hour_of(now - _GRACE, timezone))
        return complete

    def _take_hours(self, wanted: Wanted, planned: Sequence[tuple[Row, list[str]]]) -> list[HourNumbers]:
        """Add the hours to their rows as far as the budget goes; return them without their cells."""
        steps = [(row, hour) for row, hours in planned for hour in hours]
        for row, hours in planned:
            row.left = len(hours)
        taken: list[HourNumbers] = []
        found = self._hours.read(wanted, [hour for _, hour in steps], self._new_budget())
        for (row, _), numbers in zip(steps, found, strict=False):  # it ends where the budget is spent
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


def _planned(wanted: Wanted, rows: Sequence[Sequence[Row]], noted: _Noted) -> list[list[tuple[Row, list[str]]]]:
    """Return the hours to read, row by row, for as many groups of rows as a request may read."""
    planned: list[list[tuple[Row, list[str]]]] = []
    left = MAX_HOURS
    for group in rows:
        plan = [(row, noted.of(row.period)) for row in group]
        left -= sum(wanted.workspace.shards_at(hour_seconds(hour)) for _, hours in plan for hour in hours)
        if left < 0:
            break
        planned.append(plan)
    return planned


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
