"""The hourly table: a row an hour, of one workspace or of all the members of a district.

A district reads the cells of its members, merged: so its means are over all values, not over means, and who is at two
schools is counted once. Which workspaces these are says the Directory, never the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidemark.domain.cells import Cell, hashes_of, merge
from tidemark.domain.closing import is_closed
from tidemark.domain.definitions import Dashboard, Measure
from tidemark.domain.errors import InvalidQuery, Unavailable, UnknownDashboard
from tidemark.domain.hourly import HourlyQuery, Place, columns_of, identities_of
from tidemark.domain.hours import day_of, hour_seconds
from tidemark.domain.periods import hour_names
from tidemark.domain.snapshot import value_of
from tidemark.services.closing_ports import Agenda
from tidemark.services.folds import Folds
from tidemark.services.ports import CellKey, Cells, Directory, EventLog, StoredCell, Workspace
from tidemark.services.repairs import Repairs
from tidemark.services.rollup import recompute
from tidemark.services.sources import BudgetSpent, LogBudget, will_do

MAX_CELLS = 4_000
"""Cells that a page reads: 40 batch requests, 8 at a time, take about 0.2 s; to decode and merge them takes 2 s of a
CPU. Of 500 members a page then has 8 hours, of one workspace 31 days."""
PORTION_CELLS = 800
"""Cells that are held at once: 40 MB if each were of 50 KB, which is one with ten sketches."""
WORKERS = 8
"""Settings, or lists of hours, that are asked for at a time."""

_Placed = tuple[Place, list[CellKey]]
"""The place of a row, and the cells that belong there."""


@dataclass(frozen=True, slots=True)
class HourlyRow:
    """A row: `sources` counts the cells it is computed from; the times (Unix seconds) are those of its cells.

    `method` is `final` if every cell was computed from the log after its hour had closed, `live` if one is still folded
    as events come, `log` if some were computed from the log for this answer; and `partial` if a cell lacks something
    that the log has no longer.
    """

    hour: str
    workspace: str
    values: Mapping[str, Any]
    sources: int
    method: str
    calculated_at: int
    created_at: int


@dataclass(frozen=True, slots=True)
class HourlyPage:
    """A page of the table; `left_out` names the members that have not enabled the dashboard, or do not exist.

    `expired` names those who do not keep all days that were asked for; what they do not keep has no rows.
    """

    columns: Sequence[Measure]
    rows: Sequence[HourlyRow]
    left_out: Sequence[str]
    expired: Sequence[str]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class _Source:
    """What a row is computed from: a cell, and how it came to be."""

    cell: Cell
    method: str
    calculated_at: int
    created_at: int


class HourlyTable:
    """Reads hourly tables."""

    def __init__(
        self,
        directory: Directory,
        log: EventLog,
        cells: Cells,
        agenda: Agenda,
        folds: Folds,
        dashboards: Callable[[], Mapping[str, Dashboard]],
    ) -> None:
        self._directory = directory
        self._log = log
        self._cells = cells
        self._agenda = agenda
        self._repairs = Repairs(agenda)
        self._folds = folds
        self._dashboards = dashboards

    def __call__(self, workspace: Workspace, query: HourlyQuery, now: datetime) -> HourlyPage:
        """Return a page; raises `UnknownDashboard`, `InvalidQuery`, `Throttled`, `Unavailable`.

        Cells that should be there and are not are built by the next run of the rollup.
        """
        dashboard = self._dashboards().get(query.dashboard) if query.dashboard in workspace.dashboards else None
        if dashboard is None:
            raise UnknownDashboard(f"the workspace has no dashboard {query.dashboard[:64]!r}", field="dashboard")
        members, left_out = self._members(workspace, query.dashboard)
        places = self._places(workspace, query, members, now)
        expired = sorted(member.workspace for member in members if query.first < member.kept_from(now))
        rows, last = [], None
        for last, sources in self._read(_within(places, query.limit), dashboard, now):
            row = _row(dashboard, last, sources)
            rows += [row] if row else []
        cursor = query.cursor(last) if last is not None and last != places[-1][0] else None
        return HourlyPage(columns_of(dashboard), rows, left_out, expired, cursor)

    def _members(self, workspace: Workspace, dashboard: str) -> tuple[list[Workspace], list[str]]:
        """Return the workspaces whose cells are read, and the names of those that have no such dashboard."""
        if not workspace.members:
            return [workspace], []
        settings = dict(
            zip(workspace.members, _side_by_side(self._directory.workspace, workspace.members), strict=True)
        )
        members = [found for found in settings.values() if found is not None and dashboard in found.dashboards]
        return members, sorted({*settings} - {member.workspace for member in members})

    def _places(
        self, workspace: Workspace, query: HourlyQuery, members: Sequence[Workspace], now: datetime
    ) -> list[_Placed]:
        """Return the places of the rows that are asked for, in order, each with the cells that belong there."""
        first, last = hour_names(query.first, query.last, workspace.timezone)
        if query.after is not None:
            first = max(first, query.after[0])
        if first > last:  # a cursor that somebody has made
            return []
        noted = _side_by_side(lambda member: self._agenda.hours(member.workspace, first, last), members)
        found: dict[Place, list[CellKey]] = {}
        for member, hours in zip(members, noted, strict=True):
            for hour in hours:
                place = hour, member.workspace if query.by_workspace else ""
                is_inside = query.first <= day_of(hour, workspace.timezone) <= query.last
                if is_inside and (query.after is None or place > query.after) and not member.has_ended(hour, now):
                    shards = range(member.shards_at(hour_seconds(hour)))
                    found.setdefault(place, []).extend((member.workspace, hour, shard) for shard in shards)
        return sorted(found.items())

    def _read(
        self, places: Iterable[_Placed], dashboard: Dashboard, now: datetime
    ) -> Iterator[tuple[Place, list[_Source]]]:
        """Yield what is at each place, until too much would have to come from the log."""
        needed = hashes_of(identities_of(dashboard))
        begun, budget, now_seconds = False, LogBudget(), int(now.timestamp())
        for portion in _portions(places):
            stored = self._cells.of_workspaces([key for _, keys in portion for key in keys])
            for place, keys in portion:
                there = ((key, stored[key]) for key in keys if key in stored)
                found = {key: cell for key, cell in there if will_do(cell, needed, now_seconds)}
                try:
                    computed = {key: self._from_log(key, dashboard, budget, now) for key in keys if key not in found}
                except BudgetSpent:
                    if begun:
                        return
                    raise _too_slow() if budget.is_over_time else _too_large(place) from None
                begun = True
                yield place, [_of_cell(found[key], needed) if key in found else computed[key] for key in keys]

    def _from_log(self, key: CellKey, dashboard: Dashboard, budget: LogBudget, now: datetime) -> _Source:
        workspace, hour, _ = key
        computed = recompute(self._folds((dashboard.name,)), lambda: budget.read(self._log, key))
        now_seconds = int(now.timestamp())
        if computed.events and is_closed(hour, now_seconds):
            self._repairs.schedule(workspace, [hour], now_seconds)
        return _Source(computed.cell, "log", now_seconds, now_seconds)


def _portions(places: Iterable[_Placed]) -> Iterator[list[_Placed]]:
    """Yield the places in groups whose cells are read, and held in memory, at once."""
    portion: list[_Placed] = []
    cells = 0
    for placed in places:
        if portion and cells + len(placed[1]) > PORTION_CELLS:
            yield portion
            portion, cells = [], 0
        portion.append(placed)
        cells += len(placed[1])
    if portion:
        yield portion


def _within(places: Sequence[_Placed], limit: int) -> Iterator[_Placed]:
    """Yield the places of a page: as many as asked for, if they have not too many cells, and at least one."""
    cells = 0
    for place, keys in places[:limit]:
        if cells and cells + len(keys) > MAX_CELLS:
            return
        cells += len(keys)
        yield place, keys


def _of_cell(stored: StoredCell, needed: frozenset[str]) -> _Source:
    method = "partial" if not needed <= stored.covers else "final" if stored.final else "live"
    return _Source(stored.cell, method, stored.calculated_at, stored.created_at)


def _too_large(place: Place) -> InvalidQuery:
    by_workspace = bool(place[1])
    advice = "again after the next run of the rollup" + ("" if by_workspace else ", or by workspace")
    return InvalidQuery(
        f"cells of the hour {place[0]} are missing, and the log has more than one request reads: ask {advice}",
        code="range_too_large",
        field="from" if by_workspace else "by",
    )


def _too_slow() -> Unavailable:
    return Unavailable("cells are missing, and the log is slow: ask again, or after the next run of the rollup")


def _row(dashboard: Dashboard, place: Place, sources: Sequence[_Source]) -> HourlyRow | None:
    """Return the row of a place; None if no event of the dashboard is in its cells."""
    wanted = identities_of(dashboard)
    used = [source for source in sources if not wanted.isdisjoint(source.cell.states)]
    if not used:
        return None
    cell = merge(source.cell.only(wanted) for source in used)
    methods = {source.method for source in used}
    return HourlyRow(
        hour=place[0],
        workspace=place[1],
        values={column.name: value_of(dashboard, column.name, cell) for column in columns_of(dashboard)},
        sources=len(used),
        method=next(method for method in ("partial", "live", "log", "final") if method in methods),
        calculated_at=max(source.calculated_at for source in used),
        created_at=min(source.created_at for source in used),
    )


def _side_by_side(ask: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Return the answers for all items, in their order; of many some are asked at a time."""
    if len(items) <= 1:
        return [ask(item) for item in items]
    with ThreadPoolExecutor(min(WORKERS, len(items))) as pool:
        return list(pool.map(ask, items))
