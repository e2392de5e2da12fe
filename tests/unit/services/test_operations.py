"""The system's own events: stored like any other, the same when repeated, and never in the way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from tests.fakes import MemoryDirectory, MemoryEventLog
from tidemark.domain.definitions import shipped
from tidemark.domain.errors import Throttled
from tidemark.domain.fold import Fold
from tidemark.domain.operations import BATCHES_SEALED, JOBS_DEAD, SystemEvent, operations_workspace
from tidemark.domain.snapshot import frame_of, render
from tidemark.domain.views import View, window_at_hour
from tidemark.services.operations import SystemEvents

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
HOUR = "2026-11-22T10:00Z"
SEALED = SystemEvent(BATCHES_SEALED, "acme#1", {"batches": 3, "by": "age"})


class Told:
    """The events, and what was said of those that were lost."""

    def __init__(self, *, has_workspace: bool = True) -> None:
        self.log = MemoryEventLog()
        self.lost: list[tuple[list[str], str]] = []
        self.tell = SystemEvents(
            self.log, MemoryDirectory(*([operations_workspace(NOW)] if has_workspace else [])), self._lose
        )

    def _lose(self, events: Sequence[SystemEvent], reason: str) -> None:
        self.lost.append(([event.type for event in events], reason))

    def stored(self) -> list[str]:
        return sorted(event["type"] for chunk in self.log.chunks.values() for event in chunk.events)


def test_events_of_one_invocation_are_one_chunk_and_a_repetition_is_the_same() -> None:
    told = Told()
    events = [SEALED, SystemEvent(JOBS_DEAD, "acme#1", {"jobs": 1, "code": "cancelled"})]
    told.tell(events, NOW)
    told.tell(events, NOW)
    told.tell([], NOW)
    assert (len(told.log.chunks), told.stored(), told.lost) == (1, [BATCHES_SEALED, JOBS_DEAD], [])
    told.tell([SystemEvent(BATCHES_SEALED, "acme#2", {"batches": 3, "by": "age"})], NOW)
    assert len(told.stored()) == 3


def test_what_cannot_be_stored_is_told_and_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told()

    def refuse(*_: object) -> bool:
        raise Throttled("too fast")

    monkeypatch.setattr(told.log, "put", refuse)
    told.tell([SEALED], NOW)
    assert told.lost == [([BATCHES_SEALED], "too fast")]


def test_without_the_workspace_nothing_is_stored_and_that_is_told() -> None:
    told = Told(has_workspace=False)
    told.tell([SEALED], NOW)
    assert (told.stored(), [kinds for kinds, _ in told.lost]) == ([], [[BATCHES_SEALED]])


def test_the_dashboard_counts_what_the_events_say() -> None:
    dashboard, window = shipped()["operations"], window_at_hour(View("operations", 1), HOUR, "UTC", 48)
    events = [SEALED, SystemEvent(BATCHES_SEALED, "acme#2", {"batches": 4, "by": "size"})]
    cell = Fold([dashboard])([event.native(NOW) for event in events])
    sections = render(dashboard, window, frame_of(dashboard, window, [(HOUR, cell)]), {})
    assert sections["kpis"]["batches_sealed"] == 7
    assert (sections["tabs.batches"]["sealed_by_age"], sections["tabs.batches"]["sealed_by_size"]) == (3, 4)
