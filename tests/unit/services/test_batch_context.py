"""What a provider is told of a batch: its own events, its hour, and what is usual there, read with few requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.usual import FOLD, HOUR, history, page_views
from tidemark.domain.batches import Batch, Chain
from tidemark.domain.chunks import event_hash
from tidemark.domain.definitions import shipped
from tidemark.domain.hours import hour_seconds
from tidemark.domain.workspace import Workspace
from tidemark.services.analyse import BatchMissing
from tidemark.services.batch_context import LATE_SECONDS, SHARED_SECONDS, BatchContexts
from tidemark.services.folds import Folds
from tidemark.services.ports import StoredCell

START = hour_seconds(HOUR)
NOW = datetime.fromtimestamp(START + 1800, UTC)
EVENTS = page_views(HOUR, 120)


@dataclass
class World:
    """A workspace with its log and its cells, which counts what is read."""

    workspace: Workspace | None = field(default_factory=lambda: Workspace("acme"))
    chunks: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"c1": EVENTS[:80], "c2": EVENTS[60:]})
    cells: dict[tuple[str, int], StoredCell] = field(default_factory=dict)
    reads: list[int] = field(default_factory=list)

    def get_many(
        self, workspace: str, names: Sequence[tuple[str, int, str]]
    ) -> Iterator[tuple[tuple[str, int, str], int, list[dict[str, Any]]]]:
        for name in reversed(names):
            if name[2] in self.chunks:
                yield name, 1, self.chunks[name[2]]

    def stored_many(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], StoredCell]:
        self.reads.append(len(keys))
        return {key: self.cells[key] for key in keys if key in self.cells}

    settled_many = stored_many


class Directory:
    def __init__(self, world: World) -> None:
        self.workspace = lambda name: world.workspace


def contexts(world: World) -> BatchContexts:
    reader: Any = world
    directory: Any = Directory(world)
    return BatchContexts(directory, reader, reader, Folds(shipped), shipped)


def stored(events: Sequence[dict[str, Any]]) -> StoredCell:
    return StoredCell(FOLD(events), covers=FOLD.covers)


def batch(number: int = 100, opened_at: int = START + 60) -> Batch:
    ids = frozenset(event_hash(event["event_id"]) for event in EVENTS[:number])
    return Batch(Chain("acme", HOUR, 0), 0, "SEALED", ids, ("c1", "c2"), opened_at=opened_at)


def test_a_context_has_each_event_of_the_batch_once_and_all_of_the_hour() -> None:
    world = World(cells={(HOUR, 0): stored(EVENTS)})
    found = contexts(world)(batch(), NOW)
    assert [event["event_id"] for event in found.events] == [event["event_id"] for event in EVENTS[:100]]
    identity = shipped()["web"].measures["pageviews"].identity
    assert (found.cell.states[identity], found.so_far.states[identity], found.elapsed) == (100, 120, 0.5)
    assert [dashboard.name for dashboard in found.dashboards] == ["web", "meetings", "lifecycle"]
    assert (found.workspace, found.batch, found.hour, found.timezone) == ("acme", batch().batch_id, HOUR, "UTC")


def test_what_is_usual_is_read_in_one_request_and_then_known() -> None:
    cells = {(name, 0): StoredCell(past.cell, covers=past.covers) for name, past in history().items()}
    world = World(cells=cells)
    gather = contexts(world)
    first = gather(batch(), NOW)
    assert sorted(world.reads) == [1, 41]
    assert (first.usual.hours, first.usual.weeks) == (41, 6)
    assert gather(batch(), NOW + timedelta(minutes=1)).usual is first.usual
    assert sorted(world.reads) == [1, 1, 41]
    assert world.workspace is not None
    world.workspace = replace(world.workspace, timezone="Asia/Kolkata")
    assert gather(batch(), NOW).usual is not first.usual


def test_what_the_hour_holds_so_far_is_read_once_for_the_batches_of_a_second() -> None:
    world = World(cells={(HOUR, 0): stored(EVENTS[:80])})
    gather = contexts(world)
    identity = shipped()["web"].measures["pageviews"].identity
    held = [gather(batch(), NOW).so_far.states[identity]]
    world.cells[HOUR, 0] = stored(EVENTS)
    for seconds in (0.0, SHARED_SECONDS - 0.001, SHARED_SECONDS, 0.0):
        held.append(gather(batch(), NOW + timedelta(seconds=seconds)).so_far.states[identity])
    assert held == [80, 80, 80, 120, 120], "a clock that goes back is not believed either"
    assert world.reads.count(1) == 3


def test_what_an_hour_holds_is_never_that_of_another() -> None:
    other = "2026-11-16T12:00Z"
    world = World(cells={(HOUR, 0): stored(EVENTS), (other, 0): stored(EVENTS[:10])})
    gather = contexts(world)
    gather(batch(), NOW)
    assert gather(replace(batch(), chain=Chain("acme", other, 0)), NOW).so_far == world.cells[other, 0].cell
    world.workspace = Workspace("umbrella")
    world.cells = {}
    assert not gather(replace(batch(), chain=Chain("umbrella", other, 0)), NOW).so_far.states


def test_shards_of_an_hour_are_one_hour() -> None:
    halves = {(HOUR, 0): stored(EVENTS[:50]), (HOUR, 1): stored(EVENTS[50:])}
    world = World(Workspace("acme", shards=((0, 2),)), cells=halves)
    found = contexts(world)(batch(), NOW)
    assert found.so_far.states[shipped()["web"].measures["pageviews"].identity] == 120
    assert sorted(world.reads) == [2, 82]


def test_how_much_there_should_be_of_an_hour_that_came_late_nobody_knows() -> None:
    gather = contexts(World())
    assert gather(batch(opened_at=START + 3600 + LATE_SECONDS), NOW + timedelta(hours=3)).elapsed == 1
    assert gather(batch(opened_at=START + 3600 + LATE_SECONDS + 1), NOW + timedelta(hours=3)).elapsed is None
    assert gather(batch(), NOW - timedelta(hours=1)).elapsed is None  # events of a clock that is ahead


def test_a_batch_without_events_or_workspace_is_missing() -> None:
    for world in (World(chunks={}), World(workspace=None), World(chunks={"c1": EVENTS[110:]})):
        with pytest.raises(BatchMissing):
            contexts(world)(batch(), NOW)
