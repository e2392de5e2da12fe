"""What viewers cost: their sessions, and what each more of them adds to a delta."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.support.metered import MeteredWorld
from benchmarks.support.prices import Use, add
from benchmarks.support.traffic import Event
from tests.support.clients import Viewer

SESSION_HOURS = 2
"""API Gateway ends a connection after two hours."""
CHECKS_PER_HOUR = 120
"""Of a viewer to whom nothing comes: a `reconcile` every 30 seconds. One with a delta a second makes none."""
MANY = 20
DELTAS = 10
VIEWER_HOURS = 1000
SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Sessions:
    """The use of one session (connect, bootstrap, subscribe, disconnect) and of one check that all is current."""

    session: Use
    check: Use

    @classmethod
    def measure(cls, world: MeteredWorld, stays: Viewer) -> Sessions:
        """Measure a session beside `stays`, who comes first and goes on watching."""
        stays.follow()
        with_modules_loaded = Viewer(world, stays.view)
        with_modules_loaded.follow()
        with_modules_loaded.reconcile()
        with_modules_loaded.leave()
        viewer = Viewer(world, stays.view)
        with world.metering() as session:
            viewer.follow()
        with world.metering() as check:
            assert viewer.reconcile() == "current"
        with world.metering() as leaving:
            viewer.leave()
        add(session, leaving)
        return cls(session, check)

    def hour(self) -> Use:
        """Return the use of one viewer in an hour, deltas left out."""
        use: Use = {("WebSocket minutes", "viewers"): 60.0}
        add(use, self.session, 1 / SESSION_HOURS)
        return use

    def thousand_idle_hours(self) -> Use:
        """Return the use of 1,000 viewer-hours in which nothing happens."""
        use = self.hour()
        add(use, self.check, CHECKS_PER_HOUR)
        return {key: VIEWER_HOURS * quantity for key, quantity in use.items()}


def thousand_viewer_hours(world: MeteredWorld, first: Viewer, sessions: Sessions, events: Iterator[Event]) -> Use:
    """Return the use of 1,000 viewer-hours with a delta a second: what the viewers add, not what events cost anyway."""
    alone = deltas(world, events)
    others = [Viewer(world, first.view) for _ in range(MANY)]
    for viewer in others:
        viewer.follow()
    together = deltas(world, events)
    use: Use = {}
    per_delta_and_viewer = 1 / (DELTAS * MANY)
    times = VIEWER_HOURS * SECONDS * per_delta_and_viewer
    add(use, together, times)
    add(use, alone, -times)
    add(use, sessions.hour(), VIEWER_HOURS)
    return use


def deltas(world: MeteredWorld, events: Iterator[Event]) -> Use:
    """Return the use of pushing some deltas to all who watch."""
    use: Use = {}
    for _ in range(DELTAS):
        world.now += timedelta(seconds=1)
        world.post_events([stamped(next(events), world.now)])
        world.fold()
        with world.metering() as pushed:
            world.broadcast()
        add(use, pushed)
    return use


def stamped(event: Mapping[str, object], at: datetime) -> Event:
    """Return an event that happens at another time."""
    return {**event, "timestamp": at.isoformat()}
