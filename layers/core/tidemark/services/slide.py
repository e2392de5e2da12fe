"""Watched views slide with the clock: at a new hour they are rendered again, also when no event comes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from tidemark.domain.errors import RangeExpired, UnknownDashboard
from tidemark.domain.views import View
from tidemark.services.closing_ports import RollupQueue
from tidemark.services.portions import portions
from tidemark.services.ports import Connections, Directory
from tidemark.services.views import Views


class Slide:
    """Renders views at the present hour."""

    def __init__(self, directory: Directory, views: Views) -> None:
        self._directory = directory
        self._views = views

    def __call__(self, views: Iterable[tuple[str, View]], now: datetime) -> None:
        """Bring every (workspace, view) to the hour of `now`; one that is there already stays as it is."""
        for name, view in views:
            workspace = self._directory.workspace(name)
            if workspace is not None:
                with suppress(UnknownDashboard, RangeExpired):  # disabled, or ended, since
                    self._views.refresh(workspace, view, now, frozenset())


def queue_watched(connections: Connections, queue: RollupQueue, now: datetime) -> int:
    """Queue the rendering of every watched view; return how many there are."""
    queued = 0
    for portion in portions(connections.watched_anywhere(int(now.timestamp()))):
        queue.send_views(portion)
        queued += len(portion)
    return queued
