"""An erasure: look at what there is, rewrite it, have its hours recomputed, look again.

Whenever it dies, the same erasure again finishes it: an hour is put into the journal before its first chunk is
rewritten, and leaves it when its recompute has ended. What was taken out never comes back, since the log decides. The
archive follows the log: a job that has read an hour before it was rewritten gives way to what replaced its object, or
is followed by the job of the recompute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tidemark.aws.session_index import DynamoSessionIndex
from tidemark.domain.closing import GRACE_SECONDS, closes_at, is_closed, slot_at
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.domain.hours import day_of, hour_seconds
from tidemark.domain.timeline import session_key
from tidemark.services.closing_ports import RollupQueue
from tidemark.services.contention import attempts
from tidemark.services.ports import LoggedChunk, Workspace
from tidemark_cli.erasure.inbox import UserInbox
from tidemark_cli.erasure.journal import Journal
from tidemark_cli.erasure.subject import Subject
from tidemark_cli.erasure.sweep import Sweep, Swept
from tidemark_cli.rollup.backfill import Backfill, Sent
from tidemark_cli.rollup.operation import Operation
from tidemark_cli.rollup.unnoted import FIRST_HOUR, LAST_HOUR, recent_hours
from tidemark_cli.stack import Stack

if TYPE_CHECKING:
    from tidemark_cli.erasure.archive import Archived

UNNOTED_DAYS = 2
"""Hours of so many days are read whether they are noted or not."""


@dataclass(slots=True)
class Found:
    """What there is of a subject.

    `hours` are those with events of theirs, and those that an interrupted erasure has `unfinished`; `hours_read` and
    `events_read` say how much was looked through. `index_entries` are the session's, `inbox_items` the user's.
    `archived` has every hour of the archive.
    """

    hours: Mapping[str, Swept] = field(default_factory=dict)
    unfinished: frozenset[str] = frozenset()
    hours_read: int = 0
    events_read: int = 0
    index_entries: int = 0
    inbox_items: int = 0
    archived: Mapping[str, Archived] = field(default_factory=dict)

    @property
    def archived_hours(self) -> list[str]:
        """The archived hours with events of the subject."""
        return sorted(hour for hour, archived in self.archived.items() if archived.found)

    @property
    def archived_events(self) -> int:
        """The subject's events in the archive."""
        return sum(archived.found for archived in self.archived.values())

    @property
    def companions(self) -> set[str]:
        """Anonymous ids beside which a user's events stand: the same person before they were known."""
        archived = (each.companions for each in self.archived.values())
        return set().union(*(swept.companions for swept in self.hours.values()), *archived)

    @property
    def events(self) -> int:
        """The subject's events."""
        return sum(swept.found for swept in self.hours.values())

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is there, and nothing unfinished."""
        return not (self.unfinished or self.is_left)

    @property
    def is_left(self) -> bool:
        """Whether anything of the subject is there."""
        return bool(self.events or self.index_entries or self.inbox_items or self.archived_events)


class Erasure:
    """The erasure of one subject from one workspace."""

    def __init__(self, stack: Stack, operation: Operation, workspace: Workspace, subject: Subject) -> None:
        from tidemark_cli.erasure.archive import SubjectArchive  # DuckDB, which `--help` need not wait for

        self._operation = operation
        self._workspace = workspace
        self._subject = subject
        self._index = DynamoSessionIndex(stack.work_table)
        self._journal = Journal(stack.work_table, workspace.workspace, subject)
        self.archive = SubjectArchive(stack.archive_bucket, workspace.workspace, subject)
        self._inbox = UserInbox(stack.inbox_table, workspace.workspace, subject.id) if subject.kind == "user" else None

    @property
    def queue(self) -> RollupQueue:
        """The queue of the rollup's jobs."""
        return self._operation.queue

    def hours(self, now: datetime) -> list[str]:
        """Return the hours that may have events: those that are noted, and those of the last days."""
        noted = self._operation.agenda.hours(self._workspace.workspace, FIRST_HOUR, LAST_HOUR)
        return sorted({*noted, *recent_hours(now, self._workspace.timezone, UNNOTED_DAYS), *self._journal.hours()})

    def look(self, hours: Iterable[str], wanted: Iterable[str], tell: Callable[[Swept], None]) -> Found:
        """Return what there is of the subject in these hours and elsewhere, with all about the hours `wanted`.

        The archive is looked into apart.
        """
        found = Found(unfinished=self._journal.hours())

        def count(swept: Swept) -> None:
            found.hours_read += 1
            found.events_read += swept.events
            tell(swept)

        sweep = Sweep(self._workspace, self._subject, self._operation.event_log)
        found.hours = sweep(hours, found.unfinished | set(wanted), count)
        found.index_entries = len(self._session_entries())
        found.inbox_items = self._inbox.count() if self._inbox else 0
        return found

    def rewrite(self, found: Found, sent: Sent, clock: Callable[[], datetime], tell: Callable[[str], None]) -> Backfill:
        """Take the subject out of the hours found, of index, inbox and archive; return what follows the recomputes.

        Each closed hour is queued as soon as it is rewritten; an open one is due when it closes. Told of are the hours
        of the log, then those of the archive.
        """
        days = [day_of(hour, self._workspace.timezone) for hour in found.hours] or [clock().date()]
        operation = self._operation
        following = Backfill(self._workspace, min(days), max(days), operation.agenda, operation.record)
        slot = following.begin(sent, clock())
        for hour, swept in found.hours.items():
            if swept.found:
                self._journal.add(hour)
                self._rewrite_hour(hour)
            self._make_due(hour, slot, sent, int(clock().timestamp()))
            tell(hour)
        entries = self._session_entries()
        if entries:
            self._index.remove(self._workspace.workspace, session_key(self._subject.id), entries)
        if self._inbox:
            self._inbox.erase()
        for hour in found.archived_hours:  # after the log: what is archived meanwhile was read from it
            self.archive.erase(hour)
            tell(hour)
        return following

    def finish(self, hours: Iterable[str]) -> None:
        """State that these hours are done."""
        for hour in hours:
            self._journal.remove(hour)

    def _rewrite_hour(self, hour: str) -> None:
        for _ in attempts():
            try:
                for shard in range(self._workspace.shards_at(hour_seconds(hour))):
                    for logged in self._operation.event_log.read(self._workspace.workspace, hour, shard):
                        self._rewrite_chunk(logged)
            except Conflict:
                continue  # it was rewritten by another erasure, or has ended: as it is now is read again
            return
        raise Unavailable("the hour is being rewritten by many at once; try again")

    def _rewrite_chunk(self, logged: LoggedChunk) -> None:
        chunk = logged.chunk
        kept = [event for event in chunk.events if not self._subject.matches(event)]
        if len(kept) == len(chunk.events):
            return
        left = {event.get("session_id") for event in kept}
        own = (event for event in chunk.events if self._subject.matches(event))
        # Before the chunk: while its events are there, an interrupted erasure finds it again.
        for session in sorted({event["session_id"] for event in own if "session_id" in event} - left):
            self._index.remove(chunk.workspace, session_key(session), [(chunk.hour, chunk.shard, chunk.key)])
        self._operation.event_log.rewrite(logged, kept)

    def _make_due(self, hour: str, slot: str, sent: Sent, now_seconds: int) -> None:
        """Have an hour recomputed: it is due from now on, with a mark that no job has which read the log before."""
        name, agenda = self._workspace.workspace, self._operation.agenda
        if not is_closed(hour, now_seconds):
            agenda.schedule(name, hour, slot_at(closes_at(hour) - GRACE_SECONDS))
            return
        for shard in range(self._workspace.shards_at(hour_seconds(hour))):
            agenda.note(name, hour, shard)  # the fold will not, once it finds the cell made
        sent.send([agenda.schedule(name, hour, slot)])

    def _session_entries(self) -> list[tuple[str, int, str]]:
        if self._subject.kind != "session":
            return []
        entries = self._index.entries(self._workspace.workspace, session_key(self._subject.id), "")
        return [(entry.hour, entry.shard, entry.chunk) for entry in entries]
