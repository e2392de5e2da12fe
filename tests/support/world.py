"""A whole Tidemark in memory: the services over the ports of tests.support.memory, with any number of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from tests.fakes import MemoryDirectory, MemoryEventLog
from tests.support.memory import MemoryCells, MemoryConnections, MemorySnapshots, MemorySockets
from tests.support.memory_rollup import MemoryAgenda, MemoryDays, MemoryQueue, MemoryRuns
from tidemark.domain.cells import Cell
from tidemark.domain.chunks import Chunk, chunk_events
from tidemark.domain.definitions import shipped
from tidemark.domain.fold import Fold
from tidemark.domain.snapshot import frame_of, render
from tidemark.domain.views import View, window_at_hour
from tidemark.services.broadcast import Broadcast
from tidemark.services.fold import FoldChunks
from tidemark.services.folds import Folds
from tidemark.services.late_hours import LateHours
from tidemark.services.ports import Connection, Workspace
from tidemark.services.rollup import Rollup
from tidemark.services.views import Views
from tidemark.services.watching import Watching

NEVER = 2**40
RETENTION_SECONDS = 90 * 86_400


@dataclass(frozen=True)
class Worker:
    """A process of the fold: what it remembers is its own."""

    fold: FoldChunks
    views: Views
    watching: Watching
    rollup: Rollup


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
        self.records: list[Chunk] = []
        self._epochs = count(1)
        self._failures: list[tuple[str, Exception | None]] = []

    def worker(self) -> Worker:
        """Return a new worker, which remembers nothing."""
        views = Views(self.cells, self.snapshots, self.connections, shipped, lambda: f"epoch-{next(self._epochs)}")
        directory, folds = MemoryDirectory(self.workspace), Folds(shipped)
        fold = FoldChunks(directory, self.cells, views, LateHours(self.agenda, self.queue), folds)
        rollup = Rollup(directory, self.log, self.cells, self.days, self.agenda, self.runs, views, folds, lambda: 0.0)
        return Worker(fold, views, Watching(self.snapshots, self.connections, views), rollup)

    def broadcast(self) -> Broadcast:
        """Return a new broadcast."""
        return Broadcast(
            self.connections, self.sockets, lambda connection, error: self._failures.append((connection, error))
        )

    def store(self, events: Iterable[Mapping[str, Any]], now: datetime) -> list[Chunk]:
        """Put a request's events into the log; return the chunks that were new, as the stream would bring them."""
        chunks = chunk_events(
            self.workspace.workspace,
            [dict(event) for event in events],
            timezone=self.workspace.timezone,
            shards_at=self.workspace.shards_at,
        )
        new = [chunk for chunk in chunks if self.log.put(chunk, now, int(now.timestamp()) + RETENTION_SECONDS)]
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
        return render(dashboard, window, frame_of(dashboard, window, cells))
