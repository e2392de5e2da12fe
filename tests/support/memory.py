"""The ports of fold and watching, in memory, with the conditions that DynamoDB checks. (tests/fakes.py has ingest's.)

What DynamoDB would keep as bytes is kept as bytes here, so that nothing is shared between workers by accident. Every
request that the adapter of a port would make calls `before` first: there a test steps in.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from tidemark.domain import cells as codec
from tidemark.domain.cells import Cell
from tidemark.domain.errors import Conflict, TooManyViews
from tidemark.domain.views import View
from tidemark.services.ports import CellKey, Commit, Connection, Delta, Head, StoredCell, Watch

MAX_VIEWS = 32

Before = Callable[[], None]


def nothing() -> None:
    """What happens before a call unless a test says otherwise."""


class MemoryCells:
    """Hour cells, and their ledgers with the orphans."""

    def __init__(self, before: Before = nothing) -> None:
        self._before = before
        self._cells: dict[CellKey, tuple[bytes, StoredCell]] = {}
        self._ledgers: defaultdict[CellKey, dict[tuple[int, str], Commit]] = defaultdict(dict)

    def get(self, key: CellKey) -> StoredCell:
        self._before()
        return self._stored(key) if key in self._cells else StoredCell(Cell())

    def stored_many(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], StoredCell]:
        self._before()
        return {key: self._stored((workspace, *key)) for key in keys if (workspace, *key) in self._cells}

    def of_workspaces(self, keys: Sequence[CellKey]) -> dict[CellKey, StoredCell]:
        self._before()
        return {key: self._stored(key) for key in keys if key in self._cells}

    def ledger(self, key: CellKey) -> Iterable[Commit]:
        self._before()
        return list(self._ledgers[key].values())

    def append(self, key: CellKey, commit: Commit, stored: StoredCell, expires_at: int) -> None:
        self._before()
        self._ledgers[key][commit.version, commit.commit] = commit
        self.replace(key, commit.previous, stored)

    def replace(self, key: CellKey, previous: str, stored: StoredCell) -> None:
        self._before()
        current = self._cells[key][1].commit if key in self._cells else ""
        if current != previous:
            raise Conflict("the cell has moved")
        self._cells[key] = codec.encode(stored.cell), replace(stored, cell=Cell())

    def remove(self, keys: Sequence[CellKey]) -> None:
        for key in keys:
            self._before()
            self._cells.pop(key, None)

    def lose(self, workspace: str, hours: str = "", shard: int | None = None) -> None:
        """Lose the cells and ledgers of a workspace's hours that begin so, as if somebody had deleted them by hand."""
        for kept in (self._cells, self._ledgers):
            for key in list(kept):
                if key[0] == workspace and key[1].startswith(hours) and shard in (None, key[2]):
                    del kept[key]

    def _stored(self, key: CellKey) -> StoredCell:
        state, stored = self._cells[key]
        return replace(stored, cell=codec.decode(state))


class MemorySnapshots:
    """Heads and delta logs; `history` keeps every head there ever was, by view."""

    def __init__(self, before: Before = nothing) -> None:
        self._before = before
        self._deltas: defaultdict[tuple[str, View], dict[int, Delta]] = defaultdict(dict)
        self.history: defaultdict[tuple[str, View], list[Head]] = defaultdict(list)
        self.stream: list[tuple[str, View, Delta]] = []

    def head(self, workspace: str, view: View) -> Head | None:
        self._before()
        heads = self.history[workspace, view]
        return _copied(heads[-1]) if heads else None

    def commit(
        self,
        workspace: str,
        view: View,
        previous: Head | None,
        head: Head,
        delta: Delta | None,
        now_seconds: int,
        recovery_seconds: int,
    ) -> None:
        self._before()
        heads = self.history[workspace, view]
        if (_position(heads[-1]) if heads else None) != (_position(previous) if previous else None):
            raise Conflict("the head has moved")
        heads.append(_copied(head))
        if delta is not None:
            stored = replace(delta, patch=json.loads(json.dumps(delta.patch)))
            self._deltas[workspace, view][delta.seq] = stored
            self.stream.append((workspace, view, stored))

    def deltas(self, workspace: str, view: View, after: int, upto: int) -> list[Delta]:
        self._before()
        log = self._deltas[workspace, view]
        return [log[seq] for seq in range(after + 1, upto + 1) if seq in log]


class MemoryConnections:
    """Leases, subscriptions and watches."""

    def __init__(self, before: Before = nothing) -> None:
        self._before = before
        self._leases: dict[str, Connection] = {}
        self._subscriptions: defaultdict[tuple[str, View], dict[str, int]] = defaultdict(dict)
        self._watches: dict[tuple[str, View], _Watch] = {}
        self._generations = 0

    def open(self, connection: Connection) -> None:
        self._before()
        self._leases[connection.connection] = connection

    def get(self, connection: str, now_seconds: int) -> Connection | None:
        self._before()
        lease = self._leases.get(connection)
        return lease if lease and lease.expires_at > now_seconds else None

    def close(self, connection: str) -> None:
        self._before()
        lease = self._leases.get(connection)
        if lease is None:
            return
        for key in sorted(lease.views):
            self._leave(connection, lease.workspace, View.from_key(key))
        self._leases.pop(connection, None)

    def subscribe(self, connection: str, workspace: str, view: View, expires_at: int) -> None:
        self._before()
        lease = self._leases[connection]
        self._leases[connection] = replace(lease, views=lease.views | {view.key})
        self._before()
        self._subscriptions[workspace, view][connection] = expires_at

    def unsubscribe(self, connection: str, workspace: str, view: View) -> None:
        self._leave(connection, workspace, view)
        self._before()
        lease = self._leases.get(connection)
        if lease is not None:
            self._leases[connection] = replace(lease, views=lease.views - {view.key})

    def watch(self, workspace: str, view: View, now_seconds: int, expires_at: int) -> Watch:
        self._before()
        watch = self._watches.get((workspace, view))
        if watch is None or watch.expires_at <= now_seconds:
            if len(self.watched(workspace, now_seconds)) >= MAX_VIEWS:
                raise TooManyViews(f"the workspace already watches {MAX_VIEWS} different views")
            self._generations += 1
            watch = self._watches[workspace, view] = _Watch(f"g{self._generations}", expires_at)
        watch.expires_at = expires_at
        watch.revision += 1
        return Watch(watch.generation, watch.settled)

    def settle(self, workspace: str, view: View, generation: str) -> None:
        self._before()
        watch = self._watches.get((workspace, view))
        if watch and watch.generation == generation:
            watch.settled = True

    def is_settled(self, workspace: str, view: View, now_seconds: int) -> bool:
        self._before()
        watch = self._watches.get((workspace, view))
        return bool(watch and watch.expires_at > now_seconds and watch.settled)

    def is_subscribed(self, connection: str, workspace: str, view: View, now_seconds: int) -> bool:
        self._before()
        return self._subscriptions[workspace, view].get(connection, 0) > now_seconds

    def subscribers(self, workspace: str, view: View, now_seconds: int) -> list[str]:
        self._before()
        found = self._subscriptions[workspace, view]
        return sorted(connection for connection, expires_at in found.items() if expires_at > now_seconds)

    def watched(self, workspace: str, now_seconds: int) -> list[View]:
        self._before()
        found = [view for (name, view), w in self._watches.items() if name == workspace and w.expires_at > now_seconds]
        return sorted(found, key=lambda view: view.key)

    def _leave(self, connection: str, workspace: str, view: View) -> None:
        self._before()
        watch = self._watches.get((workspace, view))
        revision = watch.revision if watch else 0
        self._before()
        self._subscriptions[workspace, view].pop(connection, None)
        self._before()
        if watch is None or self._subscriptions[workspace, view]:
            return
        self._before()
        if self._watches.get((workspace, view)) is watch and watch.revision == revision:
            del self._watches[workspace, view]


class MemorySockets:
    """Keeps what was sent to each connection, in order; `gone` connections take nothing."""

    def __init__(self) -> None:
        self.sent: defaultdict[str, list[bytes]] = defaultdict(list)
        self.gone: set[str] = set()

    def send(self, connection: str, message: bytes) -> bool:
        if connection in self.gone:
            return False
        self.sent[connection].append(message)
        return True

    def disconnect(self, connection: str) -> None:
        self.gone.add(connection)


class _Watch:
    """A watch as the table holds it; `revision` counts those who came."""

    def __init__(self, generation: str, expires_at: int) -> None:
        self.generation = generation
        self.expires_at = expires_at
        self.revision = 0
        self.settled = False


def _position(head: Head) -> tuple[str, int, int]:
    return head.epoch, head.seq, head.basis


def _copied(head: Head) -> Head:
    return replace(head, sections=json.loads(json.dumps(head.sections)), checksums=dict(head.checksums))
