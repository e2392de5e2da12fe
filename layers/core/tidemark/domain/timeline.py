"""The timeline of a session: which events stand in it, in which order, and what of them is shown.

Dashboards declare the types of events that belong to timelines, and the fields that these show. A chunk that has such
events of a session is indexed under the session with the place of each, so that the order is known before any chunk is
read: milliseconds, then the client's own sequence number where there is one, then a hash of the event id.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from tidemark.domain.chunks import Chunk, event_hash
from tidemark.domain.definitions import Dashboard
from tidemark.domain.errors import InvalidRequest
from tidemark.domain.events import EPOCH, MAX_ID_CHARACTERS, Event

NO_SEQUENCE = -(2**53)
"""Stands for a missing sequence number: below every integer that an event may hold."""

Fields = Mapping[str, tuple[str, ...]]
"""The declared types of events, each with the paths of the fields that it shows."""

_MILLISECOND = timedelta(milliseconds=1)


class Place(NamedTuple):
    """Where an event stands among those of its session."""

    milliseconds: int
    sequence: int
    identity: int


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A chunk that has events of a session, and their places; it lasts as long as the chunk.

    `session` is the session's key, `chunk` the chunk's; `received_at` (ISO) says when the chunk's request came.
    """

    workspace: str
    session: str
    hour: str
    shard: int
    chunk: str
    received_at: str
    expires_at: int
    places: tuple[Place, ...]


def session_key(session_id: str) -> str:
    """Return the key of a session: 128 bits of a hash, so that the index and the audit hold no id of a client."""
    return sha256(session_id.encode()).hexdigest()[:32]


def check_session_id(session_id: str) -> str:
    """Return `session_id` if an event may have it; raises `InvalidRequest` (code `invalid_id`)."""
    if not 1 <= len(session_id) <= MAX_ID_CHARACTERS or session_id != session_id.encode(errors="replace").decode():
        raise InvalidRequest(
            f"a session id is a string of 1 to {MAX_ID_CHARACTERS} characters", code="invalid_id", field="session_id"
        )
    return session_id


def declared(dashboards: Iterable[Dashboard]) -> Fields:
    """Return what timelines show by the declarations of `dashboards` together."""
    fields: dict[str, dict[str, None]] = {}
    for dashboard in dashboards:
        for event_type, paths in dashboard.timelines.items():
            fields.setdefault(event_type, {}).update(dict.fromkeys(paths))
    return {event_type: tuple(paths) for event_type, paths in fields.items()}


def entries_of(chunk: Chunk, types: Container[str], received_at: str, expires_at: int) -> list[IndexEntry]:
    """Return the index entries of a chunk: one for each session of which it has events of these types."""
    sessions: dict[str, list[Place]] = {}
    for event in chunk.events:
        if "session_id" in event and event["type"] in types:
            sessions.setdefault(event["session_id"], []).append(_place(event))
    return [
        IndexEntry(
            chunk.workspace,
            session_key(session_id),
            chunk.hour,
            chunk.shard,
            chunk.key,
            received_at,
            expires_at,
            tuple(places),
        )
        for session_id, places in sessions.items()
    ]


def in_order(entries: Iterable[IndexEntry]) -> list[tuple[Place, IndexEntry]]:
    """Return the events of one hour in order, each once.

    Of an id that came several times in the hour, in different chunks, the request that came first decides, as in the
    recomputed cells.
    """
    first: dict[int, tuple[str, str, Place, IndexEntry]] = {}
    for entry in entries:
        for place in entry.places:
            found = first.get(place.identity)
            if found is None or (entry.received_at, entry.chunk) < found[:2]:
                first[place.identity] = entry.received_at, entry.chunk, place, entry
    return sorted(((place, entry) for _, _, place, entry in first.values()), key=lambda found: found[0])


def shown(event: Event, paths: Iterable[str], seq: int) -> dict[str, Any]:
    """Return what a timeline shows of an event: what every event has, and the declared fields alone."""
    sequence = sequence_of(event)
    visible: dict[str, Any] = {
        "seq": seq,
        "event_id": event["event_id"],
        "type": event["type"],
        "timestamp": event["timestamp"],
        **({} if sequence is None else {"sequence": sequence}),
        "properties": {},
    }
    for path in paths:
        _copy(event, visible, path.split("."))
    return visible


def sequence_of(event: Event) -> int | None:
    """Return the client's own sequence number of an event, if it has an integer there."""
    sequence = event["properties"].get("sequence")
    return sequence if type(sequence) is int else None


def _place(event: Event) -> Place:
    sequence = sequence_of(event)
    return Place(
        (datetime.fromisoformat(event["timestamp"]) - EPOCH) // _MILLISECOND,
        NO_SEQUENCE if sequence is None else sequence,
        event_hash(event["event_id"]),
    )


def _copy(source: Mapping[str, Any], target: dict[str, Any], path: list[str]) -> None:
    """Copy the value at a path, with the objects around it but not their other fields; a missing one is left out."""
    *parents, name = path
    for parent in parents:
        inner = source.get(parent)
        if not isinstance(inner, dict):
            return
        source = inner
    if name not in source:
        return
    for parent in parents:
        target = target.setdefault(parent, {})
    target[name] = source[name]
