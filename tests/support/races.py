"""Scenarios in which a guard of the invariants matters: races of processes, deaths in the middle, repetitions.

Each sets the stage, lets it happen, and checks; with every guard in its place the check holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

from tests.support import shapes
from tests.support.calls import MODES, Call, Died, Plan
from tests.support.checks import check_counted_once, check_delta_log, check_head, check_log, check_viewer
from tests.support.clients import Producer, RequestFailed, Viewer
from tests.support.data import page, pages
from tests.support.deployed import World
from tidemark.domain.views import View
from tidemark.services.watching import LEASE_SECONDS

VIEW = View("web", 2)
SETTLED = 200
"""Minutes ago: an hour that no refresh reads again."""


def calls(handler: str, operation: str, table: str = "", *, nth: int = 1) -> Callable[[Call], bool]:
    """Return the test for the n-th call of a kind; `write` stands for every operation that writes, `any` for all."""
    seen = count(1)

    def test(call: Call) -> bool:
        kind = operation in ("any", call.operation) or (operation == "write" and call.writes)
        return call.handler == handler and kind and table in call.target and next(seen) == nth

    return test


def fault(mode: str, handler: str, operation: str, table: str = "", *, nth: int = 1) -> Plan:
    """Return the plan by which a mode befalls the n-th call of a kind."""
    return Plan(handler, mode=MODES[mode], when=calls(handler, operation, table, nth=nth))


def following(world: World, number: int = 1) -> list[Viewer]:
    """Return viewers that follow the view."""
    viewers = [Viewer(world) for _ in range(number)]
    for viewer in viewers:
        viewer.follow()
    return viewers


def send_and_deliver(world: World, events: Sequence[Any]) -> None:
    Producer(world).send(events)
    world.deliver()


def fold_elsewhere(world: World, events: Sequence[Any]) -> None:
    """Send events and fold them in another process, while one runs."""
    Producer(world).send(events)
    with world.another_process("stream_fold"):
        world.fold()


def the_same_ids_with_other_content(world: World) -> None:
    send_and_deliver(world, [page(world.now, event_id="same", bytes=1)])
    send_and_deliver(world, [page(world.now, event_id="same", bytes=1000)])
    check_counted_once(world, VIEW)


def a_put_that_fails(world: World) -> None:
    with world.armed(fault("unreachable", "http_api", "PutItem", "EventsTable")):
        Producer(world).send(pages(world.now, 1))
    check_log(world)


def a_request_whose_answer_is_lost(world: World) -> None:
    with world.armed(fault("every_answer_lost", "http_api", "PutItem", "EventsTable")):
        Producer(world).send(pages(world.now, 3))
    world.poll()
    chunks = [item for pk in world.chunk_partitions for item in world.stack.items("EventsTable", pk)]
    assert len(chunks) == 1, "a repeated request did not meet its own chunk"


def two_folds_race_for_a_cell(world: World) -> None:
    send_and_deliver(world, pages(world.now, 1))
    Producer(world).send(pages(world.now, 1))
    world.meanwhile(
        calls("stream_fold", "PutItem", "CellsTable", nth=2), lambda: fold_elsewhere(world, pages(world.now, 1))
    )
    world.deliver()
    check_counted_once(world, VIEW)


def a_batch_is_delivered_again(world: World) -> None:
    Producer(world).send(pages(world.now, 2))
    records = world.fold()
    world.restart("stream_fold")
    world.stack.calls.log.clear()
    world.deliver_to("stream_fold", records)
    assert not any(call.writes for call in world.stack.calls.log), "a redelivered chunk was not a no-op"


def an_event_comes_again_in_another_chunk(world: World) -> None:
    repeated = page(world.now)
    send_and_deliver(world, [repeated, *pages(world.now, 1)])
    send_and_deliver(world, [repeated, *pages(world.now, 1)])
    check_counted_once(world, VIEW)


def a_fold_dies_between_its_writes_to_a_cell(world: World) -> None:
    Producer(world).send(pages(world.now, 1))
    with world.armed(fault("died_before", "stream_fold", "write", "CellsTable", nth=2)):
        world.fold()
    check_counted_once(world, VIEW)


def a_fold_dies_between_cell_and_view(world: World) -> None:
    following(world)
    Producer(world).send(pages(world.now, 1))
    with world.armed(fault("died_before", "stream_fold", "Query", "ConnectionsTable")):
        world.fold()
    check_head(world, VIEW)


def a_fold_runs_during_another(world: World) -> None:
    """Whichever call of the one the other comes before."""
    following(world)
    for number in count(1):
        reached = calls("stream_fold", "any", nth=number)
        Producer(world).send(pages(world.now, 1, 60))
        world.poll()
        interleaving = world.meanwhile(reached, lambda: fold_elsewhere(world, pages(world.now, 1)))
        world.deliver()
        check_head(world, VIEW)
        check_delta_log(world, VIEW)
        if not interleaving.done:
            return
        world.stack.calls.interleavings.clear()


def another_process_changes_a_settled_hour(world: World) -> None:
    following(world)
    send_and_deliver(world, pages(world.now, 1) + pages(world.now, 1, SETTLED))
    fold_elsewhere(world, pages(world.now, 1, SETTLED))
    send_and_deliver(world, pages(world.now, 1))
    check_head(world, VIEW)


def a_late_event_that_shows_nothing_races_with_a_live_one(world: World) -> None:
    """Needs a dashboard that shows only the first of a top list."""

    def view_of(path: str, minutes_ago: float = 0) -> dict[str, Any]:
        return {**page(world.now, minutes_ago=minutes_ago, path=path), "anonymous_id": "v"}

    on_their_way: list[Call] = []

    def is_the_late_commit(call: Call) -> bool:
        if call.operation == "PutItem" and call.target == "SnapshotsTable":
            on_their_way.append(call)
        return bool(on_their_way)

    def never_returns() -> None:
        raise Died

    following(world)
    send_and_deliver(world, [view_of("/first") for _ in range(9)] + [view_of("/first", SETTLED)])
    Producer(world).send([view_of("/second", SETTLED)])
    world.poll()
    late, world.fold_queue = world.fold_queue, []
    world.meanwhile(is_the_late_commit, never_returns)
    with world.another_process("stream_fold"), suppress(Died):
        world.invoke("stream_fold", shapes.stream(late))
    world.meanwhile(calls("stream_fold", "TransactWriteItems"), lambda: world.stack.calls.arrive_late(on_their_way[0]))
    send_and_deliver(world, [view_of("/first")])
    send_and_deliver(world, [view_of("/second") for _ in range(20)])
    check_head(world, VIEW)


def a_commit_dies_between_its_writes(world: World) -> None:
    following(world)
    Producer(world).send(pages(world.now, 1))
    with world.armed(fault("died_before", "stream_fold", "write", "SnapshotsTable", nth=2)):
        world.deliver()
    check_delta_log(world, VIEW)


def folds_run_during_a_subscription(world: World) -> None:
    """Whichever call of the handler they come before."""
    for number in count(1):
        viewer = Viewer(world)
        viewer.bootstrap()
        reached = calls("ws_subscribe", "any", nth=number)
        interleaving = world.meanwhile(reached, lambda: send_and_deliver(world, pages(world.now, 1)))
        world.settle(viewer)
        check_viewer(world, viewer)
        viewer.leave()
        if not interleaving.done:
            return
        world.stack.calls.interleavings.clear()


def nobody_watched_for_a_while(world: World) -> None:
    (viewer,) = following(world)
    viewer.leave()
    newcomer = Viewer(world)
    newcomer.bootstrap()
    send_and_deliver(world, pages(world.now, 2))
    newcomer.follow()
    check_viewer(world, newcomer)


def an_old_subscriber_settles_a_new_watch(world: World) -> None:
    old, new, third = (Viewer(world) for _ in range(3))
    for viewer in (old, new, third):
        viewer.bootstrap()

    def another_watch_begins() -> None:
        old.leave()  # the last one out: the watch ends
        send_and_deliver(world, pages(world.now, 1))
        assert new.connection
        unrendered = fault("died_before", "ws_subscribe", "GetItem", "SnapshotsTable")
        with world.another_process("ws_subscribe"), world.armed(unrendered):
            world.send(new.connection, {"action": "subscribe", "id": "1", "view": new.view})

    world.meanwhile(lambda call: "SET settled" in str(call.request), another_watch_begins)
    assert old.connection
    world.send(old.connection, {"action": "subscribe", "id": "2", "view": old.view})
    third.bootstrap()
    check_viewer(world, third)


def a_newcomer_arrives_while_the_last_one_leaves(world: World) -> None:
    (leaving,) = following(world)
    newcomer = Viewer(world)
    newcomer.bootstrap()
    world.meanwhile(calls("ws_unsubscribe", "DeleteItem", nth=2), newcomer.follow)
    leaving.unsubscribe()
    send_and_deliver(world, pages(world.now, 1))
    newcomer.follow()
    check_viewer(world, newcomer)


def a_slow_subscriber_renews_a_watch_at_its_end(world: World) -> None:
    viewer, newcomer = Viewer(world), Viewer(world)
    viewer.follow()
    ends = world.now + timedelta(seconds=LEASE_SECONDS)
    world.now = ends - timedelta(seconds=1)
    newcomer.bootstrap()

    def fold_just_after_the_end() -> None:
        world.now = ends + timedelta(seconds=1)
        send_and_deliver(world, pages(world.now, 1))

    world.meanwhile(calls("ws_subscribe", "write"), fold_just_after_the_end)
    newcomer.follow()
    check_viewer(world, newcomer)


def a_push_dies_while_it_drops_a_connection(world: World) -> None:
    failing, well = following(world, 2)
    assert failing.connection
    world.stack.connections.failing.add(failing.connection)
    Producer(world).send(pages(world.now, 1))
    with world.armed(fault("died_before", "stream_broadcast", "DeleteConnection")):
        world.deliver()
    world.settle(failing, well)
    check_viewer(world, failing)


def a_delta_is_missing_in_the_log(world: World) -> None:
    _, away = following(world, 2)
    away.leave()
    for _ in range(3):
        send_and_deliver(world, pages(world.now, 1))
    key = {"pk": {"S": f"{world.workspace}#{VIEW.key}"}, "sk": {"S": f"D#{3:012d}"}}
    world.stack.dynamodb.delete_item(TableName="SnapshotsTable", Key=key)
    away.connect()
    assert not away.subscribe(), "a viewer was told that it had recovered over a hole"
    away.follow()
    check_viewer(world, away)


def a_token_of_another_workspace(world: World) -> None:
    world.put_directory("WORKSPACE#other", "SETTINGS", workspace="other", dashboards=["web"])
    answer = world.http("GET", "/v1/workspaces/other/dashboards", headers={"authorization": f"Bearer {world.token()}"})
    assert answer.status == 403, "a credential opened another workspace"


def a_token_that_has_expired(world: World) -> None:
    viewer = Viewer(world, credential=world.token(lifetime=timedelta(minutes=5)))
    viewer.follow()
    world.now += timedelta(minutes=6)
    with suppress(RequestFailed):
        viewer.bootstrap()
        raise AssertionError("an expired token still reads")
