"""What hours hold: from their cells where those have it all, else from the log.

A cell that is missing, corrupt, throttled or from before a measure was declared costs time, never an answer: the log
has every event, and is read with the fold's own rules. How much of it one request reads is bounded by a `LogBudget`;
the hours for which that is too small are left out, each as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tidemark.domain.cells import Cell, hashes_of, merge
from tidemark.domain.closing import is_closed
from tidemark.domain.errors import Throttled, Unavailable
from tidemark.domain.hours import hour_seconds
from tidemark.services.folds import Folds
from tidemark.services.ports import CellKey, Cells, EventLog, LoggedChunk, StoredCell, Workspace
from tidemark.services.rollup import recompute

BATCH_CELLS = 100
"""As many cells are read by one request to the store, and fail together."""
WORKERS = 8
MAX_LOG_READS = 1000
"""Of hours and shards, one after another: at 5 ms each they take 5 of the 25 seconds that a request has."""
MAX_LOG_EVENTS = 200_000
"""Decoding and folding them takes 2 to 8 seconds, by the share of a CPU that 512 MB bring."""
MAX_LOG_SECONDS = 12.0
"""From a request's first read on, should the log be slower. The one read that is then under way may take 9 s more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The states `identities` of a workspace, which the dashboards `dashboards` declare, as of `now_seconds`.

    `noted` says that the hours asked for are known to have events.
    """

    workspace: Workspace
    dashboards: tuple[str, ...]
    identities: frozenset[str]
    now_seconds: int
    noted: bool = True

    @property
    def covers(self) -> frozenset[str]:
        """What a cell must cover to be enough."""
        return hashes_of(self.identities)


@dataclass(frozen=True, slots=True)
class HourNumbers:
    """What an hour holds.

    `final` says that it has closed and that these are the log's numbers; `lost` that the log no longer has some of
    its events and no cell counts them; `damaged` that a rollup can mend its cell. One that is `left_out` has nothing
    here, for the log has more of it than was left to be read; if it is `throttled` a cell of it may be there.
    """

    hour: str
    cell: Cell
    from_log: bool
    final: bool
    lost: bool
    damaged: bool
    left_out: bool = False
    throttled: bool = False


class LogBudget:
    """How much of the log may still be read, and for how long; `clock` gives seconds that never go back."""

    def __init__(
        self,
        reads: int = MAX_LOG_READS,
        events: int = MAX_LOG_EVENTS,
        seconds: float = MAX_LOG_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reads = reads
        self._events = events
        self._seconds = seconds
        self._clock = clock
        self._began: float | None = None

    @property
    def is_over_time(self) -> bool:
        """Whether reading has taken longer than it may."""
        return self._began is not None and self._clock() - self._began > self._seconds

    def spend(self, reads: int = 0, events: int = 0) -> None:
        """Raise `BudgetSpent` if there is not so much left."""
        if self._began is None:
            self._began = self._clock()
        self._reads -= reads
        self._events -= events
        if self._reads < 0 or self._events < 0 or self.is_over_time:
            raise BudgetSpent

    def read(self, log: EventLog, key: CellKey) -> Iterator[LoggedChunk]:
        """Read an hour's shard, and pay for it; raises `BudgetSpent` where the budget ends."""
        self.spend(reads=1)
        for logged in log.read(*key):
            self.spend(events=len(logged.chunk.events))
            yield logged


class BudgetSpent(Exception):
    """No more of the log is to be read."""


class HourSources:
    """Reads hours from the cheapest source that is complete."""

    def __init__(self, cells: Cells, log: EventLog, folds: Folds) -> None:
        self._cells = cells
        self._log = log
        self._folds = folds

    def read(self, wanted: Wanted, hours: Sequence[str], budget: LogBudget) -> Iterator[HourNumbers]:
        """Yield what the given hours hold, in the given order; raises `Unavailable` if the log cannot be read."""
        portion: list[str] = []
        cells = 0
        for hour in hours:
            portion.append(hour)
            cells += wanted.workspace.shards_at(hour_seconds(hour))
            if cells >= BATCH_CELLS * WORKERS:
                yield from self._portion(wanted, portion, budget)
                portion, cells = [], 0
        yield from self._portion(wanted, portion, budget)

    def _portion(self, wanted: Wanted, hours: Sequence[str], budget: LogBudget) -> Iterator[HourNumbers]:
        stored, unread = self._stored(wanted, list(dict.fromkeys(key for hour in hours for key in _keys(wanted, hour))))
        for hour in hours:
            try:
                yield self._hour(wanted, hour, stored, unread, budget)
            except BudgetSpent:
                yield _left_out(wanted, hour, stored, unread)

    def _stored(self, wanted: Wanted, keys: list[CellKey]) -> tuple[dict[CellKey, StoredCell], set[CellKey]]:
        """Return the cells, and which could not be read."""
        batches = [keys[start : start + BATCH_CELLS] for start in range(0, len(keys), BATCH_CELLS)]
        if len(batches) <= 1:
            answers = [self._batch(wanted, batch) for batch in batches]
        else:
            with ThreadPoolExecutor(WORKERS) as pool:
                answers = list(pool.map(lambda batch: self._batch(wanted, batch), batches))
        stored: dict[CellKey, StoredCell] = {}
        unread: set[CellKey] = set()
        for batch, answer in zip(batches, answers, strict=True):
            if answer is None:
                unread.update(batch)
            else:
                stored |= answer
        return stored, unread

    def _batch(self, wanted: Wanted, keys: list[CellKey]) -> dict[CellKey, StoredCell] | None:
        try:
            found = self._cells.of_workspaces(keys)
        except (Throttled, Unavailable):
            return None
        return {key: replace(cell, cell=cell.cell.only(wanted.identities)) for key, cell in found.items()}

    def _hour(
        self, wanted: Wanted, hour: str, stored: dict[CellKey, StoredCell], unread: set[CellKey], budget: LogBudget
    ) -> HourNumbers:
        closed = is_closed(hour, wanted.now_seconds)
        cells: list[Cell] = []
        final, lost, damaged, events, from_log = closed, False, False, 0, False
        for key in _keys(wanted, hour):
            found = stored.get(key)
            if found is not None and will_do(found, wanted.covers, wanted.now_seconds):
                cells.append(found.cell)
                final = final and found.final
                lost = lost or not wanted.covers <= found.covers
                continue
            cell, number = self._from_log(wanted, key, budget)
            cells.append(cell)
            from_log, events = True, events + number
            damaged = damaged or key not in unread
        nothing = from_log and not events and not any(key in stored for key in _keys(wanted, hour))
        # Where there is nothing left a rollup would state, as final, that there was nothing.
        mendable = closed and damaged and not nothing
        return HourNumbers(hour, merge(cells), from_log, final, lost or (nothing and wanted.noted), mendable)

    def _from_log(self, wanted: Wanted, key: CellKey, budget: LogBudget) -> tuple[Cell, int]:
        """Return the cell of a shard as the log gives it, and how many events it has."""
        try:
            found = recompute(self._folds(wanted.dashboards), lambda: budget.read(self._log, key))
        except Throttled as error:  # there is no other source
            raise Unavailable("the log is over its rate; try again") from error
        return found.cell.only(wanted.identities), found.events


def will_do(stored: StoredCell, covers: frozenset[str], now_seconds: int) -> bool:
    """Answer whether a cell is what there is: it covers all that is wanted, or the log may have less than it has."""
    return covers <= stored.covers or stored.log_until <= now_seconds


def _left_out(wanted: Wanted, hour: str, stored: Mapping[CellKey, StoredCell], unread: Set[CellKey]) -> HourNumbers:
    found = {key: stored[key] for key in _keys(wanted, hour) if key in stored}
    lacking = [
        key
        for key in _keys(wanted, hour)
        if key not in found or not will_do(found[key], wanted.covers, wanted.now_seconds)
    ]
    throttled = not wanted.noted or all(key in unread for key in lacking)
    damaged = not throttled and is_closed(hour, wanted.now_seconds)
    return HourNumbers(
        hour,
        Cell(),
        from_log=False,
        final=False,
        lost=False,
        damaged=damaged,
        left_out=True,
        throttled=throttled,
    )


def _keys(wanted: Wanted, hour: str) -> list[CellKey]:
    name = wanted.workspace.workspace
    return [(name, hour, shard) for shard in range(wanted.workspace.shards_at(hour_seconds(hour)))]
