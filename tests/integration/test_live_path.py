"""The path from an event to every viewer, through the real handlers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from tests.support.calls import Call
from tests.support.checks import check_log, check_viewer, check_world
from tests.support.clients import Producer, Viewer
from tests.support.data import LARGE, SMALL, long_paths, pages
from tests.support.deployed import World
from tests.support.stack import Stack
from tidemark.services.broadcast import PATIENCE_SECONDS, WORKERS
from tidemark.services.watching import LEASE_SECONDS

SETTLED = 200


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)


@contextmanager
def hang(world: World, *viewers: Viewer) -> Iterator[None]:
    """Let the messages to these viewers hang within the block, and for longer than the broadcast has patience."""
    world.stack.connections.hang(viewer.connection for viewer in viewers if viewer.connection)
    try:
        yield
        time.sleep(PATIENCE_SECONDS)
    finally:
        world.stack.connections.let_go()


def writes(world: World, table: str) -> list[str]:
    return [call.operation for call in world.stack.calls.log if call.writes and table in call.target]


def test_two_viewers_are_exact_after_every_delta(world: World) -> None:
    one, other = Viewer(world), Viewer(world)
    producer = Producer(world)
    one.follow()
    other.follow()
    for minutes_ago in (0, 1, SETTLED, 70, 26 * 60, 0):
        producer.send(pages(world.now, 3, minutes_ago))
        world.deliver()
        for viewer in (one, other):
            viewer.drain()
            check_viewer(world, viewer)
    assert one.deltas == other.deltas == 6
    check_world(world, one, other)


def test_events_over_a_socket_count_like_those_over_http(world: World) -> None:
    viewer = Viewer(world)
    viewer.follow()
    events = pages(world.now, 5)
    Producer(world).track(viewer, events)
    Producer(world).send(events)
    check_world(world, viewer)
    assert viewer.sections["kpis"]["pageviews"] == 5


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Pacific/Chatham", "America/St_Johns"])
def test_the_path_is_exact_in_zones_with_odd_offsets(stack: Stack, zone: str) -> None:
    with World(stack, timezone=zone) as world:
        viewer = Viewer(world)
        viewer.follow()
        for minutes_ago in range(0, 60 * 30, 250):
            Producer(world).send(pages(world.now, 1, minutes_ago))
        check_world(world, viewer)


def test_a_view_slides_with_the_hour(world: World) -> None:
    viewer = Viewer(world)
    viewer.follow()
    for _ in range(4):
        Producer(world).send(pages(world.now, 2))
        check_world(world, viewer)
        world.now += timedelta(minutes=25)
    assert viewer.recoveries == [True]


def test_an_empty_workspace_has_a_valid_snapshot(world: World) -> None:
    viewer = Viewer(world, {"dashboard": "meetings", "days": 30})
    viewer.bootstrap()
    assert viewer.sections["kpis"]["total_meetings"] == 0
    check_viewer(world, viewer)


def test_only_the_sections_that_a_client_lacks_travel(world: World) -> None:
    viewer = Viewer(world)
    viewer.bootstrap()
    assert viewer.connection
    have = {name: value for name, value in viewer.have().items() if name != "kpis"}
    viewer.world.send(viewer.connection, {"action": "bootstrap", "id": "1", "view": viewer.view, "have": have})
    answers = viewer.drain()
    assert [answer["type"] for answer in answers] == ["snapshot", "section"]
    assert answers[0]["sections"] == ["kpis"]
    viewer.world.send(viewer.connection, {"action": "bootstrap", "id": "2", "view": viewer.view, "have": viewer.have()})
    (only,) = viewer.drain()
    assert only["sections"] == []
    assert len(json.dumps(only)) < 1024


def test_a_viewer_that_was_away_for_fifty_deltas_recovers_them_all(stack: Stack) -> None:
    with World(stack, definitions=SMALL) as world:
        staying, away = Viewer(world), Viewer(world)
        staying.follow()
        away.follow()
        away.leave()
        for _ in range(50):
            Producer(world).send(pages(world.now, 1))
            world.fold()
        away.connect()
        assert away.subscribe()
        away.drain()
        assert away.deltas == 1, "one message carries all that was missed"
        check_viewer(world, away)
        check_world(world, staying, away)


def test_a_viewer_that_was_away_for_longer_takes_what_differs_instead(stack: Stack) -> None:
    with World(stack, definitions=SMALL) as world, patch("tidemark.services.watching.MAX_RECOVERED", 3):
        staying, viewer = Viewer(world), Viewer(world)
        staying.follow()
        viewer.follow()
        viewer.leave()
        for _ in range(4):
            Producer(world).send(pages(world.now, 1))
            world.fold()
        viewer.connect()
        assert not viewer.subscribe()
        viewer.follow()
        check_viewer(world, viewer)


def test_a_hole_in_the_delta_log_is_never_recovered_over(world: World) -> None:
    staying, away = Viewer(world), Viewer(world)
    staying.follow()
    away.follow()
    away.leave()
    for _ in range(3):
        Producer(world).send(pages(world.now, 1))
        world.deliver()
    key = {"pk": {"S": f"{world.workspace}#web:2"}, "sk": {"S": f"D#{3:012d}"}}
    world.stack.dynamodb.delete_item(TableName="SnapshotsTable", Key=key)
    away.connect()
    assert not away.subscribe()
    away.follow()
    check_viewer(world, away)


@pytest.mark.parametrize("position", [{"epoch": "other", "seq": 1}, {"epoch": None, "seq": 99}])
def test_a_position_that_is_not_ours_is_not_recovered(world: World, position: dict[str, Any]) -> None:
    viewer = Viewer(world)
    viewer.follow()
    assert viewer.position
    viewer.position = {"epoch": position["epoch"] or viewer.position["epoch"], "seq": position["seq"]}
    assert not viewer.subscribe()
    viewer.follow()
    check_viewer(world, viewer)


def test_a_gone_connection_is_removed_by_the_next_push(world: World) -> None:
    staying, gone = Viewer(world), Viewer(world)
    staying.follow()
    gone.follow()
    gone.leave(told=False)
    Producer(world).send(pages(world.now, 1))
    world.deliver()
    partition = world.stack.items("ConnectionsTable", f"{world.workspace}#web:2")
    assert [item["sk"] for item in partition] == [staying.connection]
    assert world.stack.items("ConnectionsTable", f"C#{gone.connection}") == []


def test_hanging_and_failing_connections_do_not_delay_the_others(world: World) -> None:
    """Neither within a batch of deltas nor in the batches that come while a connection hangs."""
    hanging, failing, *others = viewers = [Viewer(world) for _ in range(6)]
    for viewer in viewers:
        viewer.follow()
    assert failing.connection
    Producer(world).send(pages(world.now, 1))
    world.deliver()
    world.stack.connections.failing.add(failing.connection)
    arrived = world.stack.connections.sent_at
    arrived.clear()
    with hang(world, hanging):
        for _ in range(3):
            Producer(world).send(pages(world.now, 1))
            world.deliver()
        assert hanging.connection not in arrived
        assert [len(arrived[viewer.connection or ""]) for viewer in others] == [3] * 4
        assert not failing.connected
    until(lambda: not hanging.connected)
    check_world(world, *viewers)


def test_more_hanging_connections_than_workers_do_not_delay_the_others(stack: Stack) -> None:
    with World(stack, definitions=SMALL) as world:
        hanging = [Viewer(world) for _ in range(WORKERS + 3)]
        others = [Viewer(world) for _ in range(3)]
        for viewer in (*hanging, *others):
            viewer.follow()
        arrived = world.stack.connections.sent_at
        arrived.clear()
        with hang(world, *hanging):
            Producer(world).send(pages(world.now, 1))
            world.deliver()
            assert {viewer.connection for viewer in others} == set(arrived)
        until(lambda: not any(viewer.connected for viewer in hanging))
        check_world(world, *others)


def test_deltas_that_come_together_go_as_one_message(stack: Stack) -> None:
    with World(stack, definitions=SMALL) as world:
        there, comes = Viewer(world), Viewer(world)
        there.follow()
        producer = Producer(world)
        producer.send(pages(world.now, 1))
        world.fold()
        comes.follow()  # between the first delta and the others
        for _ in range(3):
            producer.send(pages(world.now, 1))
            world.fold()
        world.broadcast()
        for viewer in (there, comes):
            assert [message["type"] for message in viewer.drain()] == ["delta"]
            check_viewer(world, viewer)
        check_world(world, there, comes)


def test_deltas_end_with_the_subscription(world: World) -> None:
    staying, leaving = Viewer(world), Viewer(world)
    staying.follow()
    leaving.follow()
    leaving.unsubscribe()
    Producer(world).send(pages(world.now, 1))
    world.deliver()
    assert leaving.drain() == []
    staying.drain()
    check_viewer(world, staying)


def test_a_view_that_nobody_watches_costs_nothing(world: World) -> None:
    Producer(world).send(pages(world.now, 3))
    world.deliver()
    assert writes(world, "SnapshotsTable") == []
    viewer = Viewer(world)
    viewer.follow()
    viewer.unsubscribe()
    world.stack.calls.log.clear()
    Producer(world).send(pages(world.now, 3))
    world.deliver()
    assert writes(world, "SnapshotsTable") == []
    check_world(world, viewer)


def test_a_view_whose_last_viewer_has_left_is_not_watched(world: World) -> None:
    viewer = Viewer(world)
    viewer.follow()
    viewer.leave()
    assert world.stack.items("ConnectionsTable", f"W#{world.workspace}") == []


def test_a_watch_that_is_over_is_rendered_anew(world: World) -> None:
    viewer = Viewer(world)
    viewer.follow()
    viewer.leave(told=False)
    world.now += timedelta(seconds=LEASE_SECONDS + 600)
    world.stack.calls.log.clear()
    Producer(world).send(pages(world.now, 2))
    world.deliver()
    assert writes(world, "SnapshotsTable") == []
    newcomer = Viewer(world)
    check_world(world, viewer, newcomer)


def test_folds_that_run_during_a_bootstrap_or_a_subscription_are_never_missed(world: World) -> None:
    """Whatever call another process folds and pushes in front of."""
    for handler in ("ws_bootstrap", "ws_subscribe"):
        for number in range(30):
            viewer = Viewer(world)
            seen: list[Call] = []

            def reached(call: Call, seen: list[Call] = seen, handler: str = handler, number: int = number) -> bool:
                if call.handler == handler:
                    seen.append(call)
                return call.handler == handler and len(seen) > number

            def fold() -> None:
                Producer(world).send(pages(world.now, 1))
                world.deliver()

            interleaving = world.meanwhile(reached, fold)
            viewer.follow()
            world.settle(viewer)
            check_viewer(world, viewer)
            viewer.leave()
            world.stack.calls.interleavings.clear()
            if not interleaving.done:
                break
        else:
            raise AssertionError("the handler makes more calls than this test follows")


def test_a_large_section_travels_in_parts_and_every_message_fits(stack: Stack) -> None:
    with World(stack, definitions=LARGE) as world:
        viewer = Viewer(world)
        viewer.follow()
        Producer(world).send(long_paths(world.now))
        world.deliver()
        viewer.drain()
        viewer.follow()
        viewer.sections = {}
        viewer.bootstrap()
        check_viewer(world, viewer)
        assert len(json.dumps(viewer.sections["tabs.overview"])) > 32 * 1024
        check_world(world, viewer)


def test_a_dashboard_that_is_disabled_while_watched_stops_no_fold(world: World) -> None:
    viewer = Viewer(world)
    viewer.follow()
    world.settings(dashboards=["meetings"])
    world.restart("stream_fold")
    Producer(world).send(pages(world.now, 1))
    world.deliver()
    check_log(world)
