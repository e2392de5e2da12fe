"""The archive: what the log has of a closed hour, as one object that is written anew as a whole.

It may be repeated, come late, or run beside another one of the same hour: an object is replaced only where it still is
the one that was found before the log was read. So each object that stands was read from the log after the one before
it was written, and the last one has whatever the log had before its job was sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tidemark.domain.errors import Conflict, Unavailable
from tidemark.domain.hours import hour_seconds
from tidemark.services.contention import attempts
from tidemark.services.distinct import Distinct, Logged
from tidemark.services.ports import CellKey, Directory, EventLog, Workspace


@dataclass(frozen=True, slots=True)
class ArchivedHour:
    """The object of an hour as it stands: `tag` is another one after each write.

    Until `log_until` (Unix seconds) the log has every chunk that it was written from.
    """

    tag: str
    log_until: int


class Draft(Protocol):
    """The rows of an hour, before they are put."""

    def gather(self, shard: int, rows: Iterable[Logged]) -> None:
        """Have the draft hold these events of a shard, in the place of those that it holds of it."""

    def replace(self, previous: ArchivedHour | None, log_until: int) -> None:
        """Put it in the place of `previous`. Raises `Conflict` if the object is another one by now."""


class Archive(Protocol):
    """Closed hours as objects that others may query; every method may raise `Throttled` or `Unavailable`."""

    def find(self, workspace: str, hour: str) -> ArchivedHour | None:
        """Read what is known of an hour's object, consistently; None if there is none."""

    def draft(self, workspace: str, hour: str) -> AbstractContextManager[Draft]:
        """Begin to gather an hour; what was gathered is gone at the end."""


@dataclass(frozen=True, slots=True)
class Archiving:
    """What came of archiving an hour: `written`, `kept` as it was, or `empty`, since the log never had anything."""

    workspace: str
    hour: str
    outcome: str
    events: int = 0


class ArchiveHour:
    """Archives hours."""

    def __init__(self, directory: Directory, log: EventLog, archive: Archive) -> None:
        self._directory = directory
        self._log = log
        self._archive = archive

    def __call__(self, name: str, hour: str, now: datetime) -> Archiving | None:
        """Archive an hour; return what came of it, None if its workspace was deleted since."""
        workspace = self._directory.workspace(name)
        if workspace is None:
            return None
        for _ in attempts():
            found = self._archive.find(name, hour)  # before the log: the condition covers it
            if found is not None and found.log_until <= now.timestamp():
                return Archiving(name, hour, "kept")  # the log may have lost some of it: it is the best that there is
            try:
                return self._write(workspace, hour, found)
            except Conflict:
                continue
        raise Unavailable("the hour is being archived by many at once; try again")

    def _write(self, workspace: Workspace, hour: str, previous: ArchivedHour | None) -> Archiving:
        name = workspace.workspace
        with self._archive.draft(name, hour) as draft:
            found = [
                self._gather((name, hour, shard), draft) for shard in range(workspace.shards_at(hour_seconds(hour)))
            ]
            if not any(shard.chunks for shard in found):  # a chunk whose events were erased is there still
                return Archiving(name, hour, "kept" if previous else "empty")
            draft.replace(previous, min(shard.log_until for shard in found))
        return Archiving(name, hour, "written", sum(shard.events for shard in found))

    def _gather(self, key: CellKey, draft: Draft) -> Distinct:
        found = Distinct(lambda: self._log.read(*key))
        found.each(lambda rows: draft.gather(key[2], rows))
        return found
