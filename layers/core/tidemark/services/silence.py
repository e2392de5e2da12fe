"""Which workspaces have fallen silent: nothing comes, though something should.

What should come is what came a week before. A workspace is expected to send when, then, the hour of this time, the one
before it and the one after it each had so many events that five minutes without any were no chance; beginnings and ends
of what people do are thereby left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tidemark.domain.closing import GRACE_SECONDS, is_day, slot_at
from tidemark.domain.hours import hour_seconds
from tidemark.services.pipeline_ports import Pipeline
from tidemark.services.ports import Directory
from tidemark.services.record import PastClosing, Record

SILENT_SECONDS = 300
EXPECTED_EVENTS = 120
"""An hour: ten in five minutes on average, so that none at all has a probability of 5e-5."""
MAX_CHECKED = 60
"""Workspaces that are looked at in one minute, in turn: a read unit each."""

_WEEK = timedelta(days=7)
_HOUR = 3600
_AROUND = (-1, 0, 1)
"""The hour before, the hour, and the one after it."""


class Silence:
    """Counts silent workspaces; only what is batched can be seen."""

    def __init__(self, directory: Directory, record: Record, pipeline: Pipeline) -> None:
        self._directory = directory
        self._record = record
        self._pipeline = pipeline
        self._known: tuple[datetime, list[str]] | None = None

    def __call__(self, workspace: str | None, now: datetime) -> int:
        """Return how many workspaces have been silent for five minutes, of all, or of the one that is named."""
        expected = self._expected(now) if workspace is None else self._expected_of(workspace, now)
        analysed = [name for name in expected if (found := self._directory.workspace(name)) and found.is_analysed]
        return sum(self._is_silent(name, now) for name in _in_turn(analysed, now))

    def _is_silent(self, workspace: str, now: datetime) -> bool:
        filled_at = self._pipeline.last_filled(workspace, now)
        return 0 < filled_at < now.timestamp() - SILENT_SECONDS

    def _expected(self, now: datetime) -> list[str]:
        """Return the workspaces that are expected to send in this quarter of an hour, read once in it."""
        quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
        if self._known is None or self._known[0] != quarter:
            closings = [each for slot in _slots(quarter) for each in self._record.closings(slot)]
            self._known = quarter, _busy(closings, quarter)
        return self._known[1]

    def _expected_of(self, workspace: str, now: datetime) -> list[str]:
        first, last = ((now - _WEEK + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%MZ") for hours in (-2, 2))
        closings = [each for slot in _slots(now) for each in self._record.closings_of(workspace, slot, first, last)]
        return _busy(closings, now)


def _slots(now: datetime) -> list[str]:
    """Return the runs in which, a week ago, the hours around this time were closed, wherever in the hour they begin."""
    begun = int((now - _WEEK).timestamp()) // _HOUR * _HOUR
    return [slot_at(begun + GRACE_SECONDS + hours * _HOUR) for hours in (0, 1, 2, 3)]


def _busy(closings: Iterable[PastClosing], now: datetime) -> list[str]:
    """Return the workspaces that had enough events in all three hours, in order."""
    ago = int((now - _WEEK).timestamp())
    busy: dict[str, set[int]] = defaultdict(set)
    for closing in closings:
        if is_day(closing.period) or closing.events < EXPECTED_EVENTS:
            continue
        begins_at = hour_seconds(closing.period)
        busy[closing.workspace] |= {place for place in _AROUND if begins_at <= ago + place * _HOUR < begins_at + _HOUR}
    return sorted(workspace for workspace, places in busy.items() if len(places) == len(_AROUND))


def _in_turn(workspaces: list[str], now: datetime) -> list[str]:
    """Return those that are looked at in this minute."""
    if len(workspaces) <= MAX_CHECKED:
        return workspaces
    first = int(now.astimezone(UTC).timestamp()) // 60 * MAX_CHECKED % len(workspaces)
    return [*workspaces[first:], *workspaces[:first]][:MAX_CHECKED]
