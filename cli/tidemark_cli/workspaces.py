"""The settings of a workspace, checked before they are stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidemark.domain.workspace import (
    DEFAULT_BATCH_EVENTS,
    DEFAULT_BATCH_SECONDS,
    DEFAULT_RECOVERY_HOURS,
    MAX_BATCH_EVENTS,
    Workspace,
)
from tidemark_cli.errors import UsageError

MAX_RETENTION_DAYS = 3650
MIN_HISTORY_DAYS, MAX_HISTORY_DAYS = 31, 36_500
"""Charts by hour look back a week, so that a view of one day must never reach the end of the history."""
MAX_RECOVERY_HOURS = 168
"""A head that nobody looks at is kept for as long (tidemark.aws.snapshots)."""

MIN_BATCH_EVENTS = 10
"""Each batch is a write of its own, one after another, and an analysis."""
MIN_BATCH_SECONDS, MAX_BATCH_SECONDS = 10, 86_400

_WORKSPACE = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


def new_workspace(
    workspace: str,
    *,
    name: str = "",
    timezone: str,
    dashboards: Sequence[str],
    retention_days: int,
    now: datetime,
    members: Sequence[str] = (),
    history_days: int | None = None,
    recovery_hours: int = DEFAULT_RECOVERY_HOURS,
    batch_events: int = DEFAULT_BATCH_EVENTS,
    batch_seconds: int = DEFAULT_BATCH_SECONDS,
    analysed_from: str = "",
) -> Workspace:
    """Return checked settings for a workspace; raises `UsageError` that says what may be given instead."""
    if not _WORKSPACE.fullmatch(workspace):
        raise UsageError(
            f"{workspace!r} is not a workspace id",
            "2 to 63 lower-case letters, digits and hyphens, not starting with a hyphen",
        )
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"{timezone!r} is not a timezone", "use an IANA name like Europe/Berlin or UTC") from None
    shipped = shipped_dashboards()
    unknown = [dashboard for dashboard in dashboards if dashboard not in shipped]
    if unknown or not dashboards:
        raise UsageError(f"no dashboard {', '.join(unknown) or 'given'}", f"there are {', '.join(shipped)}")
    if not 1 <= retention_days <= MAX_RETENTION_DAYS:
        raise UsageError(f"{retention_days} days of retention", f"1 to {MAX_RETENTION_DAYS}")
    if history_days is not None and not max(MIN_HISTORY_DAYS, retention_days) <= history_days <= MAX_HISTORY_DAYS:
        raise UsageError(
            f"{history_days} days of history",
            f"{MIN_HISTORY_DAYS} to {MAX_HISTORY_DAYS}, not less than the days of retention; 0 keeps it for ever",
        )
    if not 1 <= recovery_hours <= MAX_RECOVERY_HOURS:
        raise UsageError(f"{recovery_hours} hours of recovery", f"1 to {MAX_RECOVERY_HOURS}")
    if batch_events and not MIN_BATCH_EVENTS <= batch_events <= MAX_BATCH_EVENTS:
        bounds = f"{MIN_BATCH_EVENTS} to {MAX_BATCH_EVENTS}; 0 turns analysis off"
        raise UsageError(f"{batch_events} events a batch", bounds)
    if not MIN_BATCH_SECONDS <= batch_seconds <= MAX_BATCH_SECONDS:
        raise UsageError(f"{batch_seconds} seconds for a batch", f"{MIN_BATCH_SECONDS} to {MAX_BATCH_SECONDS}")
    if analysed_from and not _is_day(analysed_from):
        raise UsageError(f"{analysed_from!r} is not a day", "like 2026-11-22; empty analyses the events of every day")
    return Workspace(
        workspace=workspace,
        name=name or workspace,
        timezone=timezone,
        dashboards=tuple(dict.fromkeys(dashboards)),
        retention_days=retention_days,
        created_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        members=tuple(members),
        history_days=history_days,
        recovery_hours=recovery_hours,
        batch_events=batch_events,
        batch_seconds=batch_seconds,
        analysed_from=analysed_from,
    )


def shipped_dashboards() -> list[str]:
    """Return the names of the dashboards that come with Tidemark."""
    files = resources.files("tidemark").joinpath("dashboards").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
