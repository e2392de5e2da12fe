"""The ports of ingest and authentication, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from tidemark.domain.chunks import Chunk
from tidemark.domain.credentials import hash_write_key
from tidemark.domain.errors import TidemarkError
from tidemark.domain.events import format_timestamp
from tidemark.services.ports import LoggedChunk, Workspace


class MemoryEventLog:
    """Keeps the first chunk of each key; `failures` holds what each next put raises, None for one that succeeds."""

    def __init__(self) -> None:
        self.chunks: dict[tuple[str, str, int, str], Chunk] = {}
        self.expiries: list[int] = []
        self.logged: dict[tuple[str, str, int, str], LoggedChunk] = {}
        self.failures: list[Exception | None] = []

    def put(self, chunk: Chunk, received_at: datetime, expires_at: int) -> bool:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.expiries.append(expires_at)
        key = (chunk.workspace, chunk.hour, chunk.shard, chunk.key)
        self.logged.setdefault(key, LoggedChunk(chunk, format_timestamp(received_at), expires_at))
        return self.chunks.setdefault(key, chunk) is chunk

    def read(self, workspace: str, hour: str, shard: int) -> Iterator[LoggedChunk]:
        yield from [found for key, found in sorted(self.logged.items()) if key[:3] == (workspace, hour, shard)]

    @property
    def events(self) -> list[dict[str, object]]:
        """Every stored event, each (hour, id) once, as the fold counts them."""
        found = {(chunk.hour, event["event_id"]): event for chunk in self.chunks.values() for event in chunk.events}
        return list(found.values())


class MemoryDirectory:
    """Workspaces, and write keys by the workspace that they open; `failure` is raised by every look-up."""

    def __init__(self, *workspaces: Workspace, keys: Mapping[str, str] | None = None) -> None:
        self.workspaces = {workspace.workspace: workspace for workspace in workspaces}
        self.keys = {hash_write_key(key): workspace for key, workspace in (keys or {}).items()}
        self.failure: TidemarkError | None = None

    def workspace(self, workspace: str) -> Workspace | None:
        if self.failure:
            raise self.failure
        return self.workspaces.get(workspace)

    def latest(self, workspace: str) -> Workspace | None:
        return self.workspace(workspace)

    def workspace_of_key(self, key_hash: str) -> str | None:
        if self.failure:
            raise self.failure
        return self.keys.get(key_hash)


class MemoryTokenKeys:
    """Fixed keys, the first of them current."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self.keys = dict(keys)

    def secret(self, kid: str) -> str | None:
        return self.keys.get(kid)

    def current(self) -> tuple[str, str]:
        return next(iter(self.keys.items()))
