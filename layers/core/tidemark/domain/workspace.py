"""The settings of a workspace: its days, what it shows, and how long it keeps what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tidemark.domain.hours import day_of

DEFAULT_RECOVERY_HOURS = 24
DEFAULT_BATCH_EVENTS = 100
DEFAULT_BATCH_SECONDS = 600
MAX_BATCH_EVENTS = 1000
"""A batch is one item, of up to 24 bytes an event."""
CANARY = "tidemark-canary"
OPERATIONS = "operations"
NEVER_ANALYSED = frozenset({CANARY, OPERATIONS})
"""Tidemark's own: what the health check sends, and what it does itself, which would lead to more of the same."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The settings of one workspace.

    `shards` lists (first hour as Unix seconds, number of shards), ascending; the last entry not after an hour holds
    for it. A district has `members`: the workspaces whose hours it may read together.

    Events are in the log for `retention_days`. Cells are kept for `history_days` before the present one, None for ever,
    but for those of days before `history_from` (a date, or empty), which an earlier setting has ended. By its position
    a client recovers for `recovery_hours`. `calendar` counts the changes of the timezone. After a change to one with
    other hours, at `moved_at` (Unix seconds), a part of the log is filed by the hours of `former_timezone`, until the
    operator's command has filed all of it anew and takes both away.

    Its events are analysed in batches of `batch_events`, not at all if that is 0; a batch that does not fill is sealed
    `batch_seconds` after it was opened. Events of local days before `analysed_from` (a date, or empty) are not: history
    that is imported tells nothing that is new.
    """

    workspace: str
    name: str = ""
    timezone: str = "UTC"
    dashboards: tuple[str, ...] = ("web", "meetings", "lifecycle")
    shards: tuple[tuple[int, int], ...] = ((0, 1),)
    retention_days: int = 30
    created_at: str = ""
    members: tuple[str, ...] = ()
    history_days: int | None = None
    history_from: str = ""
    recovery_hours: int = DEFAULT_RECOVERY_HOURS
    calendar: int = 0
    former_timezone: str = ""
    moved_at: int = 0
    batch_events: int = DEFAULT_BATCH_EVENTS
    batch_seconds: int = DEFAULT_BATCH_SECONDS
    analysed_from: str = ""

    @property
    def is_analysed(self) -> bool:
        """Whether its events are batched and analysed."""
        return self.batch_events > 0 and self.workspace not in NEVER_ANALYSED

    def analyses(self, hour: str) -> bool:
        """Answer whether the events of an hour are batched and analysed."""
        return self.is_analysed and (
            not self.analysed_from or day_of(hour, self.timezone) >= date.fromisoformat(self.analysed_from)
        )

    def today(self, now: datetime) -> date:
        """Return the local day of an aware time."""
        return now.astimezone(ZoneInfo(self.timezone)).date()

    def kept_from(self, now: datetime) -> date:
        """Return the first local day of which there is history; what was before is gone, or about to go."""
        ended = date.fromisoformat(self.history_from) if self.history_from else date.min
        return ended if self.history_days is None else max(ended, self.today(now) - timedelta(days=self.history_days))

    def has_ended(self, hour: str, now: datetime) -> bool:
        """Answer whether an hour is of a day of which there is no history any more."""
        return day_of(hour, self.timezone) < self.kept_from(now)

    def shards_at(self, hour_seconds: int) -> int:
        """Return the number of shards of the hour that starts at `hour_seconds`."""
        return next((count for start, count in reversed(self.shards) if start <= hour_seconds), 1)
