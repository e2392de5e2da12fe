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
from tidemark.domain.chunks import event_hash
from tidemark.domain.closing import GRACE_SECONDS, closes_at, day_closes_at, is_closed, is_day, slot_at
from tidemark.domain.drift import drift
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.domain.fold import Fold
from tidemark.domain.hours import day_of, hour_seconds, hours_of_day
from tidemark.services.closing_ports import Agenda, Closing, Days, Due, Runs, StoredDay
from tidemark.services.contention import attempts
from tidemark.services.folds import Folds
from tidemark.services.ledger import history
from tidemark.services.ports import CellKey, Cells, Directory, EventLog, LoggedChunk, StoredCell, Workspace
from tidemark.services.views import Views

BATCH_EVENTS = 5_000
"""Events that are folded at once: the fold is fastest by columns, and an hour may have more than memory holds."""


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
        days: Days,
        agenda: Agenda,
        runs: Runs,
        views: Views,
        folds: Folds,
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
        elif is_day(due.period):
            self._close_day(workspace, date.fromisoformat(due.period), now)
        else:
            closing = self._close_hour(workspace, due, now)
        self._agenda.settle(due)
        return closing

    def _close_hour(self, workspace: Workspace, due: Due, now: datetime) -> Closing:
        hour, begun = due.period, self._monotonic()
        if not is_closed(hour, int(now.timestamp())):
            self._agenda.schedule(workspace.workspace, hour, slot_at(closes_at(hour) - GRACE_SECONDS))
            return Closing(workspace.workspace, hour, due.slot, "open")
        shards = [
            self._close_shard(workspace, (workspace.workspace, hour, shard), int(now.timestamp()))
            for shard in range(workspace.shards_at(hour_seconds(hour)))
        ]
        self._close_day(workspace, day_of(hour, workspace.timezone), now)
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
        return closing

    def _close_shard(self, workspace: Workspace, key: CellKey, now_seconds: int) -> _Closed:
        fold = self._folds(workspace.dashboards)
        for _ in attempts():
            stored = self._cells.get(key)
            try:
                if stored.version and stored.log_until <= now_seconds:
                    return self._keep(key, stored, now_seconds)
                found = recompute(fold, lambda: self._log.read(*key))
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
        """Count what the live cell shows otherwise; what it has not folded yet is a lag, and no drift."""
        comparable = {i for i in fold.identities if i.partition(":")[2] in stored.covers}
        differing = drift(stored.cell, found.cell, comparable)
        if not differing:
            return 0
        counted = {chunk for entry in history(self._cells.ledger(key), stored.commit) for chunk in entry.chunks}
        return len(differing) if counted >= found.chunks else 0

    def _close_day(self, workspace: Workspace, day: date, now: datetime) -> None:
        """Merge the cells of a day that is over, if all of them are final; put one that is not on the agenda."""
        name, ends = workspace.workspace, day_closes_at(day, workspace.timezone)
        if ends > now.timestamp():
            self._agenda.schedule(name, day.isoformat(), slot_at(ends - GRACE_SECONDS))
            return
        inside = hours_of_day(day, workspace.timezone)
        for _ in attempts():
            version = self._days.version(name, day)  # before the cells: the condition covers them
            noted = set(self._agenda.hours(name, min(inside), max(inside)))
            hours = [hour for hour in inside if hour in noted]
            keys = [(hour, shard) for hour in hours for shard in range(workspace.shards_at(hour_seconds(hour)))]
            cells = self._cells.stored_many(name, keys)
            if not keys or set(cells) != set(keys) or not all(cell.final for cell in cells.values()):
                return
            covers = frozenset.intersection(*(cell.covers for cell in cells.values()))
            merged = merge(cell.cell for cell in cells.values())
            try:
                self._days.replace(name, day, version, StoredDay(merged, workspace.timezone, frozenset(hours), covers))
            except Conflict:
                continue
            return
        raise Unavailable("the day is being written by many at once; try again")


def recompute(fold: Fold, read: Callable[[], Iterable[LoggedChunk]]) -> _Recomputed:
    """Return what the log gives: each event id once, as the request that came first had it.

    `read` gives the chunks anew each time. An id that stands in several chunks is met again before all are known, so
    where there is one the log is read a second time.
    """
    seen: set[int] = set()
    contested: set[int] = set()
    chunks: set[bytes] = set()
    log_until = 2**53
    is_erased = False

    def once() -> Iterator[Any]:
        nonlocal log_until, is_erased
        for logged in read():
            chunks.add(bytes.fromhex(logged.chunk.key))
            log_until = min(log_until, logged.expires_at)
            is_erased = is_erased or logged.erased > 0
            for event in logged.chunk.events:
                identity = event_hash(event["event_id"])
                if identity in seen:
                    contested.add(identity)
                else:
                    seen.add(identity)
                    yield event

    cell = _folded(fold, once())
    if contested:
        cell = _folded(fold, _settled(read(), contested))
    return _Recomputed(cell, len(seen), frozenset(chunks), log_until, is_erased)


def _settled(chunks: Iterable[LoggedChunk], contested: set[int]) -> Iterator[Any]:
    """Yield the events, of the contested ids those of the earliest request."""
    earliest: dict[int, tuple[str, str, Any]] = {}
    for logged in chunks:
        for event in logged.chunk.events:
            identity = event_hash(event["event_id"])
            if identity not in contested:
                yield event
                continue
            place = logged.received_at, logged.chunk.key, event
            if identity not in earliest or place[:2] < earliest[identity][:2]:
                earliest[identity] = place
    yield from (event for _, _, event in earliest.values())


def _folded(fold: Fold, events: Iterator[Any]) -> Cell:
    cell = Cell()
    batch: list[Any] = []
    for event in events:
        batch.append(event)
        if len(batch) == BATCH_EVENTS:
            cell = compact(merge((cell, fold(batch))))
            batch = []
    return compact(merge((cell, fold(batch))))


def _name(cell: Cell, covers: frozenset[str]) -> str:
    """Return the commit of a final cell: the same for the same content."""
    return sha256(encode(cell) + "".join(sorted(covers)).encode()).hexdigest()[:16]
