"""What a viewer asks of a view: bootstrap, reconcile, subscribe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tidemark import wire
from tidemark.domain.errors import InvalidView
from tidemark.domain.views import View
from tidemark.services.joining import joined
from tidemark.services.ports import Connections, Delta, Head, Snapshots, Workspace
from tidemark.services.reconciliation import Reconciliation, reconcile
from tidemark.services.views import Views

LEASE_SECONDS = 2 * 3600 + 300
"""API Gateway ends a connection after 2 hours; the slack is for clocks."""
MAX_RECOVERED = 60
"""Deltas that a subscriber may be behind and still recover. Beyond, reading them costs more than the sections in which
the subscriber differs; and where many come back at once that would delay them all, and so make it more still."""


class Watching:
    """Serves the views of a workspace to its connections."""

    def __init__(self, snapshots: Snapshots, connections: Connections, views: Views) -> None:
        self._snapshots = snapshots
        self._connections = connections
        self._views = views

    def bootstrap(
        self, workspace: Workspace, view: View, have: Mapping[str, str], now: datetime
    ) -> tuple[Head, list[str]]:
        """Return the head of a view and the sections that `have` ({section: checksum}) lacks."""
        head = self._views.current(workspace, view, now)
        return head, [name for name in head.sections if have.get(name) != head.checksums[name]]

    def reconcile(
        self,
        workspace: Workspace,
        connection: str,
        view: View,
        position: tuple[str, int] | None,
        have: Mapping[str, str],
        now: datetime,
    ) -> Reconciliation:
        """Return where a client stands that has `position` and the sections of `have` ({section: checksum})."""
        head = self._views.current(workspace, view, now)
        subscribed = self._connections.is_subscribed(connection, workspace.workspace, view, int(now.timestamp()))
        return reconcile(head, position, have, subscribed=subscribed)

    def subscribe(
        self,
        workspace: Workspace,
        connection: str,
        view: View,
        position: tuple[str, int] | None,
        now: datetime,
        expires_at: int | None,
    ) -> tuple[Head, list[Delta] | None]:
        """Subscribe a connection until `expires_at` (Unix seconds); return the head and the deltas since `position`.

        They are joined, and None if they are not all there or too many. The subscription comes first: whatever is
        committed after the head was read is then pushed.
        """
        if view.to is not None:
            raise InvalidView("a view with a fixed end is not live", code="view_not_live", field="view.to")
        self._views.dashboard(workspace, view, now)
        name, now_seconds = workspace.workspace, int(now.timestamp())
        lease = now_seconds + LEASE_SECONDS
        until = min(lease, expires_at) if expires_at else lease
        self._connections.subscribe(connection, name, view, until)
        head = self._views.watched(
            workspace, view, now, lambda: self._connections.watch(name, view, now_seconds, lease)
        )
        if not self._connections.is_subscribed(connection, name, view, now_seconds):
            # It ended between subscription and watch, so its end did not find the watch, and nobody else would end it.
            self._connections.unsubscribe(connection, name, view)
        return head, self._missed(name, view, head, position)

    def _missed(self, workspace: str, view: View, head: Head, position: tuple[str, int] | None) -> list[Delta] | None:
        if position is None or position[0] != head.epoch or not head.seq - MAX_RECOVERED <= position[1] <= head.seq:
            return None
        deltas = self._snapshots.deltas(workspace, view, position[1], head.seq)
        whole = len(deltas) == head.seq - position[1] and all(delta.epoch == head.epoch for delta in deltas)
        return joined(deltas) if whole else None


def snapshot_messages(
    message_id: str, workspace: str, view: View, head: Head, sections: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the `snapshot` message and the `section` messages of the given sections."""
    yield wire.snapshot(message_id, workspace, view, head, sections)
    for name in sections:
        yield from wire.section(message_id, name, head.sections[name])
