"""Which days a backfill is about: `--last 30d`, or `--from DAY --to DAY`, in the workspace's timezone."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tidemark.services.dispatch import MAX_RANGE_DAYS
from tidemark_cli.errors import UsageError

_LAST = re.compile(r"([1-9]\d{0,3})d?", re.ASCII)


def chosen_days(
    last: str | None, first_day: str | None, last_day: str | None, now: datetime, timezone: str
) -> tuple[date, date]:
    """Return the first and the last local day, both included.

    `--last 1d` is today; without `--to` the range ends today. Raises `UsageError` for a range that is not one, or has
    more than ten years.
    """
    today = now.astimezone(ZoneInfo(timezone)).date()
    if (last is None) == (first_day is None):
        raise UsageError("which days?", "give --last 30d, or --from 2026-11-01 and --to 2026-11-22")
    if last is not None:
        if last_day is not None:
            raise UsageError("--last ends today; --to belongs to --from")
        match = _LAST.fullmatch(last)
        if match is None:
            raise UsageError(f"{last!r} is not a number of days", "like 30d")
        first, end = _earlier(today, int(match[1]) - 1), today
    else:
        first, end = _day(first_day or "", "--from"), _day(last_day, "--to") if last_day is not None else today
    if first > end:
        raise UsageError(f"the range begins on {first}, after its end on {end}")
    if (end - first).days >= MAX_RANGE_DAYS:
        raise UsageError(f"the range has {(end - first).days + 1:,} days", f"{MAX_RANGE_DAYS:,} at most at once")
    return first, end


def _earlier(day: date, days: int) -> date:
    try:
        return day - timedelta(days=days)
    except OverflowError:
        raise UsageError("the range begins before the calendar does") from None


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a day", "like 2026-11-22") from None
