"""The query router: numbers of any days from day cells, hour cells or the log, whichever is cheapest and complete.

For each local day of a row: its day cell, if that is of the workspace's timezone, covers the measures and holds every
hour that has events; else its hours, as `tidemark.services.sources` reads them. An hour of which the agenda knows no
events costs nothing. What was missing is scheduled for the rollup. A page ends where a bound of what one request reads
would be passed; its first row does without what is beyond.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from tidemark.domain.cells import Cell, kind_of
from tidemark.domain.closing import run_seconds, slot_at
from tidemark.domain.definitions import Dashboard
from tidemark.domain.errors import UnknownDashboard
from tidemark.domain.events import compact_json
from tidemark.domain.periods import Period, shifted
from tidemark.domain.query import MetricsQuery
from tidemark.domain.snapshot import value_of
from tidemark.services.ports import Workspace
from tidemark.services.rows import Row, RowReader
from tidemark.services.sources import Wanted

MAX_PAGE_BYTES = 1_500_000
"""Lambda answers with 6 MB at most, the body as a JSON string in it: what is not ASCII grows up to threefold."""
ROLLUP_TIME = timedelta(minutes=2)
"""After which a run of the rollup has built what it was to."""
THROTTLED_TIME = timedelta(seconds=10)
"""After which a store that was over its rate is asked again."""


@dataclass(frozen=True, slots=True)
class Sources:
    """How many days and hours were read from where."""

    day_cells: int = 0
    hour_cells: int = 0
    log_hours: int = 0


@dataclass(frozen=True, slots=True)
class Freshness:
    """Before `final_until` all numbers are final; `live_hours` are not yet, `incomplete_hours` have lost events.

    Of `expired_days` nothing is counted: the workspace does not keep them any more; nor of `left_out_hours`, those of
    the days to compare with included, for which one request would read too much. From `retry_at` on they may be there.
    """

    final_until: datetime
    live_hours: int
    incomplete_hours: int
    expired_days: int
    left_out_hours: int
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to a query: rows as they are shown, `previous` beside each if the query compares."""

    query: MetricsQuery
    rows: list[dict[str, Any]]
    previous: list[dict[str, Any]]
    sources: Sources
    freshness: Freshness
    next_cursor: str | None


class Metrics:
    """Answers queries of metrics."""

    def __init__(self, reader: RowReader, dashboards: Callable[[], Mapping[str, Dashboard]]) -> None:
        self._reader = reader
        self._dashboards = dashboards

    def ask(self, workspace: Workspace, raw: Mapping[str, str], now: datetime) -> Page:
        """Return what the parameters of a request ask for.

        Raises `UnknownDashboard`, `InvalidQuery`, and `Unavailable` if the log is needed and does not answer.
        """
        name = raw.get("dashboard", "web")
        dashboard = self._dashboards().get(name) if name in workspace.dashboards else None
        if dashboard is None:
            shown = name[:64].encode(errors="replace").decode()
            raise UnknownDashboard(f"the workspace has no dashboard {shown!r}", field="dashboard")
        today = now.astimezone(ZoneInfo(workspace.timezone)).date()
        return self._page(workspace, MetricsQuery.parse(raw, dashboard, workspace.timezone, today), now)

    def _page(self, workspace: Workspace, query: MetricsQuery, now: datetime) -> Page:
        spans = list(islice(query.periods(now), query.limit + 1))
        wanted = Wanted(workspace, (query.dashboard.name,), query.identities, int(now.timestamp()))
        groups = [_group(span, query) for span in spans[: query.limit]]
        read = self._reader.read(wanted, groups, now)
        rows = self._shown(query, read)
        kept = read[: len(rows)]
        next_cursor = query.cursor(spans[len(rows)].key) if len(rows) < len(spans) else None
        return Page(
            query,
            [row for row, *_ in rows],
            [earlier for _, *others in rows for earlier in others],
            _sources(kept),
            _freshness(kept, query, now),
            next_cursor,
        )

    def _shown(self, query: MetricsQuery, read: list[list[Row]]) -> list[list[dict[str, Any]]]:
        """Return the rows as they are shown, as many as fit a page but at least one."""
        shown: list[list[dict[str, Any]]] = []
        size = 0
        for group in read:
            rendered = [_rendered(row, query) for row in group]
            size += len(compact_json(rendered))
            if shown and size > MAX_PAGE_BYTES:
                break
            shown.append(rendered)
        return shown


def _group(span: Period, query: MetricsQuery) -> list[Period]:
    return [span, shifted(span, query.days, query.timezone)] if query.compare else [span]


def _rendered(row: Row, query: MetricsQuery) -> dict[str, Any]:
    zone, cell = ZoneInfo(query.timezone), row.cell()
    shown: dict[str, Any] = {
        "start": row.period.start.astimezone(zone).isoformat(),
        "end": row.period.end.astimezone(zone).isoformat(),
        "state": row.state,
        "values": {name: value_of(query.dashboard, name, cell) for name in query.measures},
    }
    return shown | ({"groups": _broken_down(cell, query)} if query.group_by else {})


def _broken_down(cell: Cell, query: MetricsQuery) -> Any:
    top = query.dashboard.measures[str(query.group_by)]
    kind = kind_of(top.identity)
    state = cell.states.get(top.identity)
    return kind.value(kind.merge(()) if state is None else state, {"limit": query.groups})


def _sources(read: list[list[Row]]) -> Sources:
    every = [row for group in read for row in group]
    return Sources(
        sum(row.day_cells for row in every),
        sum(row.hour_cells for row in every),
        sum(row.log_hours for row in every),
    )


def _freshness(read: list[list[Row]], query: MetricsQuery, now: datetime) -> Freshness:
    rows, every = [group[0] for group in read], [row for group in read for row in group]
    bounds = [row.final_until for row in rows if row.final_until is not None]
    end = rows[-1].period.end if rows else now
    return Freshness(
        min([*bounds, end]).astimezone(ZoneInfo(query.timezone)),
        sum(row.live_hours for row in rows),
        sum(row.lost_hours for row in rows),
        sum(row.expired_days for row in rows),
        sum(row.left_out_hours for row in every),
        _retry_at(every, now),
    )


def _retry_at(rows: list[Row], now: datetime) -> datetime | None:
    """Return when hours that are left out may be there: the next run builds their cells, if they are not there now."""
    left_out = sum(row.left_out_hours for row in rows)
    if not left_out:
        return None
    if sum(row.throttled_hours for row in rows) == left_out:
        return now + THROTTLED_TIME
    return datetime.fromtimestamp(run_seconds(slot_at(int(now.timestamp()))), UTC) + ROLLUP_TIME
