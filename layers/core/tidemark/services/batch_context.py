"""What a provider is told of a batch: its events from the log, its hour, and what earlier hours were like.

What is usual in an hour is reduced from some forty cells once and kept by the worker, since every batch of the hour is
compared with it. It goes on to hold when one of them is recomputed meanwhile: medians hardly move.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from tidemark.domain.batches import Batch
from tidemark.domain.cells import Cell, merge
from tidemark.domain.chunks import event_hash
from tidemark.domain.definitions import Dashboard
from tidemark.domain.events import Event
from tidemark.domain.hour_grid import PastHour, hours_before, known_hours
from tidemark.domain.hours import hour_seconds
from tidemark.domain.usual import Usual, usual_of
from tidemark.services.analyse import BatchMissing
from tidemark.services.analysis_ports import BatchContext
from tidemark.services.folds import Folds
from tidemark.services.ports import Directory, StoredCell, Workspace

HOUR_SECONDS = 3600
LATE_SECONDS = 900
"""A batch that was opened later than so long after its hour is of events that were sent late, or of an import: how much
of its hour there is already, nobody knows."""
SHARED_SECONDS = 1.0
"""The batches of a delivery share what their hour holds so far: some 40 KB, which grow by a batch or two meanwhile."""
KEPT_HOURS = 64
"""What is usual in an hour takes some 100 KB, most of it the values of top lists."""


class ChunkLog(Protocol):
    """The log of chunks, read by their names; may raise `Throttled` or `Unavailable`."""

    def get_many(
        self, workspace: str, names: Sequence[tuple[str, int, str]]
    ) -> Iterator[tuple[tuple[str, int, str], int, list[Event]]]:
        """Read chunks by (hour, shard, key), consistently; yield name, compressed bytes, events of those found."""


class HourCells(Protocol):
    """Hour cells; may raise `Throttled` or `Unavailable`."""

    def stored_many(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], StoredCell]:
        """Read the cells of (hour, shard) consistently; a corrupt one is empty, and covers nothing."""

    def settled_many(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], StoredCell]:
        """Read cells as `stored_many` does, at half the price: what was written a second ago may be missing."""


class BatchContexts:
    """Gathers contexts, for one worker."""

    def __init__(
        self,
        directory: Directory,
        log: ChunkLog,
        cells: HourCells,
        folds: Folds,
        dashboards: Callable[[], Mapping[str, Dashboard]],
    ) -> None:
        self._directory = directory
        self._log = log
        self._cells = cells
        self._folds = folds
        self._dashboards = dashboards
        self._usual: OrderedDict[tuple[Workspace, str], Usual] = OrderedDict()
        self._latest: tuple[Workspace, str, float, Cell] | None = None
        """Workspace, hour, when it was read in Unix seconds, what it held."""

    def __call__(self, batch: Batch, now: datetime) -> BatchContext:
        """Return the context of a batch; raises `BatchMissing` if its workspace or all of its events are gone."""
        chain = batch.chain
        workspace = self._directory.workspace(chain.workspace)
        events = self._events(batch) if workspace else ()
        if workspace is None or not events:
            raise BatchMissing("the events of the batch are not in the log any more")
        dashboards = tuple(self._dashboards()[name] for name in workspace.dashboards if name in self._dashboards())
        return BatchContext(
            workspace.workspace,
            batch.batch_id,
            workspace.timezone,
            chain.hour,
            events,
            dashboards,
            self._folds(workspace.dashboards)(events),
            self._so_far(workspace, chain.hour, now.timestamp()),
            _elapsed(batch, now),
            self._usual_at(workspace, chain.hour, dashboards),
        )

    def _events(self, batch: Batch) -> tuple[Event, ...]:
        """Read the events of a batch: each once, as the first of its chunks has it."""
        chain, by_id = batch.chain, dict[int, Event]()
        found = self._log.get_many(chain.workspace, [(chain.hour, chain.shard, key) for key in batch.chunks])
        chunks = {name[2]: events for name, _, events in found}
        for key in batch.chunks:
            for event in chunks.get(key, ()):
                identity = event_hash(event["event_id"])
                if identity in batch.ids:
                    by_id.setdefault(identity, event)
        return tuple(by_id.values())

    def _so_far(self, workspace: Workspace, hour: str, now_seconds: float) -> Cell:
        """Return what an hour holds by now, or did within `SHARED_SECONDS`."""
        if self._latest is not None:
            *of, read_at, cell = self._latest
            if of == [workspace, hour] and 0 <= now_seconds - read_at < SHARED_SECONDS:
                return cell
        found = self._cells.stored_many(workspace.workspace, _keys(workspace, [hour]))
        cell = merge(stored.cell for stored in found.values())
        self._latest = (workspace, hour, now_seconds, cell)
        return cell

    def _usual_at(self, workspace: Workspace, hour: str, dashboards: Sequence[Dashboard]) -> Usual:
        key = workspace, hour
        if key not in self._usual:
            self._usual[key] = self._read_usual(workspace, hour, dashboards)
            while len(self._usual) > KEPT_HOURS:
                self._usual.popitem(last=False)
        self._usual.move_to_end(key)
        return self._usual[key]

    def _read_usual(self, workspace: Workspace, hour: str, dashboards: Sequence[Dashboard]) -> Usual:
        places = hours_before(hour, workspace.timezone)
        keys = _keys(workspace, list(dict.fromkeys(places.values())))
        shards: dict[str, list[StoredCell]] = {}
        for (name, _), stored in self._cells.settled_many(workspace.workspace, keys).items():
            shards.setdefault(name, []).append(stored)
        return usual_of(dashboards, known_hours(places, {name: _past(stored) for name, stored in shards.items()}))


def _keys(workspace: Workspace, hours: Sequence[str]) -> list[tuple[str, int]]:
    """Return the keys of the cells of hours, all shards of each."""
    return [(hour, shard) for hour in hours for shard in range(workspace.shards_at(hour_seconds(hour)))]


def _past(shards: Sequence[StoredCell]) -> PastHour:
    return PastHour(merge(stored.cell for stored in shards), frozenset.intersection(*(s.covers for s in shards)))


def _elapsed(batch: Batch, now: datetime) -> float | None:
    """Return what share of its hour has passed, None for events that came long after it."""
    start = hour_seconds(batch.chain.hour)
    if batch.opened_at > start + HOUR_SECONDS + LATE_SECONDS:
        return None
    passed = (now.timestamp() - start) / HOUR_SECONDS
    return min(1.0, passed) if passed > 0 else None
