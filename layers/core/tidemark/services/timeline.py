"""Timelines of sessions: indexed as chunks come, read a page at a time.

The index says where every event of a session stands. So a page reads the index of the hours that it covers, and of the
log only the chunks that hold its own events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any, Protocol

from tidemark.domain.chunks import event_hash
from tidemark.domain.definitions import Dashboard
from tidemark.domain.errors import RequestTooLarge, UnknownDashboard
from tidemark.domain.events import Event, compact_json
from tidemark.domain.timeline import (
    Fields,
    IndexEntry,
    Place,
    check_session_id,
    declared,
    entries_of,
    in_order,
    sequence_of,
    session_key,
    shown,
)
from tidemark.domain.timeline_cursor import Cursor
from tidemark.services.ports import Directory, LoggedChunk, Workspace

MAX_LIMIT = 1000
MAX_HOUR_EVENTS = 50_000
"""Of a session in one hour, repetitions included: their places are sorted together, in about 20 MB."""
MAX_PAGE_BYTES = 1_000_000
"""Of the events shown, as JSON: with one event more a page stays far below the 6 MB that Lambda answers."""
MAX_READ_BYTES = 4_000_000
"""Of compressed chunks: after so many a page ends, so that it takes neither long nor much memory."""
CHUNKS_AT_ONCE = 100

Dashboards = Callable[[], Mapping[str, Dashboard]]
ChunkName = tuple[str, int, str]
"""(hour, shard, key)"""


class SessionIndex(Protocol):
    """Which chunks have events of a session."""

    def put(self, entries: Sequence[IndexEntry]) -> None:
        """Store entries; one that is there already is replaced by its equal."""

    def entries(self, workspace: str, session: str, from_hour: str) -> Iterator[IndexEntry]:
        """Read the entries of a session, by its key, from an hour on, in the order of hours, a page at a time."""


class Chunks(Protocol):
    """The log, read by the names of chunks."""

    def get_many(self, workspace: str, names: Sequence[ChunkName]) -> Iterator[tuple[ChunkName, int, list[Event]]]:
        """Read (name, compressed bytes, events) of those that are there, consistently."""


@dataclass(slots=True)
class Page:
    """A part of a timeline; `next_cursor` if there may be more. `gaps` are of all pages so far."""

    events: list[dict[str, Any]] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    more_gaps: bool = False
    next_cursor: str | None = None


class DeclaredFields:
    """What the timelines of workspaces show, by their enabled dashboards."""

    def __init__(self, dashboards: Dashboards) -> None:
        self._dashboards = dashboards
        self._known: dict[tuple[str, ...], Fields] = {}

    def __call__(self, names: tuple[str, ...]) -> Fields:
        """Return the fields by type of event; dashboards that do not exist declare nothing."""
        if names not in self._known:
            known = self._dashboards()
            self._known[names] = declared(known[name] for name in names if name in known)
        return self._known[names]


class IndexSessions:
    """Indexes chunks by the sessions of their events."""

    def __init__(self, directory: Directory, fields: DeclaredFields, index: SessionIndex) -> None:
        self._directory = directory
        self._fields = fields
        self._index = index

    def __call__(self, logged: Iterable[LoggedChunk]) -> None:
        """Index `logged`, in any order and repeated at will; on return every timeline has their events."""
        entries: list[IndexEntry] = []
        for each in logged:
            workspace = self._directory.workspace(each.chunk.workspace)
            types = self._fields(workspace.dashboards) if workspace else {}
            if types:
                entries += entries_of(each.chunk, types, each.received_at, each.expires_at)
        if entries:
            self._index.put(entries)


class Timelines:
    """Reads the timelines of sessions."""

    def __init__(self, fields: DeclaredFields, index: SessionIndex, chunks: Chunks) -> None:
        self._fields = fields
        self._index = index
        self._chunks = chunks

    def __call__(self, workspace: Workspace, session_id: str, limit: int, cursor: str | None) -> Page:
        """Return the page behind `cursor`, the first without one, of at most `limit` (1 to 1,000) events.

        A session that nothing is known of has an empty timeline.

        Raises
        ------
        InvalidRequest
            The id of the session is none (code `invalid_id`), or the cursor is of another one (`invalid_cursor`).
        UnknownDashboard
            No enabled dashboard declares timelines (code `no_timelines`).
        RequestTooLarge
            The session has more events in an hour than can be put in order (code `timeline_too_large`).
        """
        fields = self._fields(workspace.dashboards)
        if not fields:
            raise UnknownDashboard("no enabled dashboard of the workspace declares timelines", code="no_timelines")
        session = session_key(check_session_id(session_id))
        reading = _Reading(session, fields, Cursor() if cursor is None else Cursor.parse(cursor, session))
        found = self._places(workspace.workspace, session, reading.at)
        events = _Events(self._chunks, workspace.workspace, session_id)
        while portion := list(islice(found, min(CHUNKS_AT_ONCE, limit - reading.considered))):
            events.read(portion)
            for place, entry in portion:
                reading.take(entry.hour, place, events.of(place, entry))
                if reading.page_bytes >= MAX_PAGE_BYTES:
                    return reading.page(more=True)
            if events.read_bytes >= MAX_READ_BYTES:
                break
        return reading.page(more=next(found, None) is not None)

    def _places(self, workspace: str, session: str, at: Cursor) -> Iterator[tuple[Place, IndexEntry]]:
        """Yield the events behind a cursor in order, hour by hour."""
        after = at.after
        for hour, group in groupby(self._index.entries(workspace, session, at.hour), lambda entry: entry.hour):
            for place, entry in in_order(_bounded(group)):
                if hour > at.hour or after is None or place > after:
                    yield place, entry


class _Events:
    """The events of one session in the chunks that were read."""

    def __init__(self, chunks: Chunks, workspace: str, session_id: str) -> None:
        self._chunks = chunks
        self._workspace = workspace
        self._session_id = session_id
        self._read: dict[ChunkName, dict[int, Event]] = {}
        self.read_bytes = 0

    def read(self, portion: Iterable[tuple[Place, IndexEntry]]) -> None:
        """Read the chunks of a portion that have not been read."""
        names = dict.fromkeys(_name(entry) for _, entry in portion if _name(entry) not in self._read)
        for name, payload_bytes, events in self._chunks.get_many(self._workspace, list(names)):
            self.read_bytes += payload_bytes
            own = (event for event in events if event.get("session_id") == self._session_id)
            self._read[name] = {event_hash(event["event_id"]): event for event in own}

    def of(self, place: Place, entry: IndexEntry) -> Event | None:
        """Return the event of a place; None if it has been erased, or its chunk has expired."""
        return self._read.get(_name(entry), {}).get(place.identity)


class _Reading:
    """A page while it is being put together."""

    def __init__(self, session: str, fields: Fields, at: Cursor) -> None:
        self.at = at
        self.considered = 0
        self.page_bytes = 0
        self._session = session
        self._fields = fields
        self._end = at
        self._events: list[dict[str, Any]] = []

    def take(self, hour: str, place: Place, event: Event | None) -> None:
        """Take in the next event; one that is gone, or whose type is no longer declared, leaves no trace."""
        self.considered += 1
        seq, gaps = self._end.seq, self._end.gaps
        paths = self._fields.get(event["type"]) if event else None
        if event is not None and paths is not None:
            seq += 1
            gaps.see(sequence_of(event) or 0)
            self._events.append(shown(event, paths, seq))
            self.page_bytes += len(compact_json(self._events[-1]))
        self._end = Cursor(hour, place, seq, gaps)

    def page(self, *, more: bool) -> Page:
        """Return what has been taken."""
        gaps = self._end.gaps
        return Page(self._events, gaps.ranges, gaps.more, self._end.encode(self._session) if more else None)


def _bounded(entries: Iterable[IndexEntry]) -> Iterator[IndexEntry]:
    count = 0
    for entry in entries:
        count += len(entry.places)
        if count > MAX_HOUR_EVENTS:
            raise RequestTooLarge(
                f"the session has more than {MAX_HOUR_EVENTS} events in one hour", code="timeline_too_large"
            )
        yield entry


def _name(entry: IndexEntry) -> ChunkName:
    return entry.hour, entry.shard, entry.chunk
