"""What a viewer asks of a view: bootstrap, subscribe, unsubscribe; and what is pushed to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from tidemark import wire
from tidemark.domain.errors import InvalidView
from tidemark.domain.views import View
from tidemark.services.ports import Connections, Delta, Head, Snapshots, Sockets, Workspace
from tidemark.services.views import Views

LEASE_SECONDS = 2 * 3600 + 300
"""API Gateway ends a connection after 2 hours; the slack is for clocks."""
MAX_RECOVERED = 500
"""Deltas that a subscriber may be behind and still recover; beyond, a bootstrap is smaller."""
BROADCAST_WORKERS = 32


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

        They are None if they are not all there. The subscription comes first: whatever is committed after the head was
        read is then pushed.
        """
        if view.to is not None:
            raise InvalidView("a view with a fixed end is not live", code="view_not_live", field="view.to")
        self._views.dashboard(workspace, view)
        name, now_seconds = workspace.workspace, int(now.timestamp())
        lease = now_seconds + LEASE_SECONDS
        until = min(lease, expires_at) if expires_at else lease
        self._connections.subscribe(connection, name, view, until)
        head = self._views.watched(
            workspace, view, now, lambda: self._connections.watch(name, view, now_seconds, lease)
        )
        return head, self._missed(name, view, head, position)

    def _missed(self, workspace: str, view: View, head: Head, position: tuple[str, int] | None) -> list[Delta] | None:
        if position is None or position[0] != head.epoch or not head.seq - MAX_RECOVERED <= position[1] <= head.seq:
            return None
        deltas = self._snapshots.deltas(workspace, view, position[1], head.seq)
        whole = len(deltas) == head.seq - position[1] and all(delta.epoch == head.epoch for delta in deltas)
        return deltas if whole else None


class Broadcast:
    """Pushes deltas to the subscribers of their views."""

    def __init__(
        self, connections: Connections, sockets: Sockets, on_failure: Callable[[str, Exception], None]
    ) -> None:
        self._connections = connections
        self._sockets = sockets
        self._on_failure = on_failure
        self._pool = ThreadPoolExecutor(BROADCAST_WORKERS)

    def __call__(self, deltas: Iterable[tuple[str, View, Delta]], now: datetime) -> int:
        """Push (workspace, view, delta) in order to every subscriber; return the number of messages sent.

        Each connection has its own queue, so that one never waits for another. A connection that is gone is removed;
        one that fails or is too slow is closed, so that its client notices and recovers the deltas by its position.
        What can be neither served nor closed is raised at the end, for the stream to deliver again.
        """
        messages: dict[tuple[str, View], list[bytes]] = defaultdict(list)
        for workspace, view, delta in deltas:
            messages[workspace, view].append(wire.encode(wire.delta(view, delta)))
        pushes = [
            (connection, queue)
            for (workspace, view), queue in messages.items()
            for connection in self._connections.subscribers(workspace, view, int(now.timestamp()))
        ]
        outcomes = list(self._pool.map(lambda push: self._push(*push), pushes))
        failures = [failure for _, failure in outcomes if failure is not None]
        if failures:
            raise ExceptionGroup("some connections could neither be served nor closed", failures)
        return sum(sent for sent, _ in outcomes)

    def _push(self, connection: str, queue: Sequence[bytes]) -> tuple[int, Exception | None]:
        """Send a queue; return how many messages were sent, and the error if the client cannot even notice the gap."""
        for sent, message in enumerate(queue):
            try:
                if not self._sockets.send(connection, message):
                    self._connections.close(connection)
                    return sent, None
            except Exception as error:  # noqa: BLE001  # reported; the others must have theirs
                self._on_failure(connection, error)
                return sent, self._drop(connection)
        return len(queue), None

    def _drop(self, connection: str) -> Exception | None:
        # The socket first, for closing it is what makes the client come back: a subscription that is left without a
        # socket is found gone by the next push, a socket without a subscription would stay silent and never know.
        try:
            self._sockets.disconnect(connection)
            self._connections.close(connection)
        except Exception as error:  # noqa: BLE001  # returned; the others must have theirs
            self._on_failure(connection, error)
            return error
        return None


def snapshot_messages(
    message_id: str, workspace: str, view: View, head: Head, sections: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the `snapshot` message and the `section` messages of the given sections."""
    yield wire.snapshot(message_id, workspace, view, head, sections)
    for name in sections:
        yield from wire.section(message_id, name, head.sections[name])
