"""Views: heads that are rendered from the cells of their window, and kept up while they are watched.

A refresh reads the head, then the cells, renders, and commits on the condition that the head has not moved: so the
last writer has seen every fold before it. To read 720 cells for every fold would cost more than all the rest, so a
worker keeps the *settled* part of a window (all but its last two hours) as one merged frame. The head's `basis`
guards it: whoever changes a settled hour, or renders after a time without watching, raises `basis`, and a frame of
another basis is not used.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidemark.domain.definitions import Dashboard
from tidemark.domain.delta import diff
from tidemark.domain.errors import Conflict, Unavailable, UnknownDashboard
from tidemark.domain.hours import hour_of, hour_seconds
from tidemark.domain.snapshot import Frame, checksums_of, frame_of, merge_frames, render
from tidemark.domain.views import View, Window, window_at_hour
from tidemark.services.contention import attempts
from tidemark.services.ports import Cells, Connections, Delta, Head, Snapshots, Watch, Workspace

OPEN_HOURS = 2
"""The hours at a window's end that are read for every refresh: the current one, and the last for what comes late."""
MAX_PATCH_BYTES = 30_000
"""A larger patch would not fit a frame of 32 KB: the view starts a new epoch instead, and clients bootstrap."""
FRAMES = 64


@dataclass(frozen=True, slots=True)
class _Settled:
    """The merged cells of a window's settled hours, good while the head has this basis."""

    basis: int
    window: Window
    fingerprint: str
    frame: Frame


class Views:
    """Renders views and commits what changed."""

    def __init__(
        self,
        cells: Cells,
        snapshots: Snapshots,
        connections: Connections,
        dashboards: Callable[[], Mapping[str, Dashboard]],
        new_epoch: Callable[[], str],
    ) -> None:
        self._cells = cells
        self._snapshots = snapshots
        self._connections = connections
        self._dashboards = dashboards
        self._new_epoch = new_epoch
        self._frames: OrderedDict[tuple[str, View], _Settled] = OrderedDict()

    def dashboard(self, workspace: Workspace, view: View) -> Dashboard:
        """Return the dashboard of a view; raises `UnknownDashboard` if the workspace has not enabled it."""
        dashboard = self._dashboards().get(view.dashboard) if view.dashboard in workspace.dashboards else None
        if dashboard is None:
            raise UnknownDashboard(f"the workspace has no dashboard {view.dashboard!r}", field="view.dashboard")
        return dashboard

    def current(self, workspace: Workspace, view: View, now: datetime) -> Head:
        """Return the head of a view as of now: as it stands if the fold keeps it up, else rendered anew.

        Raises `UnknownDashboard`, `Unavailable`.
        """
        dashboard = self.dashboard(workspace, view)
        settled = self._connections.is_settled(workspace.workspace, view, int(now.timestamp()))
        head = self._snapshots.head(workspace.workspace, view) if settled else None
        if head and _is_current(head, dashboard, max(head.hour, hour_of(now, workspace.timezone))):
            return head
        for _ in attempts():
            with suppress(Conflict):
                return self._refresh(workspace, view, now, None, lasting=settled)
        raise _contended()

    def watched(self, workspace: Workspace, view: View, now: datetime, watch: Callable[[], Watch]) -> Head:
        """Return the head of a view that `watch` has watched from now on; the fold keeps it up from here.

        Raises `UnknownDashboard`, `TooManyViews`, `Unavailable`.
        """
        for _ in attempts():
            held = watch()
            if held.settled:
                return self.current(workspace, view, now)
            with suppress(Conflict):
                head = self._refresh(workspace, view, now, None)
                self._connections.settle(workspace.workspace, view, held.generation)
                return head
        raise _contended()

    def refresh_watched(self, workspace: Workspace, now: datetime, touched: Set[str]) -> None:
        """Do as `refresh` for every watched view of a workspace."""
        for view in self._connections.watched(workspace.workspace, int(now.timestamp())):
            with suppress(UnknownDashboard):  # disabled since; who watches it is told at the next bootstrap
                self.refresh(workspace, view, now, touched)

    def refresh(self, workspace: Workspace, view: View, now: datetime, touched: Set[str]) -> None:
        """Bring the head of a watched view up to date after the cells of the hours `touched` have changed.

        Raises `UnknownDashboard`, `Unavailable`.
        """
        for _ in attempts():
            with suppress(Conflict):
                self._refresh(workspace, view, now, touched)
                return
        raise _contended()

    def _refresh(
        self, workspace: Workspace, view: View, now: datetime, touched: Set[str] | None, lasting: bool = True
    ) -> Head:
        """Render a view and commit what changed; raises `Conflict`.

        `touched` is None if any hour may have changed. Unless the result is to be `lasting`, a render that shows
        nothing new writes nothing.
        """
        dashboard = self.dashboard(workspace, view)
        previous = self._snapshots.head(workspace.workspace, view)  # before the cells: the condition covers them
        hour = max(hour_of(now, workspace.timezone), previous.hour if previous else "")
        window = window_at_hour(view, hour, workspace.timezone, dashboard.trailing_hours)
        settled, live = _split(window, live=view.to is None)
        current = previous is not None and _is_current(previous, dashboard, hour)
        renew = not current or touched is None or not touched.isdisjoint(settled)
        if previous and not renew and touched is not None and touched.isdisjoint(live):
            return previous
        basis = (previous.basis if previous else 0) + renew
        frame = None if renew else self._remembered(workspace, view, window, basis, dashboard)
        if frame is None:
            frame = self._frame(workspace, dashboard, window, settled)
        whole = merge_frames(frame, self._frame(workspace, dashboard, window, live))
        sections = render(dashboard, window, whole)
        patch = diff(previous.sections if previous else {}, sections)
        if previous and current and not patch and not (renew and lasting):
            return previous
        head = _head(previous, sections, patch, hour, basis, dashboard.fingerprint, now, self._new_epoch)
        delta = _delta(previous, head, patch)
        self._snapshots.commit(workspace.workspace, view, previous, head, delta, int(now.timestamp()))
        self._remember(workspace, view, _Settled(basis, window, dashboard.fingerprint, frame))
        return head

    def _frame(self, workspace: Workspace, dashboard: Dashboard, window: Window, hours: Set[str]) -> Frame:
        keys = [(hour, shard) for hour in sorted(hours) for shard in range(workspace.shards_at(hour_seconds(hour)))]
        cells = self._cells.get_many(workspace.workspace, keys)
        return frame_of(dashboard, window, ((hour, cell) for (hour, _), cell in cells.items()))

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


def _is_current(head: Head, dashboard: Dashboard, hour: str) -> bool:
    return head.hour == hour and head.definition == dashboard.fingerprint


def _split(window: Window, live: bool) -> tuple[Set[str], Set[str]]:
    """Return the settled and the open hours of a window."""
    every = frozenset(window.hours) | frozenset(window.trailing)
    newest = frozenset(sorted(every)[-OPEN_HOURS:]) if live else frozenset()
    return every - newest, newest


def _head(
    previous: Head | None,
    sections: Mapping[str, Any],
    patch: Mapping[str, Any],
    hour: str,
    basis: int,
    fingerprint: str,
    now: datetime,
    new_epoch: Callable[[], str],
) -> Head:
    """Return the head that follows `previous`; where no delta can lead from one to the other, a new epoch begins."""
    kept = {name: previous.checksums[name] for name in sections if name not in patch} if previous else {}
    generated_at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    large = len(json.dumps(patch, ensure_ascii=False).encode()) > MAX_PATCH_BYTES
    if previous is None or previous.definition != fingerprint or large:
        epoch, seq = new_epoch(), (previous.seq if previous else 0) + 1
    else:
        epoch, seq = previous.epoch, previous.seq + bool(patch)
    return Head(epoch, seq, hour, basis, fingerprint, generated_at, sections, checksums_of(sections, kept))


def _delta(previous: Head | None, head: Head, patch: Mapping[str, Any]) -> Delta | None:
    """Return the delta that leads to `head`, None if it shows the same; the first of an epoch only announces it."""
    if previous and previous.seq == head.seq:
        return None
    if previous is None or previous.epoch != head.epoch:
        patch = {}
    # `full` covers every section; whoever applied the patch can compute the others.
    checksums = {"full": head.checksums["full"]}
    return Delta(head.epoch, head.seq - 1, head.seq, patch, checksums, head.generated_at)


def _contended() -> Unavailable:
    return Unavailable("the view is being rendered by many at once; try again")
