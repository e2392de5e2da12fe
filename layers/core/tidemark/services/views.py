"""Views: heads that are rendered from the cells of their window, and kept up while they are watched.

A refresh reads the head, then the cells, renders, and commits on the condition that the head has not moved: so the
last writer has seen every fold before it. To read 720 cells for every fold would cost more than all the rest, so a
worker keeps the *settled* part of a window (all but its last two hours) as one merged frame. The head's `basis`
guards it: whoever changes a settled hour, or renders after a time without watching, raises `basis`, and a frame of
another basis is not used.

Insights do not come of cells. Whoever stores one then has the watched views show it; so a fold, which knows no other
than the head has, need not read them, and a render of the whole window does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tidemark.domain.cells import hashes_of
from tidemark.domain.closing import is_closed
from tidemark.domain.definitions import Dashboard
from tidemark.domain.delta import diff
from tidemark.domain.errors import Conflict, RangeExpired, Unavailable, UnknownDashboard
from tidemark.domain.hours import hour_of, hour_seconds, last_hour_until
from tidemark.domain.insight_section import section_of
from tidemark.domain.snapshot import INSIGHTS, Frame, frame_of, merge_frames, render
from tidemark.domain.views import View, Window, window_at_hour
from tidemark.services.contention import attempts
from tidemark.services.heads import moved
from tidemark.services.insights import Insights
from tidemark.services.ports import (
    Cells,
    Connections,
    Directory,
    Head,
    Snapshots,
    StoredCell,
    Watch,
    Workspace,
)
from tidemark.services.repairs import Repairs

OPEN_HOURS = 2
"""The hours at a window's end that are read for every refresh: the current one, and the last for what comes late."""
FRAMES = 64


@dataclass(frozen=True, slots=True)
class _Settled:
    """The merged cells of a window's settled hours, good while the head has this basis."""

    basis: int
    window: Window
    fingerprint: str
    frame: Frame


class Views:
    """Renders views and commits what changed; what it finds cells to lack is scheduled with `repairs`, if given."""

    def __init__(
        self,
        cells: Cells,
        snapshots: Snapshots,
        connections: Connections,
        dashboards: Callable[[], Mapping[str, Dashboard]],
        new_epoch: Callable[[], str],
        directory: Directory,
        insights: Insights,
        repairs: Repairs | None = None,
    ) -> None:
        self._cells = cells
        self._snapshots = snapshots
        self._connections = connections
        self._dashboards = dashboards
        self._new_epoch = new_epoch
        self._directory = directory
        self._insights = insights
        self._repairs = repairs
        self._frames: OrderedDict[tuple[str, View], _Settled] = OrderedDict()

    def dashboard(self, workspace: Workspace, view: View, now: datetime) -> Dashboard:
        """Return the dashboard of a view.

        Raises `UnknownDashboard` if the workspace has not enabled it, and `RangeExpired` if it keeps no history of the
        view's first day.
        """
        dashboard = self._dashboards().get(view.dashboard) if view.dashboard in workspace.dashboards else None
        if dashboard is None:
            raise UnknownDashboard(f"the workspace has no dashboard {view.dashboard!r}", field="view.dashboard")
        kept_from = workspace.kept_from(now)
        if view.first_day(workspace.today(now), dashboard.trailing_hours) < kept_from:
            raise RangeExpired(f"the workspace has history from {kept_from.isoformat()} on", field="view.days")
        return dashboard

    def current(self, workspace: Workspace, view: View, now: datetime) -> Head:
        """Return the head of a view as of now: as it stands if the fold keeps it up, else rendered anew.

        Raises `UnknownDashboard`, `RangeExpired`, `Unavailable`.
        """
        dashboard = self.dashboard(workspace, view, now)
        settled = self._connections.is_settled(workspace.workspace, view, int(now.timestamp()))
        head = self._snapshots.head(workspace.workspace, view) if settled else None
        if head and _is_current(head, workspace, dashboard, max(head.hour, hour_of(now, workspace.timezone))):
            return head
        for _ in attempts():
            with suppress(Conflict):
                return self._refresh(workspace, view, now, None, lasting=settled)
        raise _contended()

    def watched(self, workspace: Workspace, view: View, now: datetime, watch: Callable[[], Watch]) -> Head:
        """Return the head of a view that `watch` has watched from now on; the fold keeps it up from here.

        Raises `UnknownDashboard`, `RangeExpired`, `TooManyViews`, `Unavailable`.
        """
        for _ in attempts():
            held = watch()
            if held.settled:
                return self.current(workspace, view, now)
            # Whoever changes the timezone after this finds the watch, and renders it.
            workspace = self._directory.latest(workspace.workspace) or workspace
            with suppress(Conflict):
                head = self._refresh(workspace, view, now, None)
                if head.seq == 1:  # whoever stored an insight meanwhile has found no head to show it in
                    self._refresh_insights(workspace, view, now)
                self._connections.settle(workspace.workspace, view, held.generation)
                return head
        raise _contended()

    def refresh_watched(self, workspace: Workspace, now: datetime, touched: Set[str]) -> None:
        """Do as `refresh` for every watched view of a workspace."""
        for view in self._connections.watched(workspace.workspace, int(now.timestamp())):
            with suppress(UnknownDashboard, RangeExpired):  # since; who watches it is told at the next bootstrap
                self.refresh(workspace, view, now, touched)

    def refresh(self, workspace: Workspace, view: View, now: datetime, touched: Set[str]) -> None:
        """Bring the head of a watched view up to date after the cells of the hours `touched` have changed.

        Raises `UnknownDashboard`, `RangeExpired`, `Unavailable`.
        """
        for _ in attempts():
            with suppress(Conflict):
                self._refresh(workspace, view, now, touched)
                return
        raise _contended()

    def refresh_insights(self, workspace: Workspace, now: datetime) -> None:
        """Have the watched views of a workspace show the insights that are stored by now; repeated at will.

        Reads no cell. To be called whenever insights were stored, again if it failed. Raises `Unavailable`.
        """
        for view in self._connections.watched(workspace.workspace, int(now.timestamp())):
            self._refresh_insights(workspace, view, now)

    def _refresh_insights(self, workspace: Workspace, view: View, now: datetime) -> None:
        dashboard = self._dashboards().get(view.dashboard) if view.dashboard in workspace.dashboards else None
        if dashboard is None or not dashboard.insights:
            return
        for _ in attempts():
            with suppress(Conflict):
                previous = self._snapshots.head(workspace.workspace, view)  # before the insights, as before cells
                if previous is None:
                    return  # `watched` sees to it
                sections = {**previous.sections, INSIGHTS: self._shown_insights(workspace, view, dashboard)}
                patch = diff(previous.sections, sections)
                if patch:
                    self._commit(workspace, view, previous, replace(previous, sections=sections), patch, now)
                return
        raise _contended()

    def _refresh(
        self, workspace: Workspace, view: View, now: datetime, touched: Set[str] | None, lasting: bool = True
    ) -> Head:
        """Render a view and commit what changed; raises `Conflict`.

        `touched` is None if any hour may have changed. Unless the result is to be `lasting`, a render that shows
        nothing new writes nothing.
        """
        previous = self._snapshots.head(workspace.workspace, view)  # before the cells: the condition covers them
        if previous and previous.calendar > workspace.calendar:  # these settings are from before a change
            workspace = self._directory.latest(workspace.workspace) or workspace
        dashboard = self.dashboard(workspace, view, now)
        hour = max(hour_of(now, workspace.timezone), previous.hour if previous else "")
        window = window_at_hour(view, hour, workspace.timezone, dashboard.trailing_hours)
        settled, live = _split(window, live=view.to is None)
        current = previous is not None and _is_current(previous, workspace, dashboard, hour)
        renew = not current or touched is None or not touched.isdisjoint(settled)
        if previous and not renew and touched is not None and touched.isdisjoint(live):
            return previous
        basis = (previous.basis if previous else 0) + renew
        frame = None if renew else self._remembered(workspace, view, window, basis, dashboard)
        if frame is None:
            frame = self._frame(workspace, dashboard, window, settled, now)
        whole = merge_frames(frame, self._frame(workspace, dashboard, window, live, now))
        insights = previous.sections.get(INSIGHTS, {}) if previous and not renew else None
        if insights is None:
            insights = self._shown_insights(workspace, view, dashboard)
        sections = render(dashboard, window, whole, insights)
        patch = diff(previous.sections if previous else {}, sections)
        if previous and current and not patch and not (renew and lasting):
            return previous
        draft = Head("", 0, hour, basis, dashboard.fingerprint, "", sections, {}, workspace.calendar)
        head = self._commit(workspace, view, previous, draft, patch, now)
        self._remember(workspace, view, _Settled(basis, window, dashboard.fingerprint, frame))
        return head

    def _commit(
        self,
        workspace: Workspace,
        view: View,
        previous: Head | None,
        draft: Head,
        patch: Mapping[str, Any],
        now: datetime,
    ) -> Head:
        """Put `draft`, to which `patch` leads, in the place of `previous`; return it with its position and checksums.

        Raises `Conflict` if the head moved.
        """
        head, delta = moved(previous, draft, patch, now, self._new_epoch)
        now_seconds, recovery_seconds = int(now.timestamp()), workspace.recovery_hours * 3600
        self._snapshots.commit(workspace.workspace, view, previous, head, delta, now_seconds, recovery_seconds)
        return head

    def _shown_insights(self, workspace: Workspace, view: View, dashboard: Dashboard) -> Mapping[str, Any]:
        """Return the section of insights, if the dashboard has one: of hours up to the end of the view, if it has."""
        if not dashboard.insights:
            return {}
        last_hour = last_hour_until(view.to, workspace.timezone) if view.to else None
        return section_of(self._insights.latest(workspace.workspace, dashboard.insights, last_hour))

    def _frame(
        self, workspace: Workspace, dashboard: Dashboard, window: Window, hours: Set[str], now: datetime
    ) -> Frame:
        keys = [(hour, shard) for hour in sorted(hours) for shard in range(workspace.shards_at(hour_seconds(hour)))]
        cells = self._cells.stored_many(workspace.workspace, keys)
        if self._repairs is not None:
            # A measure that was declared since, or a cell that is corrupt: the log has what is not shown.
            needed, seconds = hashes_of(measure.identity for measure in dashboard.folded()), int(now.timestamp())
            lacking = [hour for (hour, _), cell in cells.items() if _can_be_mended(hour, cell, needed, seconds)]
            self._repairs.schedule(workspace.workspace, lacking, seconds)
        return frame_of(dashboard, window, ((hour, stored.cell) for (hour, _), stored in cells.items()))

    def _remembered(
        self, workspace: Workspace, view: View, window: Window, basis: int, dashboard: Dashboard
    ) -> Frame | None:
        found = self._frames.get((workspace.workspace, view))
        if found and (found.basis, found.window, found.fingerprint) == (basis, window, dashboard.fingerprint):
            return found.frame
        return None

    def _remember(self, workspace: Workspace, view: View, settled: _Settled) -> None:
        self._frames[workspace.workspace, view] = settled
        self._frames.move_to_end((workspace.workspace, view))
        while len(self._frames) > FRAMES:
            self._frames.popitem(last=False)


def _is_current(head: Head, workspace: Workspace, dashboard: Dashboard, hour: str) -> bool:
    rendered = head.hour, head.definition, head.calendar
    return rendered == (hour, dashboard.fingerprint, workspace.calendar)


def _can_be_mended(hour: str, stored: StoredCell, needed: Set[str], now_seconds: int) -> bool:
    """Answer whether a cell lacks some of the measures `needed`, and a rollup would add them."""
    return not needed <= stored.covers and now_seconds < stored.log_until and is_closed(hour, now_seconds)


def _split(window: Window, live: bool) -> tuple[Set[str], Set[str]]:
    """Return the settled and the open hours of a window."""
    every = frozenset(window.hours) | frozenset(window.trailing)
    newest = frozenset(sorted(every)[-OPEN_HOURS:]) if live else frozenset()
    return every - newest, newest


def _contended() -> Unavailable:
    return Unavailable("the view is being rendered by many at once; try again")
