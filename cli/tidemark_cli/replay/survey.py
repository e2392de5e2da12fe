"""What a file holds, told before anything of it is sent: by the rules with which the server will judge it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from tidemark.domain.events import InvalidEvent
from tidemark.domain.hours import hour_of, hour_seconds
from tidemark.services.ingest import native_event
from tidemark.services.ports import Workspace
from tidemark_cli.replay.plan import Plan
from tidemark_cli.replay.source import BadLineError

TELL_LINES = 1000

Refused = Callable[[int, str, str], None]
"""Is told of a line that would be refused: its number, the code, the message."""


class Agenda(Protocol):
    """Which hours have events; `tidemark.aws.agenda` knows."""

    def hours(self, workspace: str, first: str, last: str) -> list[str]:
        """Read the hours with events from `first` to `last`, both included, in order."""


class Cells(Protocol):
    """Hour cells; `tidemark.aws.cells` has them."""

    def log_ends(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Read until when (Unix seconds) the log has all that the cells of (hour, shard) count."""


@dataclass(slots=True)
class Survey:
    """The lines of a file: how many hold an event, from when to when, in which hours; and how many are refused."""

    lines: int = 0
    events: int = 0
    first: datetime | None = None
    last: datetime | None = None
    hours: set[str] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)


def survey(
    plan: Plan, workspace: Workspace, now: datetime, skip_lines: int, refused: Refused, advanced: Callable[[int], None]
) -> Survey:
    """Read the lines after the first `skip_lines` as the server will; `advanced` is told how many were read."""
    found, reader = Survey(), plan.reader()
    for place, (number, line) in enumerate(plan.items(), 1):
        if place % TELL_LINES == 0:
            advanced(place)
        try:
            raw = reader.read(line)  # also where it is skipped: the reader counts equal lines
            if place <= skip_lines:
                continue
            event = native_event(raw, None, now, timedelta(), str)
        except (BadLineError, InvalidEvent) as error:
            if place > skip_lines:
                found.lines += 1
                found.refused[error.code] += 1
                refused(number, error.code, str(error))
            continue
        instant = datetime.fromisoformat(event["timestamp"])
        found.lines += 1
        found.events += 1
        found.first, found.last = min(found.first or instant, instant), max(found.last or instant, instant)
        found.hours.add(hour_of(instant, workspace.timezone))
    return found


def ended_hours(hours: Collection[str], workspace: Workspace, agenda: Agenda, cells: Cells, now: datetime) -> list[str]:
    """Return those of `hours` that count events which the log has no longer, in order.

    Nobody knows any more which events these are: one of them that is sent again counts again.
    """
    if not hours:
        return []
    noted = [hour for hour in agenda.hours(workspace.workspace, min(hours), max(hours)) if hour in hours]
    keys = [(hour, shard) for hour in noted for shard in range(workspace.shards_at(hour_seconds(hour)))]
    ends = cells.log_ends(workspace.workspace, keys)
    return sorted({hour for (hour, _), end in ends.items() if end <= now.timestamp()})
