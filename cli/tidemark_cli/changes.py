"""What a change of a workspace's settings means for its history."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tidemark.domain.hours import hour_of, is_cut_alike
from tidemark.services.closing_ports import Agenda
from tidemark.services.ports import Workspace

SLACK_DAYS = 3
"""Days before this many after the end of the history count as gone when it is to reach back further. Workers know the
settings from before for up to half an hour and may end one day more; and midnights of one date are 26 hours apart."""
IN_USE = timedelta(days=366)
AHEAD = timedelta(hours=2)
"""Events may be an hour ahead."""

_HOUR = timedelta(hours=1)
_FIRST, _LAST = "0000-01-01T00:00Z", "9999-12-31T23:59Z"


def changed(before: Workspace, checked: Workspace, now: datetime) -> Workspace:
    """Return the settings of `checked`, with all that follows from what was before."""
    has_moved = checked.timezone != before.timezone
    return replace(
        before,
        name=checked.name,
        timezone=checked.timezone,
        dashboards=checked.dashboards,
        retention_days=checked.retention_days,
        history_days=checked.history_days,
        history_from=_history_from(before, checked, has_moved, now),
        recovery_hours=checked.recovery_hours,
        batch_events=checked.batch_events,
        batch_seconds=checked.batch_seconds,
        analysed_from=checked.analysed_from,
        calendar=before.calendar + has_moved,
    )


def has_other_hours(before: Workspace, timezone: str, agenda: Agenda, now: datetime) -> bool:
    """Answer whether a timezone has other hours than the present one: among those with events, or in the last year.

    Cells and the log are filed by hours.
    """
    start = now - IN_USE
    around = (start + n * _HOUR for n in range((IN_USE + AHEAD) // _HOUR))
    names = [*agenda.hours(before.workspace, _FIRST, _LAST), *(hour_of(each, before.timezone) for each in around)]
    return any(not is_cut_alike(name, before.timezone, timezone) for name in names)


def _history_from(before: Workspace, checked: Workspace, has_moved: bool, now: datetime) -> str:
    """Return from which day on nothing has been ended by the settings from before."""
    if before.history_days is None:
        return before.history_from
    if not has_moved and checked.history_days is not None and checked.history_days <= before.history_days:
        return before.history_from
    return (before.kept_from(now) + timedelta(days=SLACK_DAYS)).isoformat()
