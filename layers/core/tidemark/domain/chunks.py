"""Chunks: the unit in which events are stored, deduplicated and folded.

A request's events are grouped by hour and shard and cut into chunks whose key derives from their content, so that a
retried request makes the same chunks in whatever order its events come.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tidemark.domain.events import Event, compact_json
from tidemark.domain.hours import hour_of, hour_seconds, is_hour

MAX_CHUNK_BYTES = 256 * 1024
"""Of JSON before compression. An item may have 400 KB (DynamoDB's limit, names included); deflate never adds more than
5 bytes for each 16 KB to what it cannot compress, so even random data stays below."""

COMPRESSION_LEVEL = 9
"""Of 100 real page views (44 KB) level 1 leaves 77 bytes an event, 6 leaves 66, 9 leaves 64, all within 11 us an event;
a write costs by the kilobyte."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Events of one workspace, hour and shard, sorted by id; `key` is 32 hex digits."""

    workspace: str
    hour: str
    shard: int
    key: str
    events: tuple[Event, ...]


def event_hash(event_id: str) -> int:
    """Return the 64-bit hash by which an event id is sharded and recognised when it comes again.

    Among a million ids of one hour, two collide with a probability of 3e-8.
    """
    return int.from_bytes(hashlib.blake2b(event_id.encode(), digest_size=8).digest(), "big")


def chunk_events(
    workspace: str, events: Iterable[Event], *, timezone: str, shards_at: Callable[[int], int]
) -> list[Chunk]:
    """Return the chunks of a request's events, in the order of hour, shard and first id.

    An id that comes twice in an hour is kept once, as it came first.

    Parameters
    ----------
    timezone
        The workspace's, whose local hours the events fall into.
    shards_at
        The number of shards of an hour, by its start in Unix seconds.
    """
    groups: dict[tuple[str, int], dict[str, Event]] = {}
    hours: dict[str, tuple[str, int]] = {}
    for event in events:
        # An hour starts at a whole minute, so the minute decides; a request's events share few minutes.
        minute = event["timestamp"][:16]
        place = hours.get(minute)
        if place is None:
            hour = hour_of(datetime.fromisoformat(f"{minute}:00+00:00"), timezone)
            place = hours[minute] = hour, shards_at(hour_seconds(hour))
        hour, shards = place
        shard = event_hash(event["event_id"]) % shards if shards > 1 else 0
        groups.setdefault((hour, shard), {}).setdefault(event["event_id"], event)
    return [
        Chunk(workspace, hour, shard, chunk_key(workspace, hour, shard, [event["event_id"] for event in part]), part)
        for (hour, shard), by_id in sorted(groups.items(), key=lambda group: group[0])
        for part in _parts(by_id)
    ]


def refiled(chunk: Chunk, *, timezone: str, shards_at: Callable[[int], int]) -> list[Chunk] | None:
    """Return the chunks that hold a chunk's events in the hours of `timezone`; None if it is filed by these already.

    Their keys name the chunk that they come from: so a repetition makes the same ones, and of two chunks with the same
    ids, whose contents may differ, both stay, for their readers to choose. Other parameters as in `chunk_events`.
    """
    made = chunk_events(chunk.workspace, chunk.events, timezone=timezone, shards_at=shards_at)
    if is_hour(chunk.hour, timezone) and all((part.hour, part.shard) == (chunk.hour, chunk.shard) for part in made):
        return None
    source = [chunk.hour, chunk.shard, chunk.key]
    return [replace(part, key=_digest([part.workspace, part.hour, part.shard, part.key, *source])) for part in made]


def chunk_key(workspace: str, hour: str, shard: int, event_ids: list[str]) -> str:
    """Return the key of the chunk that holds the sorted `event_ids`: 32 hex digits of a SHA-256 over its JSON."""
    return _digest([workspace, hour, shard, event_ids])


def encode(events: Iterable[Event]) -> bytes:
    """Return the blob of `events`: zlib-compressed JSON."""
    return zlib.compress(compact_json(list(events)), COMPRESSION_LEVEL)


def decode(blob: bytes) -> list[Event]:
    """Return the events of a blob."""
    events: list[Event] = json.loads(zlib.decompress(blob))
    return events


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(compact_json(parts)).hexdigest()[:32]


def _parts(by_id: dict[str, Event]) -> Iterator[tuple[Event, ...]]:
    """Cut the events, sorted by id, where the next one would take the JSON over the bound."""
    part: list[Event] = []
    size = 0
    for event_id in sorted(by_id):
        event = by_id[event_id]
        event_bytes = len(compact_json(event)) + 1
        if part and size + event_bytes > MAX_CHUNK_BYTES:
            yield tuple(part)
            part, size = [], 0
        part.append(event)
        size += event_bytes
    yield tuple(part)
