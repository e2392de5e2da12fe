"""A gentle flow of new events, as if visitors were there at this moment. It outlasts any failure of the backend."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

from local.errors import LocalError
from local.outputs import Outputs
from local.sender import Sender
from local.traffic import (
    Event,
    meeting_completed,
    session,
    task_completed,
    task_created,
    timestamp,
    visitor_of,
)

EVENTS_PER_SECOND = 2.0
WAVE = timedelta(minutes=3)
"""The rate swells and ebbs between half and one and a half times the average."""
TEAM_SHARE = 0.02
PATIENCE_SECONDS = 10.0
OPEN_VISITS = 12


class Site:
    """Who is on the site, and what the team does; makes the events of this moment."""

    def __init__(self, rng: random.Random, run: str) -> None:
        self._rng = rng
        self._run = run
        self._numbers = count()
        self._visits: list[list[Event]] = []
        self._open_tasks: list[tuple[str, str]] = []

    def page_view(self, now: datetime) -> Event:
        """Return the next page view of someone, which happens now."""
        if len(self._visits) < OPEN_VISITS:
            number = next(self._numbers)
            visitor = visitor_of(self._rng, f"{self._run}-{number}")
            self._visits.append(list(session(self._rng, now, visitor, f"s-{self._run}-{number}")))
        visit = self._rng.choice(self._visits)
        view = visit.pop(0)
        if not visit:
            self._visits.remove(visit)
        return {**view, "timestamp": timestamp(now)}

    def team_event(self, now: datetime) -> Event:
        """Return a meeting that has just ended, or a task that began or ended."""
        number = next(self._numbers)
        chance = self._rng.random()
        if self._open_tasks and chance < 0.3:
            task_id, priority = self._open_tasks.pop(0)
            return task_completed(self._rng, now, task_id, priority)
        if chance < 0.6:
            task_id, priority = f"t-{self._run}-{number}", self._rng.choice(("high", "medium"))
            self._open_tasks.append((task_id, priority))
            return task_created(self._rng, now, task_id, f"m-{self._run}-{number}", priority)
        return meeting_completed(self._rng, now, f"m-{self._run}-{number}")


def flow(outputs: Outputs, stop: threading.Event, report: Callable[[str], None]) -> None:
    """Send events, one to three a second, until `stop` is set; say when the backend fails and when it is back."""
    rng = random.Random()  # noqa: S311  # traffic, not secrets
    started = datetime.now(UTC)
    site = Site(rng, f"{started:%y%m%d%H%M%S}")
    failing = False
    with Sender(outputs, PATIENCE_SECONDS) as sender:
        while not stop.wait(rng.expovariate(rate_at(datetime.now(UTC) - started))):
            now = datetime.now(UTC)
            make = site.team_event if rng.random() < TEAM_SHARE else site.page_view
            try:
                sender.send([make(now)], stop)
            except LocalError as error:
                if not failing:
                    report(f"the live flow is interrupted: {error}")
                failing = True
                continue
            if failing:
                report("the live flow goes on")
            failing = False


def rate_at(elapsed: timedelta) -> float:
    """Return events a second: waves around the average."""
    return EVENTS_PER_SECOND * (1 + 0.5 * math.sin(2 * math.pi * (elapsed / WAVE)))
