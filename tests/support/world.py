"""A whole Tidemark in memory: the services over the ports of tests.support.memory, with any number of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from tests.fakes import MemoryEventLog
from tests.support.insights import MemoryInsights
from tests.support.memory import MemoryCells, MemoryConnections, MemorySnapshots, MemorySockets
from tests.support.memory_rollup import MemoryAgenda, MemoryArchiveQueue, MemoryDays, MemoryQueue, MemoryRuns
from tidemark.domain.cells import Cell
from tidemark.domain.chunks import chunk_events
from tidemark.domain.definitions import shipped
from tidemark.domain.events import format_timestamp
from tidemark.domain.fold import Fold
from tidemark.domain.insight_section import section_of
from tidemark.domain.snapshot import frame_of, render
from tidemark.domain.views import View, window_at_hour
from tidemark.services.broadcast import Broadcast
from tidemark.services.close_days import CloseDays
from tidemark.services.fold import FoldChunks
from tidemark.services.folds import Folds
from tidemark.services.late_hours import LateHours
from tidemark.services.ports import Connection, LoggedChunk, Workspace
from tidemark.services.repairs import Repairs
from tidemark.services.rollup import Rollup
from tidemark.services.views import Views
from tidemark.services.watching import Watching

NEVER = 2**40
RETENTION_SECONDS = 90 * 86_400


class RememberingDirectory:
    """The settings of the one workspace, as a process knows them: those of when it last looked."""

    def __init__(self, look: Callable[[], Workspace]) -> None:
        self._look = look
        self._known = look()

    def workspace(self, workspace: str) -> Workspace | None:
        return self._known if workspace == self._known.workspace else None

    def latest(self, workspace: str) -> Workspace | None:
        self._known = self._look()
        return self.workspace(workspace)

    def workspace_of_key(self, key_hash: str) -> str | None:
        return None


@dataclass(frozen=True)
class Worker:
    """A process of the fold: what it remembers is its own."""

    fold: FoldChunks
    views: Views
    watching: Watching
    rollup: Rollup
    directory: RememberingDirectory


class World:
    """One workspace, its tables and its log; `before` is called before every request to a table."""

    def __init__(self, timezone: str = "UTC", shards: int = 1) -> None:
        self.workspace = Workspace("demo", timezone=timezone, shards=((0, shards),))
        self.before: Callable[[], None] = lambda: None
        self.log = MemoryEventLog()
        self.cells = MemoryCells(lambda: self.before())
        self.snapshots = MemorySnapshots(lambda: self.before())
        self.connections = MemoryConnections(lambda: self.before())
        self.sockets = MemorySockets()
        self.agenda = MemoryAgenda(lambda: self.before())
        self.days = MemoryDays(lambda: self.before())
        self.queue = MemoryQueue(lambda: self.before())
        self.runs = MemoryRuns()
        self.insights = MemoryInsights(lambda: self.before())
        self.archive = MemoryArchiveQueue(lambda: self.before())
        self.records: list[LoggedChunk] = []
        self._epochs = count(1)
        self._failures: list[tuple[str, Exception | None]] = []

    def worker(self) -> Worker:
        """Return a new worker, which remembers nothing."""
        directory, folds = RememberingDirectory(lambda: self.workspace), Folds(shipped)
        stored = self.cells, self.snapshots, self.connections
        repairs = Repairs(self.agenda)
        views = Views(*stored, shipped, lambda: f"epoch-{next(self._epochs)}", directory, self.insights, repairs)
        fold = FoldChunks(directory, self.cells, views, LateHours(self.agenda, self.queue), folds)
        rollup = Rollup(
            directory,
            self.log,
            self.cells,
            CloseDays(directory, self.cells, self.days, self.agenda),
            self.agenda,
            self.runs,
            views,
            folds,
            self.archive,
            lambda: 0.0,
        )
        return Worker(fold, views, Watching(self.snapshots, self.connections, views), rollup, directory)

    def broadcast(self) -> Broadcast:
        """Return a new broadcast."""
        return Broadcast(
            self.connections, self.sockets, lambda connection, error: self._failures.append((connection, error))
        )

    def store(self, events: Iterable[Mapping[str, Any]], now: datetime) -> list[LoggedChunk]:
        """Put a request's events into the log; return the chunks that were new, as the stream would bring them."""
        chunks = chunk_events(
            self.workspace.workspace,
            [dict(event) for event in events],
            timezone=self.workspace.timezone,
            shards_at=self.workspace.shards_at,
        )
        expires_at = int(now.timestamp()) + RETENTION_SECONDS
        new = [
            LoggedChunk(chunk, format_timestamp(now), expires_at)
            for chunk in chunks
            if self.log.put(chunk, now, expires_at)
        ]
        self.records += new
        return new

    def connect(self, connection: str) -> None:
        """Open a connection that may stay for good."""
        self.connections.open(Connection(connection, self.workspace.workspace, "read", NEVER))

    def from_the_log(self, view: View, hour: str) -> Mapping[str, Any]:
        """Return the sections of a view as of `hour`, rendered from nothing but the log: no cell, frame or delta."""
        dashboard = shipped()[view.dashboard]
        by_hour: dict[str, dict[str, Any]] = {}
        for chunk in self.log.chunks.values():
            for event in chunk.events:
                by_hour.setdefault(chunk.hour, {}).setdefault(event["event_id"], event)
        fold = Fold([dashboard])
        cells: list[tuple[str, Cell]] = [(hour, fold(list(events.values()))) for hour, events in by_hour.items()]
        window = window_at_hour(view, hour, self.workspace.timezone, dashboard.trailing_hours)
        insights = section_of(self.insights.latest(self.workspace.workspace, dashboard.insights))
        return render(dashboard, window, frame_of(dashboard, window, cells), insights)
