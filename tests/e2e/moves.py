"""A workspace that moves to a timezone with other hours, which takes two minutes, while other tests run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.e2e.console import tidemark
from tests.e2e.deployment import Deployment, until
from tests.e2e.tenant import Event, Tenant, new_tenant

ZONE = "Asia/Kolkata"
MIDNIGHT = timedelta(hours=18, minutes=30)
"""Of Kolkata, as the time of day of UTC."""
AROUND = [timedelta(seconds=seconds) for seconds in (-3600, -1801, -1799, -1, 0, 1, 1799, 1800, 3599, 3600)]
DAYS = 3
PAUSE_SECONDS = 10.0


@dataclass
class Move:
    """The workspace, what was sent to it, and what the command says when it has ended."""

    tenant: Tenant
    events: list[Event]
    said: Future[str]
    sender: Future[None]

    def command(self) -> str:
        """Move it, or find that it is there."""
        return tidemark(self.tenant, "workspace", "set", self.tenant.name, "--timezone", ZONE)

    def keep_sending(self) -> None:
        """Send events of every kind of hour until the workspace has moved."""
        while not wait_for([self.said], PAUSE_SECONDS).done:
            more = [*around(self.tenant, midnights()[0])[2:6], self.tenant.page_view()]
            self.tenant.send(more)
            self.events += more


def midnights() -> list[datetime]:
    """Return the last midnights of Kolkata, the latest first."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [today - timedelta(days=ago) + MIDNIGHT for ago in range(1, DAYS + 1)]


def around(tenant: Tenant, moment: datetime) -> list[Event]:
    """Make page views near a moment, on both sides of where hours are cut."""
    return [tenant.page_view() | {"timestamp": (moment + apart).isoformat()} for apart in AROUND]


@contextmanager
def moving(deployment: Deployment) -> Iterator[Move]:
    """Have a workspace with some days of events move, and get more meanwhile."""
    tenant = new_tenant(deployment)
    events = [event for midnight in midnights() for event in around(tenant, midnight)]
    events += [tenant.page_view() for _ in range(5)]
    tenant.send(events)
    until(lambda: tenant.kpi("pageviews"), lambda shown: shown == len(events))
    threads = ThreadPoolExecutor(2, thread_name_prefix="move")
    move = Move(tenant, events, Future(), Future())
    move.said = threads.submit(move.command)
    move.sender = threads.submit(move.keep_sending)
    try:
        yield move
    finally:
        threads.shutdown(wait=False, cancel_futures=True)  # both end with the deployment
        tenant.http.close()
