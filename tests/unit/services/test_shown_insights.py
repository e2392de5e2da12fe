"""Whenever an insight is stored and shown, between any two requests of others, the watched view has it in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from tests.support.insights import insight
from tests.support.strategies import event
from tests.support.world import Worker, World
from tidemark.domain.snapshot import checksums_of
from tidemark.domain.views import View
from tidemark.services import contention, heads

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
VIEW = View("web", 2)
MOST_REQUESTS = 40

Act = Callable[[World, Worker], None]


def subscribe(world: World, worker: Worker) -> None:
    worker.watching.subscribe(world.workspace, "ann", VIEW, None, NOW, None)


def fold(world: World, worker: Worker) -> None:
    worker.fold(world.records, NOW)


def fold_with_a_late_event(world: World, worker: Worker) -> None:
    """A settled hour changes, so the whole window is rendered."""
    late = event("late", "2026-11-21T10:00:00.000Z", "page")
    worker.fold([*world.records, *world.store([late], NOW)], NOW)


def analyse(world: World, worker: Worker) -> None:
    """Do what the worker of a job does: store the insight, then show it."""
    number = len(world.insights.stored)
    world.insights.store(f"2026-11-22T10:00Z.00.{number:06d}", insight(f"Found in {number}."))
    worker.views.refresh_insights(world.workspace, NOW)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contention, "LONGEST_PAUSE_SECONDS", 0)


def interleaved(watched: bool, act: Act, meanwhile: Act) -> Iterator[World]:
    """Yield worlds in which `meanwhile` has come before the first, the second … and the last request of `act`."""
    for at in range(1, MOST_REQUESTS):
        world = World()
        one, other = world.worker(), world.worker()
        world.connect("ann")
        world.store([event("early", "2026-11-22T10:20:00.000Z", "page")], NOW)
        if watched:
            subscribe(world, one)
        requests = 0

        def before(world: World = world, other: Worker = other, at: int = at) -> None:
            nonlocal requests
            requests += 1
            if requests == at:
                meanwhile(world, other)

        world.before = before
        act(world, one)
        world.before = lambda: None
        if requests < at:
            return
        yield world
    raise AssertionError(f"there are more than {MOST_REQUESTS} requests")


@pytest.mark.parametrize(
    ("watched", "act", "meanwhile"),
    [
        (False, subscribe, analyse),
        (True, subscribe, analyse),
        (True, fold, analyse),
        (True, fold_with_a_late_event, analyse),
        (True, analyse, fold),
        (True, analyse, fold_with_a_late_event),
        (True, analyse, analyse),
        (False, analyse, subscribe),
    ],
)
@pytest.mark.parametrize("patch_bytes", [heads.MAX_PATCH_BYTES, 500])
def test_no_insight_is_missed(
    monkeypatch: pytest.MonkeyPatch, watched: bool, act: Act, meanwhile: Act, patch_bytes: int
) -> None:
    monkeypatch.setattr(heads, "MAX_PATCH_BYTES", patch_bytes)  # with the smaller one an insight begins an epoch
    worlds = 0
    for worlds, world in enumerate(interleaved(watched, act, meanwhile), 1):
        fold(world, world.worker())
        head = world.snapshots.history["demo", VIEW][-1]
        assert head.sections["insights"].keys() == world.insights.stored.keys(), f"before request {worlds}"
        assert head.sections == world.from_the_log(VIEW, head.hour)
        assert head.checksums == checksums_of(head.sections)
    assert worlds


def test_only_what_is_watched_enabled_and_declared_is_refreshed() -> None:
    world = World()
    worker = world.worker()
    world.connect("ann")
    for view in (VIEW, View("meetings", 2)):
        worker.watching.subscribe(world.workspace, "ann", view, None, NOW, None)
    worker.views.current(world.workspace, View("web", 7), NOW)
    analyse(world, worker)
    shown = {view: len(history) for (_, view), history in world.snapshots.history.items()}
    assert shown == {VIEW: 2, View("meetings", 2): 1, View("web", 7): 1}
    delta = world.snapshots.deltas("demo", VIEW, 0, 2)[-1]
    assert delta.patch.keys() == {"insights"}


def test_what_was_found_while_nobody_watched_is_there_for_who_comes_back() -> None:
    world = World()
    worker = world.worker()
    world.connect("ann")
    subscribe(world, worker)
    world.connections.unsubscribe("ann", "demo", VIEW)
    analyse(world, worker)
    assert len(world.snapshots.history["demo", VIEW]) == 1
    subscribe(world, worker)
    assert list(world.snapshots.history["demo", VIEW][-1].sections["insights"]) == list(world.insights.stored)
