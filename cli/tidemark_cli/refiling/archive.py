"""The archive of hours that are filed anew: what has moved must not be there twice.

The object of an hour that is no hour any more stays, without rows: where there is none, a job that had read the hour
before its chunks were taken away could put them back (docs/storage.md).
"""

from __future__ import annotations

from datetime import datetime

from tidemark.aws.archive import S3Archive
from tidemark.domain.closing import is_closed
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.services.archive import ArchiveHour
from tidemark.services.contention import attempts
from tidemark.services.ports import Directory, EventLog

NEVER = 2**53
"""The log has whatever an object without rows was written from, for good."""


class RefiledArchive:
    """What the archive has of a workspace's hours."""

    def __init__(self, bucket: str, workspace: str, directory: Directory, log: EventLog) -> None:
        self._name = workspace
        self._archive = S3Archive(bucket)
        self._archive_hour = ArchiveHour(directory, log, self._archive)

    def write(self, hour: str, now: datetime) -> None:
        """Archive an hour that no job will, since its day is not kept."""
        self._archive_hour(self._name, hour, now)

    def empty(self, hour: str, has_moved: bool, now: datetime) -> None:
        """Leave an hour without rows whose chunks have been taken away; `has_moved` says that there just were some.

        One of which the log has ended stays: nothing of it can have moved. Raises `Unavailable` if others write it all
        the time.
        """
        for _ in attempts():
            previous = self._archive.find(self._name, hour)
            if previous is None and not (has_moved and is_closed(hour, int(now.timestamp()))):
                return
            if previous is not None and previous.log_until <= now.timestamp():
                return
            with self._archive.draft(self._name, hour) as draft:
                draft.gather(0, ())
                try:
                    draft.replace(previous, NEVER)
                except Conflict:
                    continue
            return
        raise Unavailable(f"the archived hour {hour} is being written by many at once; try again")
