"""Hours that are filled before anything is measured, through the real fold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from benchmarks.support.metered import MeteredWorld
from benchmarks.support.traffic import Event, batches, page_views
from tidemark.aws import clients
from tidemark.aws.cells import cover
from tidemark.aws.items import encode
from tidemark.domain import cells as codec
from tidemark.domain.cells import Cell, compact, merge
from tidemark.domain.chunks import Chunk, chunk_key
from tidemark.domain.definitions import shipped
from tidemark.domain.events import format_timestamp
from tidemark.domain.fold import Fold
from tidemark.domain.hours import hour_of, hour_seconds
from tidemark.services.ports import LoggedChunk, Workspace

PER_SECOND = 100
HOUR_EVENTS = 3600 * PER_SECOND
HISTORY_HOURS = 30 * 24
FILL_CHUNK = 5_000
LOG_SECONDS = 90 * 86_400


def busy_cell(start: datetime, events: int) -> Cell:
    """Return the cell of so many page views of the hour that begins at `start`."""
    fold = Fold(shipped()[name] for name in Workspace("").dashboards)
    cell = Cell()
    stream = page_views(start, PER_SECOND, seed=2)
    left = events
    while left:
        batch = list(islice(stream, min(left, FILL_CHUNK)))
        cell = compact(merge((cell, fold(batch))))
        left -= len(batch)
    return cell


def fill_history(world: MeteredWorld, start: datetime) -> None:
    """Store the cell of a busy hour for every one of the 720 hours before `start`.

    All are copies of one: what is billed is their size, and that one hour has like the next.
    """
    state = codec.encode(busy_cell(start, HOUR_EVENTS))
    for n in range(1, HISTORY_HOURS + 1):
        put_state(world.workspace, hour_of(start - timedelta(hours=n), "UTC"), state)


def write_cell(workspace: str, hour: str, cell: Cell) -> None:
    """Store the cell of an hour, in the layout of docs/storage.md."""
    put_state(workspace, hour, codec.encode(cell))


def put_state(workspace: str, hour: str, state: bytes) -> None:
    """Store the encoded cell of an hour."""
    written = hour_seconds(hour)
    item = {
        "pk": f"{workspace}#{hour}",
        "sk": "00",
        "version": 1,
        "commit": "f" * 16,
        "state": state,
        "covers": cover(Fold(shipped().values()).covers),
        "log_until": written + LOG_SECONDS,
        "final": True,
        "created_at": written,
        "calculated_at": written,
    }
    clients.dynamodb().put_item(TableName="CellsTable", Item=encode(item))


def fill_hour(world: MeteredWorld, events: Iterator[Event], start: datetime, upto: int) -> None:
    """Fold the next events into the hour of `start`, in the running worker, until it holds about `upto`."""
    end = start + timedelta(seconds=upto / PER_SECOND)
    hour = hour_of(start, "UTC")
    fold = world.fold_worker.fold
    for batch in batches(events, FILL_CHUNK):
        world.now = max(world.now, datetime.fromisoformat(batch[-1]["timestamp"]))
        ids = [event["event_id"] for event in batch]
        chunk = Chunk(world.workspace, hour, 0, chunk_key(world.workspace, hour, 0, ids), tuple(batch))
        fold([LoggedChunk(chunk, format_timestamp(world.now), int(world.now.timestamp()) + LOG_SECONDS)], world.now)
        if world.now >= end:
            break
    world.poll()
    world.broadcast_queue.clear()
