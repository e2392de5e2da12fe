"""What the services need of the world, as protocols; `tidemark.aws` implements them with DynamoDB and API Gateway.

Every method may raise `Throttled` or `Unavailable`. A write that conflicts raises `Conflict` or answers False, as
stated. Times are Unix seconds where the name says so, else aware datetimes in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tidemark.domain.cells import Cell
from tidemark.domain.chunks import Chunk
from tidemark.domain.messages import Delivery, Listener, Notice, UserMessage
from tidemark.domain.views import View
from tidemark.domain.workspace import Workspace as Workspace


class Directory(Protocol):
    """Workspaces and write keys."""

    def workspace(self, workspace: str) -> Workspace | None:
        """Return the settings of a workspace; they may be some time old."""

    def latest(self, workspace: str) -> Workspace | None:
        """Return the settings of a workspace as they are stored now."""

    def workspace_of_key(self, key_hash: str) -> str | None:
        """Return the workspace that an unrevoked write key opens, by the SHA-256 (hex) of the key."""


class TokenKeys(Protocol):
    """The secrets that tokens are signed with."""

    def secret(self, kid: str) -> str | None:
        """Return the secret of a key, or None if there is no such key."""

    def current(self) -> tuple[str, str]:
        """Return the key id and the secret that new tokens are signed with."""


class EventLog(Protocol):
    """The immutable log of chunks."""

    def put(self, chunk: Chunk, received_at: datetime, expires_at: int) -> bool:
        """Store a chunk unless its key exists; answer whether it was new. Either way it is stored on return."""

    def read(self, workspace: str, hour: str, shard: int) -> Iterator[LoggedChunk]:
        """Read the chunks of an hour's shard consistently, by key, a page at a time."""


@dataclass(frozen=True, slots=True)
class LoggedChunk:
    """A chunk as the log has it: when its request came (ISO), and until when (Unix seconds) it is there.

    `erased` counts the events that it had, and that were taken out for good. `refiled` says that its events came in
    another chunk, which was taken away when the workspace moved to a timezone with other hours.
    """

    chunk: Chunk
    received_at: str
    expires_at: int
    erased: int = 0
    refiled: bool = False


@dataclass(frozen=True, slots=True)
class StoredCell:
    """A cell as it stands: its state, its version and the commit that made it ("" for version 0).

    `final` says that it was recomputed from the log after its hour had closed; `covers` names the measures of which it
    holds every event, by the hashes of their identities; until `log_until` (Unix seconds) the log has every chunk that
    it counts. `created_at` is the time of its first commit and `calculated_at` that of the last (Unix seconds).
    """

    cell: Cell
    version: int = 0
    commit: str = ""
    final: bool = False
    covers: frozenset[str] = frozenset()
    log_until: int = 0
    created_at: int = 0
    calculated_at: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """One entry of a cell's ledger: what it added to `previous`."""

    commit: str
    previous: str
    version: int
    chunks: frozenset[bytes]
    ids: frozenset[int]


CellKey = tuple[str, str, int]
"""(workspace, hour, shard)"""


class Cells(Protocol):
    """Hour cells and their ledgers."""

    def get(self, key: CellKey) -> StoredCell: ...

    def ledger(self, key: CellKey) -> Iterable[Commit]:
        """Read every ledger entry of the cell, orphans included."""

    def append(self, key: CellKey, commit: Commit, stored: StoredCell, expires_at: int) -> None:
        """Write the ledger entry, then move the cell from `commit.previous` to it.

        Raises `Conflict` if the cell is not at `commit.previous`.
        """

    def replace(self, key: CellKey, previous: str, stored: StoredCell) -> None:
        """Put `stored` in the place of the commit `previous` ("" for none). Raises `Conflict` if the cell moved."""

    def remove(self, keys: Sequence[CellKey]) -> None:
        """Take cells away for good; their ledgers end by themselves. Those that are not there change nothing."""

    def stored_many(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], StoredCell]:
        """Read the cells of (hour, shard) consistently; a corrupt one is empty, and covers nothing."""

    def of_workspaces(self, keys: Sequence[CellKey]) -> dict[CellKey, StoredCell]:
        """Read cells of several workspaces as `stored_many` does; a corrupt one is left out, as if it were lost."""


@dataclass(frozen=True, slots=True)
class Head:
    """The current state of a view."""

    epoch: str
    seq: int
    hour: str
    basis: int
    definition: str
    generated_at: str
    sections: Mapping[str, Any]
    checksums: Mapping[str, str]
    calendar: int = 0
    """Of the workspace, by whose days it was rendered."""


@dataclass(frozen=True, slots=True)
class Delta:
    """One entry of a view's delta log."""

    epoch: str
    base: int
    seq: int
    patch: Mapping[str, Any]
    checksums: Mapping[str, str]
    generated_at: str


class Snapshots(Protocol):
    """Heads and delta logs."""

    def head(self, workspace: str, view: View) -> Head | None:
        """Read the head consistently."""

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
        """Replace `previous` by `head` and append `delta`, in one transaction; keep the delta for `recovery_seconds`.

        Raises `Conflict` if the head moved.
        """

    def deltas(self, workspace: str, view: View, after: int, upto: int) -> list[Delta]:
        """Read the deltas with after < seq <= upto, in order; expired ones may be missing."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection's lease."""

    connection: str
    workspace: str
    role: str
    expires_at: int
    views: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Watch:
    """An unbroken time of being watched; `settled` once the head was rendered in full under it, and kept up since."""

    generation: str
    settled: bool


class Connections(Protocol):
    """Leases, subscriptions and the watched views."""

    def open(self, connection: Connection) -> None: ...

    def get(self, connection: str, now_seconds: int) -> Connection | None: ...

    def close(self, connection: str) -> None:
        """Remove the lease and all subscriptions of a connection; idempotent."""

    def subscribe(self, connection: str, workspace: str, view: View, expires_at: int) -> None:
        """Store a subscription until `expires_at`; idempotent."""

    def unsubscribe(self, connection: str, workspace: str, view: View) -> None: ...

    def watch(self, workspace: str, view: View, now_seconds: int, expires_at: int) -> Watch:
        """Have the view watched until `expires_at`. Raises `TooManyViews`."""

    def settle(self, workspace: str, view: View, generation: str) -> None:
        """State that the head was rendered in full under this generation of the watch."""

    def is_settled(self, workspace: str, view: View, now_seconds: int) -> bool:
        """Answer whether the view is watched and its head settled."""

    def is_subscribed(self, connection: str, workspace: str, view: View, now_seconds: int) -> bool:
        """Answer whether a connection has a subscription that is not over."""

    def subscribers(self, workspace: str, view: View, now_seconds: int) -> list[str]: ...

    def watched(self, workspace: str, now_seconds: int) -> list[View]: ...

    def watched_anywhere(self, now_seconds: int) -> Iterator[tuple[str, View]]:
        """Read the watched views of all workspaces, a page at a time; what was just watched may be missing."""


class Sockets(Protocol):
    """Messages to WebSocket connections."""

    def send(self, connection: str, message: bytes) -> bool:
        """Send one message; answer False if the connection is gone."""

    def disconnect(self, connection: str) -> None: ...


class Listeners(Protocol):
    """The connections of users that take messages."""

    def listen(self, connection: str, workspace: str, user: str, thread: str | None, expires_at: int) -> None:
        """Have a connection take its user's messages until `expires_at`, those of `thread` before others.

        It ends with the connection's lease. Raises `InvalidRequest` if that is over or has too many threads.
        """

    def listeners(self, workspace: str, user: str, now_seconds: int) -> list[Listener]:
        """Read the connections on which a user listens, consistently."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a message: where it first went, and the message itself while it is not acknowledged."""

    delivery: Delivery
    pending: UserMessage | None


class Inbox(Protocol):
    """The messages of users that are not acknowledged, and the ids of all that were sent."""

    def append(self, workspace: str, notice: Notice, now_seconds: int) -> UserMessage:
        """Store a message behind all others of its user.

        Raises `Conflict` if another one came first or its id is known, and `Undeliverable` if the inbox is full.
        """

    def find(self, workspace: str, user: str, message_id: str, now_seconds: int) -> Placed | None:
        """Read what became of the message of that id; None if there was none."""

    def record(self, workspace: str, user: str, message_id: str, delivery: Delivery) -> None:
        """State where a message was pushed to, for those who send it again."""

    def pending(self, workspace: str, user: str, now_seconds: int) -> list[UserMessage]:
        """Read the messages that are not acknowledged, oldest first, consistently."""

    def remove(self, workspace: str, user: str, message_ids: Sequence[str], now_seconds: int) -> None:
        """Take messages out; ids that are not in it, or no longer, change nothing. Raises `Conflict`: try again."""
