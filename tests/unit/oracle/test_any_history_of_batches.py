"""Every event is in exactly one batch, whatever is delivered, how often and by whom, and whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.calls import Died
from tests.support.memory import nothing
from tests.support.memory_batches import MemoryAnalysisQueue, MemoryBatches
from tidemark.domain.batches import Chain
from tidemark.domain.breaker import Breaker
from tidemark.domain.chunks import Chunk, chunk_key, event_hash
from tidemark.domain.errors import Unavailable
from tidemark.services.batching import FillBatches
from tidemark.services.ports import LoggedChunk, Workspace
from tidemark.services.sealing import SealBatches

START = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
HOURS = ("2026-11-22T10:00Z", "2015-05-17T10:00Z")
"""The present one, and one that has been final for years."""


@dataclass(frozen=True)
class Step:
    """A delivery of chunks to a worker, and what happens at one instant of it."""

    worker: int
    chunks: list[int]
    size: int
    befalls: str
    at: int
    others: list[int]


chunks = st.lists(
    st.tuples(st.sampled_from(HOURS), st.sets(st.integers(0, 25), min_size=1, max_size=12)), min_size=1, max_size=6
)
places = st.lists(st.integers(0, 5), min_size=1, max_size=4)
steps = st.lists(
    st.builds(
        Step,
        st.integers(0, 1),
        places,
        st.sampled_from([1, 2, 3, 5, 8, 50]),
        st.sampled_from(["nothing", "death", "outage", "another worker", "age", "size"]),
        st.integers(0, 12),
        places,
    ),
    min_size=1,
    max_size=6,
)


def chunk(hour: str, numbers: set[int]) -> LoggedChunk:
    """Return a chunk of the log, by the hour and the numbers of its events."""
    ids = [f"e{number:02d}" for number in sorted(numbers)]
    events = tuple({"event_id": each} for each in ids)
    return LoggedChunk(Chunk("acme", hour, 0, chunk_key("acme", hour, 0, ids), events), "", 0)


@dataclass
class History:
    """A workspace, its log, the batches, and the workers that fill them."""

    log: list[LoggedChunk]
    workspace: Workspace = field(default_factory=lambda: Workspace("acme"))
    now: datetime = START

    def __post_init__(self) -> None:
        self.disturb: Callable[[], None] = nothing
        self.batches = MemoryBatches(lambda: self.disturb())
        self.queue = MemoryAnalysisQueue(lambda: self.disturb())
        self.workers = [self.worker(), self.worker()]

    def worker(self) -> FillBatches:
        directory = SimpleNamespace(workspace=lambda _name: self.workspace)
        return FillBatches(directory, self.batches, self.queue, lambda _jobs, _error: None)

    def deliver(self, worker: int, places: list[int]) -> None:
        """Deliver chunks; a worker that dies is followed by another."""
        try:
            self.workers[worker]([self.log[place % len(self.log)] for place in places], self.now)
        except Died:
            self.workers[worker] = self.worker()
        except ExceptionGroup as failed:
            if failed.split(Unavailable)[1]:
                raise

    def take(self, step: Step) -> None:
        """Do a step."""
        self.now += timedelta(seconds=1)
        self.workspace = replace(self.workspace, batch_events=step.size)
        instants = iter(range(1000))

        def disturb() -> None:
            if next(instants) == step.at:
                self.disturb = nothing
                self.befall(step)

        self.disturb = disturb
        self.deliver(step.worker, step.chunks)
        self.disturb = nothing

    def befall(self, step: Step) -> None:
        match step.befalls:
            case "death":
                raise Died
            case "outage":
                raise Unavailable("down")
            case "another worker":
                self.deliver(1 - step.worker, step.others)
            case "age":
                for workspace, batch in list(self.batches.items):
                    self.batches.seal(workspace, batch, "age", int(self.now.timestamp()))
            case "size":
                self.workspace = replace(self.workspace, batch_events=4)


@pytest.fixture(scope="module", autouse=True)
def _pauses_take_no_time() -> Iterator[None]:
    with patch("tidemark.services.contention.time", SimpleNamespace(sleep=lambda _seconds: None)):
        yield


@given(chunks, steps)
def test_every_event_is_in_exactly_one_batch(given_chunks: list[tuple[str, set[int]]], taken: list[Step]) -> None:
    history = History([chunk(hour, numbers) for hour, numbers in given_chunks])
    for step in taken:
        history.take(step)
    for place in reversed(range(len(history.log))):  # the stream gives up nothing
        history.deliver(0, [place])

    expected: dict[Chain, set[int]] = {}
    for each in history.log:
        ids = {event_hash(event["event_id"]) for event in each.chunk.events}
        expected.setdefault(Chain("acme", each.chunk.hour, 0), set()).update(ids)
    found = history.batches.chains()
    assert found.keys() == expected.keys()
    for chain, batches in found.items():
        assert sorted(identity for batch in batches for identity in batch.ids) == sorted(expected[chain])
        assert [batch.number for batch in batches] == list(range(len(batches)))
        assert all(batch.state == "SEALED" for batch in batches[:-1])
        in_chunks = {
            each.chunk.key: {event_hash(event["event_id"]) for event in each.chunk.events} for each in history.log
        }
        for batch in batches:
            assert batch.ids <= set().union(*(in_chunks[key] for key in batch.chunks))
            assert all(batch.ids & in_chunks[key] for key in batch.chunks)

    jobs = SimpleNamespace(change=history.batches.change)
    later = history.now + timedelta(seconds=history.workspace.batch_seconds)
    SealBatches(history.batches, jobs, history.queue, SimpleNamespace(), Breaker, lambda: 0.0).run(later)
    assert history.batches.sealed.keys() == history.batches.items.keys() == set(history.queue.sent)
