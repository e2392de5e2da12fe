"""The ports of cold storage, in memory, with the conditions that DynamoDB and S3 check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from tests.support.memory import nothing
from tidemark.domain.batches import Batch, Chain
from tidemark.domain.cold_batches import AnalysedBatch, Row
from tidemark.domain.errors import Conflict
from tidemark.domain.insights import Insight
from tidemark.services.cold_ports import DueNote, Hour, StoredHour

HOUR = "2026-11-21T10:00Z"


def analysed(
    number: int = 0, opened_at: int = 100, workspace: str = "acme", summary: str = "Nothing unusual."
) -> AnalysedBatch:
    """Return a batch of the hour, with two events and an insight."""
    times = "2026-11-21T10:00:00.000Z", "2026-11-21T10:02:00.000Z"
    insight = Insight(summary, 0.7, (), (), "statistical", "statistical/1", *times, 2)
    ids, chunks = frozenset({number, 2**64 - 1}), ("0" * 31 + "a",)
    times_of = opened_at, opened_at + 1, opened_at + 2
    batch = Batch(Chain(workspace, HOUR, 0), number, "ANALYZED", ids, chunks, *times_of, "size", version=1)
    return AnalysedBatch(batch, 1, opened_at + 3, insight)


@dataclass
class MemoryColdNotes:
    """The notes, as [noted_at, due_at]; `disturb` is called before each request."""

    disturb: Callable[[], None] = nothing
    notes: dict[Hour, list[int]] = field(default_factory=dict)
    writes: int = 0
    failing: Exception | None = None

    def note(self, workspace: str, hour: str, noted_at: int, due_at: int) -> None:
        self.disturb()
        if self.failing:
            raise self.failing
        self.writes += 1
        self.notes.setdefault((workspace, hour), [noted_at, due_at])[0] = noted_at

    def find(self, workspace: str, hour: str) -> int | None:
        self.disturb()
        return self.notes[workspace, hour][0] if (workspace, hour) in self.notes else None

    def due(self, now_seconds: int) -> Iterator[DueNote]:
        for hour, (_, due_at) in sorted(self.notes.items(), key=lambda item: item[1][1]):
            if due_at <= now_seconds:
                yield DueNote(*hour, due_at)

    def postpone(self, workspace: str, hour: str, due_at: int) -> None:
        self.disturb()
        if (workspace, hour) in self.notes:
            self.notes[workspace, hour][1] = due_at

    def remove(self, workspace: str, hour: str, noted_at: int) -> None:
        self.disturb()
        if self.notes.get((workspace, hour), [None])[0] == noted_at:
            del self.notes[workspace, hour]


@dataclass
class MemoryColdQueue:
    """The hours that were sent; `failing` makes the queue refuse."""

    sent: list[Hour] = field(default_factory=list)
    failing: Exception | None = None

    def send_batches(self, hours: Sequence[Hour]) -> None:
        if self.failing:
            raise self.failing
        self.sent += hours


@dataclass
class MemoryAnalysedBatches:
    """The table, with what each batch has until it expires."""

    disturb: Callable[[], None] = nothing
    found: list[AnalysedBatch] = field(default_factory=list)
    expiries: dict[str, int] = field(default_factory=dict)

    def of_hour(self, workspace: str, hour: str) -> Iterator[AnalysedBatch]:
        self.disturb()
        of_hour = [each for each in self.found if each.batch.chain == Chain(workspace, hour, 0)]
        yield from sorted(of_hour, key=lambda each: each.batch.batch_id)

    def restore(self, analysed: AnalysedBatch, now_seconds: int, expires_at: int) -> bool:
        name = analysed.batch.batch_id
        if self.expiries.get(name, 0) > now_seconds:
            return False
        self.found.append(analysed)
        self.expiries[name] = expires_at
        return True


@dataclass
class MemoryColdStorage:
    """The objects; a tag is a number that was not there before."""

    disturb: Callable[[], None] = nothing
    objects: dict[Hour, tuple[str, list[Row]]] = field(default_factory=dict)
    _tags: Iterator[int] = field(default_factory=count)

    @contextmanager
    def read(self, workspace: str, hour: str) -> Iterator[StoredHour | None]:
        self.disturb()
        found = self.objects.get((workspace, hour))
        yield StoredHour(found[0], iter(found[1])) if found else None

    def replace(self, workspace: str, hour: str, rows: Iterable[Row], previous: str | None) -> int:
        written = list(rows)
        self.disturb()
        found = self.objects.get((workspace, hour))
        if (found[0] if found else None) != previous:
            raise Conflict("another object")
        if written:
            self.objects[workspace, hour] = (str(next(self._tags)), written)
        return len(written)
