"""Reading a timeline a page at a time: the pages together are the whole, whatever their size and what was repeated."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import MemoryDirectory
from tidemark.domain.chunks import Chunk, chunk_events, encode
from tidemark.domain.definitions import Dashboard
from tidemark.domain.errors import InvalidRequest, RequestTooLarge, UnknownDashboard
from tidemark.domain.events import Event, format_timestamp
from tidemark.domain.timeline import IndexEntry
from tidemark.services import timeline
from tidemark.services.ports import LoggedChunk, Workspace
from tidemark.services.timeline import ChunkName, DeclaredFields, IndexSessions, Page, Timelines

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
LESSONS = Dashboard("lessons", "Lessons", {}, (), (), {}, {"join": ("properties.role",), "end": ()})
PLAIN = Dashboard("plain", "Plain", {}, (), (), {})
DEMO = Workspace("demo", dashboards=("lessons", "plain", "gone"))


class MemoryIndex:
    """The entries as the table would hold and order them."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[tuple[str, int, str], IndexEntry]] = {}

    def put(self, entries: Sequence[IndexEntry]) -> None:
        for entry in entries:
            partition = self.items.setdefault((entry.workspace, entry.session), {})
            partition[entry.hour, entry.shard, entry.chunk] = entry

    def entries(self, workspace: str, session: str, from_hour: str) -> Iterator[IndexEntry]:
        found = sorted(self.items.get((workspace, session), {}).items())
        yield from (entry for (hour, _, _), entry in found if hour >= from_hour)


class MemoryChunks:
    """The log; `reads` lists what each request asked for."""

    def __init__(self) -> None:
        self.chunks: dict[tuple[str, ChunkName], Chunk] = {}
        self.reads: list[list[ChunkName]] = []

    def get_many(self, workspace: str, names: Sequence[ChunkName]) -> Iterator[tuple[ChunkName, int, list[Event]]]:
        self.reads.append(list(names))
        for name in reversed(names):
            chunk = self.chunks.get((workspace, name))
            if chunk is not None:
                yield name, len(encode(chunk.events)), list(chunk.events)


class Lessons:
    """A workspace whose lessons have timelines."""

    def __init__(self, workspace: Workspace = DEMO) -> None:
        self.workspace = workspace
        self.index = MemoryIndex()
        self.log = MemoryChunks()
        fields = DeclaredFields(lambda: {"lessons": LESSONS, "plain": PLAIN})
        self._index_sessions = IndexSessions(MemoryDirectory(workspace), fields, self.index)
        self._timelines = Timelines(fields, self.index, self.log)

    def send(self, events: Sequence[dict[str, Any]], timezone: str = "UTC") -> list[LoggedChunk]:
        """Store and index a request's events."""
        made = chunk_events(
            self.workspace.workspace, events, timezone=timezone, shards_at=lambda _hour: self.workspace.shards[0][1]
        )
        for chunk in made:
            self.log.chunks.setdefault((chunk.workspace, (chunk.hour, chunk.shard, chunk.key)), chunk)
        logged = [LoggedChunk(chunk, format_timestamp(START), 99) for chunk in made]
        self._index_sessions(logged)
        return logged

    def redeliver(self, logged: Sequence[LoggedChunk]) -> None:
        self._index_sessions(logged)

    def page(self, limit: int = 100, cursor: str | None = None, session: str = "s1") -> Page:
        return self._timelines(self.workspace, session, limit, cursor)

    def walk(self, limit: int) -> tuple[list[dict[str, Any]], Page]:
        """Read page by page; return all events and the last page."""
        events: list[dict[str, Any]] = []
        cursor = None
        for _ in range(1000):
            page = self.page(limit, cursor)
            assert len(page.events) <= limit
            events += page.events
            if page.next_cursor is None:
                return events, page
            cursor = page.next_cursor
        raise AssertionError("the pages never end")


def joined(number: int, *, second: float = 0, session: str = "s1", **properties: Any) -> dict[str, Any]:
    return {
        "event_id": f"e{number:04d}",
        "type": "join",
        "timestamp": format_timestamp(START + timedelta(seconds=second)),
        "session_id": session,
        "properties": properties,
    }


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 3))
def test_the_pages_are_the_whole_however_events_were_sent(seed: int, limit: int, shards: int) -> None:
    rng = random.Random(seed)
    lessons = Lessons(Workspace("demo", dashboards=("lessons",), shards=((0, shards),)))
    events = [
        joined(n, second=rng.randrange(3) * 1800 + rng.randrange(3), session=rng.choice(["s1", "s1", "s2"]), sequence=n)
        for n in range(1, rng.randrange(2, 60))
    ]
    logged: list[LoggedChunk] = []
    for _ in range(rng.randrange(1, 6)):  # overlapping requests
        logged += lessons.send(rng.sample(events, rng.randrange(1, len(events) + 1)))
    logged += lessons.send(events)
    rng.shuffle(logged)
    lessons.redeliver(logged)
    mine = [event for event in events if event["session_id"] == "s1"]
    expected = sorted(mine, key=lambda event: (event["timestamp"], event["properties"]["sequence"]))
    found, last = lessons.walk(limit)
    assert [event["event_id"] for event in found] == [event["event_id"] for event in expected]
    assert [event["seq"] for event in found] == list(range(1, len(expected) + 1))
    numbers = {event["properties"]["sequence"] for event in mine}
    missing = set(range(1, max(numbers, default=0) + 1)) - numbers
    listed = {number for first, end in last.gaps for number in range(first, end + 1)}
    assert listed <= missing if last.more_gaps else listed == missing


def test_a_page_reads_only_the_chunks_of_its_own_events() -> None:
    lessons = Lessons()
    for number in range(1, 301):
        lessons.send([joined(number, second=number)])
    page = lessons.page(10)
    assert [event["event_id"] for event in page.events] == [f"e{n:04d}" for n in range(1, 11)]
    assert [len(read) for read in lessons.log.reads] == [10]
    lessons.log.reads.clear()
    assert len(lessons.page(250, page.next_cursor).events) == 250
    assert [len(read) for read in lessons.log.reads] == [100, 100, 50]


def test_a_chunk_of_many_events_is_read_once_a_page() -> None:
    lessons = Lessons()
    lessons.send([joined(number, second=number) for number in range(1, 301)])
    assert len(lessons.page(300).events) == 300
    assert [len(read) for read in lessons.log.reads] == [1, 0, 0]


def test_a_page_ends_when_it_has_shown_or_read_enough() -> None:
    lessons = Lessons()
    for number in range(1, 9):
        lessons.send([joined(number, second=number, role="x" * 1000)])
    with patch.object(timeline, "MAX_PAGE_BYTES", 3000):
        assert len(lessons.page().events) == 3
        assert len(lessons.walk(100)[0]) == 8
    with patch.object(timeline, "MAX_READ_BYTES", 1), patch.object(timeline, "CHUNKS_AT_ONCE", 2):
        assert len(lessons.page().events) == 2
        assert [event["seq"] for event in lessons.walk(100)[0]] == list(range(1, 9))


def test_more_events_in_an_hour_than_can_be_ordered_are_an_error_and_no_wrong_answer() -> None:
    lessons = Lessons()
    lessons.send([joined(number) for number in range(5)])
    with patch.object(timeline, "MAX_HOUR_EVENTS", 5):
        assert len(lessons.page().events) == 5
        lessons.send([joined(9)])
        with pytest.raises(RequestTooLarge) as refused:
            lessons.page()
    assert refused.value.code == "timeline_too_large"


def test_a_late_event_takes_its_place_and_moves_the_ones_behind_it() -> None:
    lessons = Lessons()
    lessons.send([joined(1, second=1), joined(3, second=3)])
    assert [(event["seq"], event["event_id"]) for event in lessons.page().events] == [(1, "e0001"), (2, "e0003")]
    lessons.send([joined(2, second=2)])
    found = [(event["seq"], event["event_id"]) for event in lessons.page().events]
    assert found == [(1, "e0001"), (2, "e0002"), (3, "e0003")]


def test_a_reading_goes_on_where_it_was_whatever_comes_before_it() -> None:
    lessons = Lessons()
    lessons.send([joined(number, second=number) for number in (1, 3, 5)])
    first = lessons.page(2)
    lessons.send([joined(2, second=2), joined(4, second=4)])
    rest = lessons.page(10, first.next_cursor)
    assert [(event["seq"], event["event_id"]) for event in rest.events] == [(3, "e0004"), (4, "e0005")]


def test_no_event_is_lost_where_hours_overlap_since_the_timezone_was_changed() -> None:
    lessons = Lessons()
    lessons.send([joined(1, second=1800), joined(2, second=5000)], "Asia/Kolkata")  # the hour from 10:30
    lessons.send([joined(3, second=3700), joined(4, second=5400)])  # the hour from 11:00
    for limit in (1, 2, 100):
        assert sorted(event["event_id"] for event in lessons.walk(limit)[0]) == ["e0001", "e0002", "e0003", "e0004"]


def test_what_was_erased_or_has_expired_leaves_no_trace_but_a_gap() -> None:
    lessons = Lessons()
    lessons.send([joined(number, second=number, sequence=number) for number in (1, 2, 3)])
    lessons.send([joined(4, second=4, sequence=4)])
    lessons.send([joined(5, second=5, sequence=5)])
    (erased, expired) = [key for key, chunk in lessons.log.chunks.items() if len(chunk.events) != 1], "e0004"
    chunk = lessons.log.chunks[erased[0]]
    kept = tuple(event for event in chunk.events if event["event_id"] != "e0002")
    lessons.log.chunks[erased[0]] = Chunk(chunk.workspace, chunk.hour, chunk.shard, chunk.key, kept)
    gone = next(key for key, chunk in lessons.log.chunks.items() if chunk.events[0]["event_id"] == expired)
    del lessons.log.chunks[gone]
    page = lessons.page()
    assert [(event["seq"], event["event_id"]) for event in page.events] == [(1, "e0001"), (2, "e0003"), (3, "e0005")]
    assert page.gaps == [(2, 2), (4, 4)]
    assert [len(lessons.page(1, None).events), len(lessons.walk(1)[0])] == [1, 3]


def test_an_event_of_another_session_in_the_same_chunk_is_not_shown() -> None:
    lessons = Lessons()
    lessons.send([joined(1), joined(2, session="s2"), {**joined(3), "type": "other"}])
    assert [event["event_id"] for event in lessons.page().events] == ["e0001"]
    assert [event["event_id"] for event in lessons.page(session="s2").events] == ["e0002"]


def test_a_session_that_nothing_is_known_of_is_empty() -> None:
    page = Lessons().page(session="never seen")
    assert (page.events, page.gaps, page.more_gaps, page.next_cursor) == ([], [], False, None)


def test_a_workspace_without_declared_timelines_has_none_and_indexes_nothing() -> None:
    lessons = Lessons(Workspace("demo", dashboards=("plain", "gone")))
    lessons.send([joined(1)])
    assert not lessons.index.items
    with pytest.raises(UnknownDashboard) as refused:
        lessons.page()
    assert refused.value.code == "no_timelines"


def test_chunks_of_a_workspace_that_is_gone_are_not_indexed() -> None:
    lessons = Lessons()
    (logged,) = lessons.send([joined(1)])
    lessons.index.items.clear()
    elsewhere = Chunk("elsewhere", logged.chunk.hour, 0, logged.chunk.key, logged.chunk.events)
    lessons.redeliver([LoggedChunk(elsewhere, logged.received_at, 99)])
    assert not lessons.index.items


def test_a_cursor_of_another_session_is_refused() -> None:
    lessons = Lessons()
    lessons.send([joined(1), joined(2)])
    cursor = lessons.page(1).next_cursor
    with pytest.raises(InvalidRequest) as refused:
        lessons.page(1, cursor, session="s2")
    assert refused.value.code == "invalid_cursor"
