"""Fill the workspace `demo` with two months of page views and a third of a year of meetings.

The events follow from their dates (local/traffic.py), so that seeding again adds only what has happened since.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx

from local.errors import LocalError
from local.outputs import Outputs
from local.paths import LOCAL
from local.sender import Sender
from local.traffic import Event, meeting, page_views, timestamp

PAGE_DAYS = 60
MEETING_DAYS = 120
BATCH_EVENTS = 500
CONNECTIONS = 3
PATIENCE_SECONDS = 60.0
FOLD_SECONDS = 120.0
MARKER = LOCAL / "seeded.json"


def history(now: datetime) -> Iterator[Event]:
    """Yield what has happened until `now`: pages of 60 days with today, meetings of the 120 days before today."""
    today = now.date()
    for ago in range(MEETING_DAYS, 0, -1):
        yield from meeting(today - timedelta(days=ago))
    for ago in range(PAGE_DAYS - 1, -1, -1):
        yield from page_views(today - timedelta(days=ago))


def seed(outputs: Outputs, stack_id: str, now: datetime) -> int:
    """Send what this stack has not been sent yet, wait until the dashboard shows it, and return the number of events.

    `stack_id` is a name that a stack without the data does not share.
    """
    until = timestamp(now)
    past = [event for event in history(now) if event["timestamp"] <= until]
    since = seeded_until(stack_id)
    due = sorted((event for event in past if event["timestamp"] > since), key=lambda event: str(event["timestamp"]))
    batches = [due[start : start + BATCH_EVENTS] for start in range(0, len(due), BATCH_EVENTS)]
    with Sender(outputs, PATIENCE_SECONDS) as sender, ThreadPoolExecutor(CONNECTIONS) as pool:
        for _ in pool.map(sender.send, batches):
            pass
    if due:
        wait_for_pageviews(outputs, sum(event["type"] == "page" for event in past))
    MARKER.write_text(json.dumps({"stack_id": stack_id, "until": until}))
    return len(due)


def seeded_until(stack_id: str) -> str:
    """Return the time of the last event that this stack was sent; "" if it was sent none."""
    try:
        marker = json.loads(MARKER.read_text())
    except (OSError, ValueError):
        return ""
    return str(marker["until"]) if marker.get("stack_id") == stack_id else ""


def wait_for_pageviews(outputs: Outputs, expected: int) -> None:
    """Return when the dashboard shows at least so many page views; raises `LocalError` if it does not get there."""
    deadline = time.monotonic() + FOLD_SECONDS
    pageviews = 0
    while pageviews < expected:
        if time.monotonic() > deadline:
            raise LocalError(f"{expected} page views were accepted, but the dashboard shows {pageviews}")
        time.sleep(0.3)
        pageviews = shown_pageviews(outputs)


def shown_pageviews(outputs: Outputs) -> int:
    """Return the number of page views of the last 30 days as the HTTP API shows it."""
    answer = httpx.get(
        f"{outputs.http_url}/v1/workspaces/{outputs.workspace}/snapshot",
        params={"dashboard": "web", "days": PAGE_DAYS},
        headers={"authorization": f"Bearer {outputs.read_token}"},
        timeout=30,
        trust_env=False,
    )
    if answer.status_code != httpx.codes.OK:
        raise LocalError(f"the snapshot was answered {answer.status_code}: {answer.text}")
    return int(answer.json()["kpis"]["pageviews"])
