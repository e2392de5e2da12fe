"""Hours that have events although the agenda does not know: it was lost, or an older version never kept one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tidemark.aws.agenda import DynamoAgenda
from tidemark.aws.cells import DynamoCells
from tidemark.aws.event_log import DynamoEventLog
from tidemark.domain.closing import is_closed
from tidemark.domain.events import MAX_AHEAD
from tidemark.domain.hours import hour_seconds, hours_of_day
from tidemark.services.ports import Workspace

WORKERS = 16
FIRST_HOUR, LAST_HOUR = "1970-01-01T00:00Z", "9999-12-31T23:59Z"


def recent_hours(now: datetime, timezone: str, days: int) -> list[str]:
    """Return the hours of today and of so many days before, up to the latest that may have events.

    The fold notes an hour after its first chunk is stored, and a stream is at most a day behind.
    """
    today, latest = now.astimezone(ZoneInfo(timezone)).date(), (now + MAX_AHEAD).timestamp()
    recent = (today + timedelta(days=n) for n in range(-days, 2))
    return [hour for day in recent for hour in hours_of_day(day, timezone) if hour_seconds(hour) <= latest]


class Unnoted:
    """Finds such hours, day by day, and notes them."""

    def __init__(self, agenda: DynamoAgenda, event_log: DynamoEventLog, cells: DynamoCells) -> None:
        self._agenda = agenda
        self._event_log = event_log
        self._cells = cells

    def note(self, workspace: Workspace, first: date, last: date, now_seconds: int) -> Iterator[tuple[date, int]]:
        """Note the closed hours from `first` to `last` that have a chunk or a cell; yield each day and how many.

        An hour whose log has ended is known by its cell alone. Open hours are left to the fold, which notes them.
        """
        with ThreadPoolExecutor(WORKERS) as pool:
            for days in range((last - first).days + 1):
                day = first + timedelta(days=days)
                inside = [hour for hour in hours_of_day(day, workspace.timezone) if is_closed(hour, now_seconds)]
                if not inside:
                    return
                noted = self._agenda.hours(workspace.workspace, inside[0], inside[-1])
                found = self._with_events(workspace, [hour for hour in inside if hour not in noted], pool)
                for hour, shard in found:
                    self._agenda.note(workspace.workspace, hour, shard)
                yield day, len({hour for hour, _ in found})

    def _with_events(
        self, workspace: Workspace, hours: Sequence[str], pool: ThreadPoolExecutor
    ) -> list[tuple[str, int]]:
        keys = [(hour, shard) for hour in hours for shard in range(workspace.shards_at(hour_seconds(hour)))]
        with_cell = self._cells.existing(workspace.workspace, keys)
        unsure = [key for key in keys if key not in with_cell]
        has_chunks = pool.map(lambda key: self._event_log.has_chunks(workspace.workspace, *key), unsure)
        return sorted(with_cell | {key for key, found in zip(unsure, has_chunks, strict=True) if found})
