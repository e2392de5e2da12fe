"""The rollup: a closed hour is recomputed from the log, takes the place of the live cell and is final; then its day.

It may be repeated, come late, or run beside the fold or another rollup: a cell is replaced only where it still stands
at the commit that was read before the log was. What the log gives does not depend on when it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from tidemark.domain.cells import Cell, compact, encode, merge
from tidemark.domain.closing import EVERY_DAY, GRACE_SECONDS, closes_at, is_closed, is_day, slot_at
from tidemark.domain.drift import drift
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.domain.fold import Fold
from tidemark.domain.hours import hour_seconds
from tidemark.services.close_days import CloseDays
from tidemark.services.closing_ports import Agenda, ArchiveQueue, Closing, Due, Runs
from tidemark.services.contention import attempts
from tidemark.services.distinct import Distinct, Logged
from tidemark.services.folds import Folds
from tidemark.services.ledger import history
from tidemark.services.ports import CellKey, Cells, Directory, EventLog, LoggedChunk, StoredCell, Workspace
from tidemark.services.views import Views

BATCH_EVENTS = 5_000
"""Events that are folded at once: the fold is fastest by columns, and an hour may have more than memory holds."""
_NOTHING = "nothing"
"""The outcome of a shard that has neither a cell nor anything in the log, until it is known of the whole hour."""


@dataclass(frozen=True, slots=True)
class _Recomputed:
    """What the log gives of an hour's shard."""

    cell: Cell
    events: int
    chunks: frozenset[bytes]
    log_until: int
    is_erased: bool
    """Some of its events were taken out since: a live cell still counts them, which is no drift."""


@dataclass(frozen=True, slots=True)
class _Closed:
    """What came of an hour's shard."""

    outcome: str
    events: int = 0
    chunks: int = 0
    drift: int = 0


class Rollup:
    """Closes hours and days."""

    def __init__(
        self,
        directory: Directory,
        log: EventLog,
        cells: Cells,
        days: CloseDays,
        agenda: Agenda,
        runs: Runs,
        views: Views,
        folds: Folds,
        archive: ArchiveQueue,
        monotonic: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._log = log
        self._cells = cells
        self._days = days
        self._agenda = agenda
        self._runs = runs
        self._views = views
        self._folds = folds
        self._archive = archive
        self._monotonic = monotonic

    def __call__(self, wanted: Due, now: datetime) -> Closing | None:
        """Close a due period, and take it off the agenda; return what came of it, None if it was not due any more."""
        due = self._agenda.find(wanted)
        if due is None:
            return None
        workspace = self._directory.workspace(due.workspace)
        closing = None
        if workspace is None:
            pass  # deleted since; its events have nowhere to be shown
        elif due.period == EVERY_DAY:
            self._begin_calendar(workspace, now)
        elif is_day(due.period):
            day = date.fromisoformat(due.period)
            closing = self._close_day(due, lambda: self._days.day(due.workspace, day, now), now)
        else:
            closing = self._close_hour(workspace, due, now)
        self._agenda.settle(due)
        return closing

    def _close_day(self, due: Due, close: Callable[[], tuple[date, str]], now: datetime) -> Closing:
        """Close a day that is due, or that of an hour which was: whichever comes last finds every hour final."""
        begun = self._monotonic()
        day, outcome = close()
        milliseconds = round((self._monotonic() - begun) * 1000)
        closing = Closing(due.workspace, day.isoformat(), due.slot, outcome, milliseconds=milliseconds)
        if outcome != "open":
            self._runs.closed(closing, now)
        return closing

    def _close_hour(self, workspace: Workspace, due: Due, now: datetime) -> Closing:
        hour, begun = due.period, self._monotonic()
        if workspace.has_ended(hour, now):
            self._days.of_hour(workspace, hour, now)
            return Closing(workspace.workspace, hour, due.slot, "ended")
        if not is_closed(hour, int(now.timestamp())):
            self._agenda.schedule(workspace.workspace, hour, slot_at(closes_at(hour) - GRACE_SECONDS))
            return Closing(workspace.workspace, hour, due.slot, "open")
        shards = self._close_shards(workspace, hour, int(now.timestamp()))
        self._close_day(due, lambda: self._days.of_hour(workspace, hour, now), now)
        # Also when nothing has changed: the last attempt may have died between the cell and the view.
        self._views.refresh_watched(workspace, now, {hour})
        closing = Closing(
            workspace.workspace,
            hour,
            due.slot,
            max(shard.outcome for shard in shards),
            sum(shard.events for shard in shards),
            sum(shard.chunks for shard in shards),
            sum(shard.drift for shard in shards),
            round((self._monotonic() - begun) * 1000),
        )
        self._runs.closed(closing, now)
        # Also when nothing has changed: the log may have events that no dashboard counts.
        self._archive.send(workspace.workspace, hour)
        return closing

    def _begin_calendar(self, workspace: Workspace, now: datetime) -> None:
        """Have every day closed by the settings as they are now, and show them in what is being watched."""
        latest = self._days.every(workspace.workspace, now)
        if latest is not None:
            self._views.refresh_watched(latest, now, frozenset())

    def _close_shards(self, workspace: Workspace, hour: str, now_seconds: int) -> list[_Closed]:
        """Close the shards of an hour; one of which there is nothing gets a cell if there is something of another.

        If there is nothing of any, in the log or as a cell, what there was is lost, and no cell must say that it was 0.
        """
        keys = [(workspace.workspace, hour, shard) for shard in range(workspace.shards_at(hour_seconds(hour)))]
        closed = [self._close_shard(workspace, key, now_seconds, make_empty=False) for key in keys]
        if all(shard.outcome == _NOTHING for shard in closed):
            return [_Closed("empty")]
        return [
            self._close_shard(workspace, key, now_seconds) if shard.outcome == _NOTHING else shard
            for key, shard in zip(keys, closed, strict=True)
        ]

    def _close_shard(self, workspace: Workspace, key: CellKey, now_seconds: int, *, make_empty: bool = True) -> _Closed:
        fold = self._folds(workspace.dashboards)
        for _ in attempts():
            stored = self._cells.get(key)
            try:
                if stored.version and stored.log_until <= now_seconds:
                    return self._keep(key, stored, now_seconds)
                found = recompute(fold, lambda: self._log.read(*key))
                if not (make_empty or stored.version or found.chunks):
                    return _Closed(_NOTHING)
                return self._replace(key, stored, fold, found, now_seconds)
            except Conflict:
                continue
        raise Unavailable("the cell is being written by many at once; try again")

    def _keep(self, key: CellKey, stored: StoredCell, now_seconds: int) -> _Closed:
        """Close a cell of which the log may have lost something: it is the best that there is."""
        if not stored.final:
            commit = _name(stored.cell, stored.covers)
            version = stored.version + 1
            final = replace(stored, version=version, commit=commit, final=True, calculated_at=now_seconds)
            self._cells.replace(key, stored.commit, final)
        return _Closed("kept")

    def _replace(self, key: CellKey, stored: StoredCell, fold: Fold, found: _Recomputed, now_seconds: int) -> _Closed:
        commit = _name(found.cell, fold.covers)
        drifted = 0
        if not stored.final and stored.version and not found.is_erased:
            drifted = self._drift(key, stored, fold, found)
        stands = stored.final and stored.commit == commit and stored.covers == fold.covers
        if not stands or stored.log_until != found.log_until:
            version = stored.version + 1
            created_at = stored.created_at or now_seconds
            final = StoredCell(
                found.cell,
                version,
                commit,
                final=True,
                covers=fold.covers,
                log_until=found.log_until,
                created_at=created_at,
                calculated_at=now_seconds,
            )
            self._cells.replace(key, stored.commit, final)
        return _Closed("final" if found.events else "empty", found.events, len(found.chunks), drifted)

    def _drift(self, key: CellKey, stored: StoredCell, fold: Fold, found: _Recomputed) -> int:
        """Count what the live cell shows otherwise.

        What it has not folded yet is a lag, and no drift; nor is what it has folded of chunks that have moved since, to
        the hours of another timezone.
        """
        comparable = {i for i in fold.identities if i.partition(":")[2] in stored.covers}
        differing = drift(stored.cell, found.cell, comparable)
        if not differing:
            return 0
        counted = {chunk for entry in history(self._cells.ledger(key), stored.commit) for chunk in entry.chunks}
        return len(differing) if counted == found.chunks else 0


def recompute(fold: Fold, read: Callable[[], Iterable[LoggedChunk]]) -> _Recomputed:
    """Return what the log gives, each event id once; `read` gives the chunks of the shard anew each time."""
    found = Distinct(read)
    cell = found.each(lambda events: _folded(fold, events))
    return _Recomputed(cell, found.events, frozenset(found.chunks), found.log_until, found.is_erased)


def _folded(fold: Fold, events: Iterator[Logged]) -> Cell:
    cell = Cell()
    batch: list[Any] = []
    for event, _ in events:
        batch.append(event)
        if len(batch) == BATCH_EVENTS:
            cell = compact(merge((cell, fold(batch))))
            batch = []
    return compact(merge((cell, fold(batch))))


def _name(cell: Cell, covers: frozenset[str]) -> str:
    """Return the commit of a final cell: the same for the same content."""
    return sha256(encode(cell) + "".join(sorted(covers)).encode()).hexdigest()[:16]
