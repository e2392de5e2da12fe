"""A timezone with other hours on the deployed stack: days are what they would have been had it always been so."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.e2e.console import COMMAND_SECONDS, tidemark
from tests.e2e.deployment import until
from tests.e2e.moves import DAYS, ZONE, Move
from tests.e2e.tenant import Event, Tenant, patiently

LOCAL = ZoneInfo(ZONE)


def days_of(events: list[Event]) -> dict[str, int]:
    """Count events by their day in Kolkata."""
    return dict(Counter(str(datetime.fromisoformat(event["timestamp"]).astimezone(LOCAL).date()) for event in events))


def metrics(tenant: Tenant, grain: str) -> list[dict[str, Any]]:
    """Return the periods with page views, of all days that have events."""
    first = datetime.now(LOCAL).date() - timedelta(days=DAYS + 1)
    given = {"measures": "pageviews", "from": str(first), "grain": grain}
    answer = patiently(lambda: tenant.get("metrics", **given))
    assert answer.status_code == 200, answer.text
    return [row for row in answer.json()["rows"] if row["values"]["pageviews"]]


def told_days(tenant: Tenant) -> dict[str, int]:
    """Return the days of the workspace that are not empty, as a query tells them."""
    return {row["start"][:10]: row["values"]["pageviews"] for row in metrics(tenant, "day")}


def test_after_a_move_by_half_an_hour_every_day_has_its_events_and_repeating_it_changes_nothing(move: Move) -> None:
    # GIVEN events of some days around the midnights of another timezone, and of now
    # WHEN their workspace has moved there, while more came
    said = move.said.result(COMMAND_SECONDS)
    move.sender.result(COMMAND_SECONDS)
    assert f"its log is filed by the hours of {ZONE}" in said
    tenant, events = move.tenant, move.events
    # THEN each day has what plain arithmetic counts, and hours begin where those of Kolkata do
    expected = days_of(events)
    until(lambda: told_days(tenant), lambda found: found == expected)
    hours = metrics(tenant, "hour")
    assert {row["start"][13:] for row in hours} == {":00:00+05:30"}
    assert sum(row["values"]["pageviews"] for row in hours) == len(events)
    # AND so it stays, whatever is done again
    assert "nothing to change" in move.command()
    tidemark(tenant, "backfill", tenant.name, "--last", f"{DAYS + 1}d", "--all-hours")
    assert told_days(tenant) == expected
    assert tenant.kpi("pageviews") == len(events)
