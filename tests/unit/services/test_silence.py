"""A workspace is silent when nothing comes for five minutes, though a week before there was something throughout."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from tidemark.domain.closing import GRACE_SECONDS, closes_at, slot_at
from tidemark.domain.workspace import Workspace
from tidemark.services import silence as module
from tidemark.services.record import PastClosing
from tidemark.services.silence import Silence

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
BUSY = ("2026-11-15T09:00Z", "2026-11-15T10:00Z", "2026-11-15T11:00Z")


class World:
    """What was recorded a week ago, and when each workspace last sent something."""

    def __init__(self) -> None:
        self.record: list[PastClosing] = []
        self.filled: dict[str, datetime] = {}
        self.analysed: dict[str, int] = {}
        self.looked_at: list[str] = []
        self.read = 0
        self.silence = Silence(self, self, self)  # type: ignore[arg-type]

    def closed(self, hours: Iterable[str], workspace: str = "acme", events: int = 500) -> None:
        for hour in hours:
            slot = slot_at(closes_at(hour) - GRACE_SECONDS) if "T" in hour else "2026-11-15T11"
            self.record.append(PastClosing(workspace, hour, slot, "", "final", events))

    def closings(self, slot: str) -> list[PastClosing]:
        self.read += 1
        return [each for each in self.record if each.slot == slot]

    def closings_of(self, workspace: str, slot: str, first: str, last: str) -> list[PastClosing]:
        return [each for each in self.closings(slot) if each.workspace == workspace and first <= each.period <= last]

    def workspace(self, name: str) -> Workspace:
        return Workspace(name, batch_events=self.analysed.get(name, 100))

    def last_filled(self, workspace: str, now: datetime) -> int:
        self.looked_at.append(workspace)
        return int(self.filled[workspace].timestamp()) if workspace in self.filled else 0

    def silent(self, now: datetime = NOW) -> int:
        """Return how many are silent, which is the same for all as it is one by one."""
        names = {each.workspace for each in self.record}
        of_all = self.silence(None, now)
        assert of_all == sum(self.silence(name, now) for name in names)
        return of_all


@pytest.fixture
def world() -> World:
    return World()


def test_five_minutes_without_an_event_are_silence(world: World) -> None:
    world.closed(BUSY)
    world.filled["acme"] = NOW - timedelta(minutes=5)
    assert world.silent() == 0
    world.filled["acme"] = NOW - timedelta(minutes=5, seconds=1)
    assert world.silent() == 1


@pytest.mark.parametrize("missing", BUSY)
def test_nothing_is_expected_at_the_edges_of_what_people_do(world: World, missing: str) -> None:
    world.closed([hour for hour in BUSY if hour != missing])
    world.closed([missing], events=119)
    world.closed(["2026-11-15"], events=10_000)  # a day is no hour
    world.filled["acme"] = NOW - timedelta(hours=3)
    assert world.silent() == 0


def test_hours_that_begin_at_the_half_are_found_too(world: World) -> None:
    world.closed(["2026-11-15T09:30Z", "2026-11-15T10:30Z", "2026-11-15T11:30Z"])
    world.filled["acme"] = NOW - timedelta(minutes=20)
    for minute in (31, 45, 59):
        assert world.silent(NOW.replace(minute=minute)) == 1


@pytest.mark.parametrize("minute", [0, 4, 5, 6, 59])
def test_any_minute_finds_the_hours_around_it(world: World, minute: int) -> None:
    world.closed(BUSY)
    world.filled["acme"] = NOW - timedelta(hours=2)
    assert world.silent(NOW.replace(minute=minute)) == 1
    assert world.silent(NOW.replace(minute=minute) + timedelta(hours=1)) == 0


def test_what_is_not_batched_cannot_be_seen(world: World) -> None:
    world.closed(BUSY)
    assert world.silent() == 0  # no batch yet
    world.filled["acme"] = NOW - timedelta(hours=1)
    world.analysed["acme"] = 0
    assert world.silent() == 0


def test_what_is_expected_is_read_once_a_quarter(world: World) -> None:
    for minute in range(15):
        world.silence(None, NOW.replace(minute=minute))
    assert world.read == 4
    world.silence(None, NOW.replace(minute=15))
    assert world.read == 8


def test_many_are_looked_at_in_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHECKED", 2)
    for number in range(5):
        world.closed(BUSY, f"w{number}")
    for minute in range(5):
        world.silence(None, NOW.replace(minute=minute))
    assert len(world.looked_at) == 10
    assert {world.looked_at.count(f"w{number}") for number in range(5)} == {2}
