"""Cold storage: what there is of an hour's analysed batches, as one object that outlives them.

It may be repeated, come late, or run beside another one of the same hour: an object is replaced only where it still is
the one that was read. What it has stays, save where the table has a later state of the same batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tidemark.domain.cold_batches import merged, row_of
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.services.cold_notes import SETTLED_SECONDS, STORED_AFTER_SECONDS
from tidemark.services.cold_ports import AnalysedBatches, ColdNotes, ColdStorage
from tidemark.services.contention import attempts


@dataclass(frozen=True, slots=True)
class Storing:
    """What came of storing an hour: `written`, `empty`, since no batch of it is analysed, or `known`, since it is done.

    `batches` are those that the object has then.
    """

    workspace: str
    hour: str
    outcome: str
    batches: int = 0


class StoreHour:
    """Stores the analysed batches of hours."""

    def __init__(self, notes: ColdNotes, batches: AnalysedBatches, storage: ColdStorage) -> None:
        self._notes = notes
        self._batches = batches
        self._storage = storage

    def __call__(self, workspace: str, hour: str, now: datetime) -> Storing:
        """Store an hour, and take its note away unless something may have been finished meanwhile."""
        noted_at = self._notes.find(workspace, hour)  # before the batches: what was noted then was finished before
        if noted_at is None:
            return Storing(workspace, hour, "known")
        written = self._write(workspace, hour)
        if noted_at <= now.timestamp() - SETTLED_SECONDS:
            self._notes.remove(workspace, hour, noted_at)
        else:
            self._notes.postpone(workspace, hour, int(now.timestamp()) + STORED_AFTER_SECONDS)
        return Storing(workspace, hour, "written" if written else "empty", written)

    def _write(self, workspace: str, hour: str) -> int:
        for _ in attempts():
            with self._storage.read(workspace, hour) as stored:
                newer = map(row_of, self._batches.of_hour(workspace, hour))
                rows = merged(newer, stored.rows if stored else ())
                try:
                    return self._storage.replace(workspace, hour, rows, stored.tag if stored else None)
                except Conflict:
                    continue
        raise Unavailable("the hour is being stored by many at once; try again")
