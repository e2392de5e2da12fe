"""The fold: each new chunk into its hour's cell, exactly once, then the watched views that it changes.

What makes it exact is that a cell moves only from the commit that this fold has seen: the ledger up to that commit
says which chunks and which event ids the cell holds. A worker keeps that knowledge between batches, and a conflict
makes it read anew.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from tidemark.domain.cells import compact, merge
from tidemark.domain.chunks import Chunk, event_hash
from tidemark.domain.closing import is_closed
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.services.contention import attempts
from tidemark.services.folds import Folds
from tidemark.services.late_hours import LateHours
from tidemark.services.ledger import history
from tidemark.services.ports import CellKey, Cells, Commit, Directory, StoredCell, Workspace
from tidemark.services.views import Views

KNOWN_CELLS = 64
STREAM_SECONDS = 86_400
"""A chunk may be older than its fold by as much: a stream keeps its records for a day."""
NEVER = 2**53
KNOWN_IDS = 2_000_000
"""A worker's knowledge is dropped, oldest first, beyond this: 2 million ids take about 130 MB."""


@dataclass(slots=True)
class _Known:
    """A cell and what its ledger says it holds."""

    stored: StoredCell
    chunks: set[bytes] = field(default_factory=set)
    ids: set[int] = field(default_factory=set)


class FoldChunks:
    """Folds chunks into cells and refreshes the watched views."""

    def __init__(
        self,
        directory: Directory,
        cells: Cells,
        views: Views,
        late: LateHours,
        folds: Folds,
    ) -> None:
        self._directory = directory
        self._cells = cells
        self._views = views
        self._late = late
        self._folds = folds
        self._known: OrderedDict[CellKey, _Known] = OrderedDict()

    def __call__(self, chunks: Iterable[Chunk], now: datetime) -> None:
        """Fold `chunks`, in any order and repeated at will; on return their cells and the watched views hold them.

        Every workspace is worked on even if another fails; then the failures are raised together.
        """
        by_workspace: dict[str, list[Chunk]] = defaultdict(list)
        for chunk in chunks:
            by_workspace[chunk.workspace].append(chunk)
        failures: list[Exception] = []
        for name, group in by_workspace.items():
            try:
                self._fold_workspace(name, group, now)
            except Exception as error:  # noqa: BLE001  # raised below, with the others
                failures.append(error)
        if failures:
            raise ExceptionGroup("some workspaces could not be folded", failures)

    def _fold_workspace(self, name: str, chunks: Sequence[Chunk], now: datetime) -> None:
        workspace = self._directory.workspace(name)
        if workspace is None:  # deleted since; its events have nowhere to be shown
            return
        by_cell: dict[CellKey, list[Chunk]] = defaultdict(list)
        for chunk in chunks:
            by_cell[name, chunk.hour, chunk.shard].append(chunk)
        for key, group in by_cell.items():
            self._fold_cell(workspace, key, group, now)
        # Also when nothing was new: the last attempt may have died between the cell and the view.
        self._views.refresh_watched(workspace, now, {hour for _, hour, _ in by_cell})

    def _fold_cell(self, workspace: Workspace, key: CellKey, chunks: Sequence[Chunk], now: datetime) -> None:
        now_seconds = int(now.timestamp())
        for _ in attempts():
            known = self._know(key)
            stored = known.stored
            fresh = [chunk for chunk in chunks if bytes.fromhex(chunk.key) not in known.chunks]
            if not fresh:
                return
            if stored.final and now_seconds < stored.log_until:
                self._late.recompute(workspace.workspace, key[1], now_seconds)
                return
            whole = bool(stored.version) or self._late.begin(*key, now_seconds)
            if not whole and is_closed(key[1], now_seconds):  # the cell is lost, the log is not
                self._late.recompute(workspace.workspace, key[1], now_seconds)
                return
            fold = self._folds(workspace.dashboards)
            events, ids = _new_events(fresh, known.ids)
            keys = frozenset(bytes.fromhex(chunk.key) for chunk in fresh)
            commit = Commit(_commit_name(stored.commit, keys), stored.commit, stored.version + 1, keys, frozenset(ids))
            moved = StoredCell(
                compact(merge((stored.cell, fold(events)))),
                commit.version,
                commit.commit,
                stored.final,
                stored.covers & fold.covers if stored.version else fold.covers if whole else frozenset(),
                min(stored.log_until or NEVER, now_seconds + workspace.retention_days * 86_400 - STREAM_SECONDS),
                stored.created_at or now_seconds,
                now_seconds,
            )
            expires_at = now_seconds + workspace.retention_days * 86_400
            try:
                self._cells.append(key, commit, moved, expires_at)
            except Conflict:
                del self._known[key]
                continue
            except BaseException:
                del self._known[key]  # it may have been written
                raise
            known.stored = moved
            known.chunks |= keys
            known.ids |= ids
            if stored.final:  # its day is to be folded anew
                self._late.recompute(workspace.workspace, key[1], now_seconds)
            return
        raise Unavailable("the cell is being folded by many at once; try again")

    def _know(self, key: CellKey) -> _Known:
        known = self._known.pop(key, None) or self._read(key)
        self._known[key] = known
        while len(self._known) > 1 and (
            len(self._known) > KNOWN_CELLS or sum(len(k.ids) for k in self._known.values()) > KNOWN_IDS
        ):
            self._known.popitem(last=False)
        return known

    def _read(self, key: CellKey) -> _Known:
        known = _Known(self._cells.get(key))
        if known.stored.commit:
            for entry in history(self._cells.ledger(key), known.stored.commit):
                known.chunks |= entry.chunks
                known.ids |= entry.ids
        return known


def _new_events(chunks: Sequence[Chunk], known: set[int]) -> tuple[list[dict[str, Any]], set[int]]:
    """Return the events whose id no earlier chunk of the hour has, and their ids."""
    events: list[dict[str, Any]] = []
    ids: set[int] = set()
    for chunk in chunks:
        for event in chunk.events:
            identity = event_hash(event["event_id"])
            if identity not in known and identity not in ids:
                ids.add(identity)
                events.append(event)
    return events, ids


def _commit_name(previous: str, chunks: frozenset[bytes]) -> str:
    """Return the name of a commit: the same for the same chunks on the same predecessor, so that a retry repeats it."""
    return sha256(previous.encode() + b"".join(sorted(chunks))).hexdigest()[:16]
