"""Batching: what it asks of the store, and what it leaves when something fails.

That every event is in exactly one batch stands in tests/unit/oracle/test_any_history_of_batches.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from tests.support.memory_batches import MemoryAnalysisQueue, MemoryBatches
from tidemark.domain.batches import Batch, Chain
from tidemark.domain.chunks import Chunk, chunk_key
from tidemark.domain.errors import Unavailable
from tidemark.domain.workspace import CANARY, OPERATIONS
from tidemark.services import batching
from tidemark.services.batching import FillBatches
from tidemark.services.ports import LoggedChunk, Workspace

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
HOUR = "2026-11-22T10:00Z"


def chunk(*ids: str, workspace: str = "acme", hour: str = HOUR) -> LoggedChunk:
    events = tuple({"event_id": each} for each in sorted(ids))
    return LoggedChunk(Chunk(workspace, hour, 0, chunk_key(workspace, hour, 0, sorted(ids)), events), "", 0)


class Filling:
    """A worker that fills the batches of any workspace, four events each."""

    def __init__(self) -> None:
        self.asked = 0
        self.before: Callable[[], None] = lambda: None
        self.settings = Workspace("acme", batch_events=4, batch_seconds=60, retention_days=7)
        self.batches = MemoryBatches(self._ask)
        self.queue = MemoryAnalysisQueue()
        self.unsent: list[tuple[str, str]] = []
        directory = SimpleNamespace(workspace=lambda name: replace(self.settings, workspace=name))
        self.fill = FillBatches(directory, self.batches, self.queue, lambda jobs, _error: self.unsent.extend(jobs))

    def _ask(self) -> None:
        self.asked += 1
        self.before()

    def names(self) -> list[str]:
        return [batch for _, batch in self.batches.items]


def test_a_chunk_that_fits_its_batch_takes_one_request_of_a_worker_that_knows_it() -> None:
    filling = Filling()
    filling.fill([chunk("a")], NOW)
    filling.asked = 0
    filling.fill([chunk("b"), chunk("c")], NOW)
    assert filling.asked == 2, "one write, which the fake announces before and after"
    filling.asked = 0
    filling.fill([chunk("b"), chunk("c"), chunk("a", "b")], NOW)
    assert filling.asked == 0, "what is known takes none"


def test_a_full_batch_is_sealed_and_queued_at_once_and_an_open_one_is_due_by_its_age() -> None:
    filling = Filling()
    assert filling.fill([chunk("a", "b", "c", "d", "e")], NOW) == 1
    full, rest = filling.batches.items.values()
    assert (full.batch.sealed_by, full.batch.sealed_at, full.due_at) == ("size", SECONDS, SECONDS + 30)
    assert filling.queue.sent == [("acme", f"{HOUR}.00.000000")]
    assert (rest.batch.state, rest.job, rest.due_at) == ("OPEN", None, SECONDS + 60)
    assert {full.expires_at, rest.expires_at} == {SECONDS + 7 * 86_400}
    filling.fill([chunk("f")], NOW + timedelta(seconds=20))
    assert filling.batches.items["acme", rest.batch.batch_id].due_at == SECONDS + 60, "its age counts from its opening"


def test_jobs_are_queued_ten_at_a_time_while_more_batches_are_filled() -> None:
    filling = Filling()
    queued: list[int] = []
    filling.before = lambda: queued.append(len(filling.queue.sent))
    assert filling.fill([chunk(f"{number:02}{letter}") for number in range(12) for letter in "abcd"], NOW) == 12
    assert (set(queued), len(filling.queue.sent)) == ({0, 10}, 12)


def test_a_message_that_the_queue_refuses_fails_nothing_and_is_told() -> None:
    filling = Filling()
    filling.queue.failing = Unavailable("down")
    assert filling.fill([chunk("a", "b", "c", "d")], NOW) == 1
    assert filling.unsent == [("acme", f"{HOUR}.00.000000")]


@pytest.mark.parametrize("settings", [{"batch_events": 0}, {"workspace": CANARY}, {"workspace": OPERATIONS}])
def test_a_workspace_that_is_not_analysed_costs_nothing(settings: dict[str, str | int]) -> None:
    filling = Filling()
    filling.settings = replace(filling.settings, **settings)
    filling.fill([chunk("a", workspace=filling.settings.workspace)], NOW)
    assert (filling.asked, filling.names()) == (0, [])


def test_events_of_days_before_the_analysis_begins_are_left_out() -> None:
    filling = Filling()
    filling.settings = replace(filling.settings, timezone="America/New_York", analysed_from="2026-11-22")
    before, after = "2026-11-22T04:00Z", "2026-11-22T05:00Z"  # midnight in New York lies between
    filling.fill([chunk("a", hour=before), chunk("b", hour=after)], NOW)
    assert filling.names() == [f"{after}.00.000000"]


def test_a_chain_that_fails_leaves_the_others_alone_and_is_continued_when_its_chunk_comes_again() -> None:
    filling = Filling()
    asked = iter(range(100))

    def before() -> None:
        if next(asked) == 3:  # it reads, puts one batch, and is to put the second one
            raise Unavailable("down")

    filling.before = before
    long, other = chunk(*"abcdefghij"), chunk("x", hour="2026-11-22T09:00Z")
    with pytest.raises(ExceptionGroup):
        filling.fill([long, other], NOW)
    assert filling.names() == [f"{HOUR}.00.000000", "2026-11-22T09:00Z.00.000000"]
    assert [batch for _, batch in filling.queue.sent] == [f"{HOUR}.00.000000"]
    filling.fill([long, other], NOW)
    assert [len(batch.ids) for batch in filling.batches.chains()[Chain("acme", HOUR, 0)]] == [4, 4, 2]
    assert len(filling.queue.sent) == 2


def test_a_chain_that_grows_while_its_pages_are_read_is_read_again() -> None:
    filling, other = Filling(), Filling()
    filling.batches.items = other.batches.items
    other.fill([chunk("a", "b", "c", "d"), chunk("e")], NOW)  # two pages, and behind them another one, now empty
    asked = iter(range(100))

    def before() -> None:
        if next(asked) == 2:  # the third page
            other.fill([chunk("f", "g", "h", "i")], NOW)

    filling.before = before
    filling.fill([chunk("f", "z")], NOW)
    found = filling.batches.chains()[Chain("acme", HOUR, 0)]
    assert sorted(len(batch.ids) for batch in found) == [2, 4, 4]
    assert len(set().union(*(batch.ids for batch in found))) == 10


def test_a_worker_forgets_chains_beyond_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "KNOWN_IDS", 5)
    filling = Filling()
    hours = [f"2026-11-22T{number:02d}:00Z" for number in range(4)]
    for hour in hours:
        filling.fill([chunk("a", "b", "c", hour=hour)], NOW)
    filling.asked = 0
    filling.fill([chunk("a", hour=hours[-1])], NOW)
    assert filling.asked == 0
    filling.fill([chunk("a", hour=hours[0])], NOW)
    assert filling.asked > 0
    assert all(len(batches) == 1 for batches in filling.batches.chains().values())


def test_a_smaller_size_seals_what_has_more_and_goes_on_behind_it() -> None:
    filling = Filling()
    filling.fill([chunk("a", "b", "c")], NOW)
    filling.settings = replace(filling.settings, batch_events=2)
    assert filling.fill([chunk("d", "e", "f")], NOW) == 2
    found: list[Batch] = filling.batches.chains()[Chain("acme", HOUR, 0)]
    assert [(len(batch.ids), batch.state) for batch in found] == [(3, "SEALED"), (2, "SEALED"), (1, "OPEN")]
