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
from tidemark.domain.idset import IdSet
from tidemark.services.contention import attempts
from tidemark.services.folds import Folds
from tidemark.services.late_hours import LateHours
from tidemark.services.ledger import history
from tidemark.services.ports import CellKey, Cells, Commit, Directory, LoggedChunk, StoredCell, Workspace
from tidemark.services.views import Views

KNOWN_CELLS = 64
NEVER = 2**53
KNOWN_MARKS = 2_000_000
"""A worker's knowledge is dropped, oldest first, beyond so many ids and chunk keys of 8 and 83 bytes."""
IDLE_SECONDS = 900
"""A cell that got nothing for so long while others did is forgotten: mostly its hour is over. Reading it anew costs one
query of its ledger."""


@dataclass(slots=True)
class _Known:
    """A cell and what its ledger says it holds."""

    stored: StoredCell
    chunks: set[bytes] = field(default_factory=set)
    ids: IdSet = field(default_factory=IdSet)
    used_at: int = 0
    """Unix seconds."""


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

    def __call__(self, chunks: Iterable[LoggedChunk], now: datetime) -> None:
        """Fold `chunks`, in any order and repeated at will; on return their cells and the watched views hold them.

        Every workspace is worked on even if another fails; then the failures are raised together.
        """
        by_workspace: dict[str, list[LoggedChunk]] = defaultdict(list)
        for logged in chunks:
            by_workspace[logged.chunk.workspace].append(logged)
        failures: list[Exception] = []
        for name, group in by_workspace.items():
            try:
                self._fold_workspace(name, group, now)
            except Exception as error:  # noqa: BLE001  # raised below, with the others
                failures.append(error)
        if failures:
            raise ExceptionGroup("some workspaces could not be folded", failures)

    def _fold_workspace(self, name: str, chunks: Sequence[LoggedChunk], now: datetime) -> None:
        workspace = self._directory.workspace(name)
        if workspace is None:  # deleted since; its events have nowhere to be shown
            return
        by_cell: dict[CellKey, list[LoggedChunk]] = defaultdict(list)
        for logged in chunks:
            if not workspace.has_ended(logged.chunk.hour, now):
                by_cell[name, logged.chunk.hour, logged.chunk.shard].append(logged)
        for key, group in by_cell.items():
            self._fold_cell(workspace, key, group, now)
        # Also when nothing was new: the last attempt may have died between the cell and the view.
        self._views.refresh_watched(workspace, now, {hour for _, hour, _ in by_cell})

    def _fold_cell(self, workspace: Workspace, key: CellKey, chunks: Sequence[LoggedChunk], now: datetime) -> None:
        now_seconds = int(now.timestamp())
        for _ in attempts():
            known = self._know(key, now_seconds)
            fresh = [logged for logged in chunks if bytes.fromhex(logged.chunk.key) not in known.chunks]
            if not fresh:
                return
            covers = self._covers(workspace, key, known.stored, now_seconds)
            if covers is None:
                self._late.recompute(workspace.workspace, key[1], now_seconds)
                return
            commit, moved = self._folded(workspace, known, fresh, covers, now_seconds)
            if not self._append(key, commit, moved, now_seconds + workspace.retention_days * 86_400):
                continue
            known.stored = moved
            known.chunks |= commit.chunks
            known.ids.update(commit.ids)
            if moved.final:  # its day is to be folded anew
                self._late.recompute(workspace.workspace, key[1], now_seconds)
            return
        raise Unavailable("the cell is being folded by many at once; try again")

    def _covers(
        self, workspace: Workspace, key: CellKey, stored: StoredCell, now_seconds: int
    ) -> frozenset[str] | None:
        """Return what the cell covers once more is folded into it; None if it is to be recomputed from the log."""
        if stored.final and now_seconds < stored.log_until:
            return None
        covers = self._folds(workspace.dashboards).covers
        if stored.version:
            return stored.covers & covers
        if self._late.begin(*key, now_seconds):
            return covers
        # It had events, and has no cell: the cell is lost, the log is not.
        return None if is_closed(key[1], now_seconds) else frozenset()

    def _folded(
        self,
        workspace: Workspace,
        known: _Known,
        fresh: Sequence[LoggedChunk],
        covers: frozenset[str],
        now_seconds: int,
    ) -> tuple[Commit, StoredCell]:
        """Return the commit that takes `fresh` chunks in, and the cell as it then is."""
        stored, fold = known.stored, self._folds(workspace.dashboards)
        events, ids = _new_events([logged.chunk for logged in fresh], known.ids)
        keys = frozenset(bytes.fromhex(logged.chunk.key) for logged in fresh)
        commit = Commit(_commit_name(stored.commit, keys), stored.commit, stored.version + 1, keys, frozenset(ids))
        moved = StoredCell(
            compact(merge((stored.cell, fold(events)))),
            commit.version,
            commit.commit,
            stored.final,
            covers,
            min(stored.log_until or NEVER, *(logged.expires_at for logged in fresh)),
            stored.created_at or now_seconds,
            now_seconds,
        )
        return commit, moved

    def _append(self, key: CellKey, commit: Commit, moved: StoredCell, expires_at: int) -> bool:
        """Write the commit and move the cell to it; answer False, and forget the cell, if another writer was first."""
        try:
            self._cells.append(key, commit, moved, expires_at)
        except Conflict:
            del self._known[key]
            return False
        except BaseException:
            del self._known[key]  # it may have been written
            raise
        return True

    def _know(self, key: CellKey, now_seconds: int) -> _Known:
        known = self._known.pop(key, None) or self._read(key)
        self._known[key] = known
        known.used_at = now_seconds
        while len(self._known) > 1 and (
            len(self._known) > KNOWN_CELLS
            or next(iter(self._known.values())).used_at < now_seconds - IDLE_SECONDS
            or sum(len(each.ids) + len(each.chunks) for each in self._known.values()) > KNOWN_MARKS
        ):
            self._known.popitem(last=False)
        return known

    def _read(self, key: CellKey) -> _Known:
        known = _Known(self._cells.get(key))
        if known.stored.commit:
            for entry in history(self._cells.ledger(key), known.stored.commit):
                known.chunks |= entry.chunks
                known.ids.update(entry.ids)
        return known


def _new_events(chunks: Sequence[Chunk], known: IdSet) -> tuple[list[dict[str, Any]], set[int]]:
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
