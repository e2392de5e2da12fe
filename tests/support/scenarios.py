"""For every handler a scenario in which it does all that it does, for the injection to disturb.

A scenario sets the stage, acts inside `armed` (there the faults happen) and leaves with every invariant checked.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

import pytest

from tests.support.batches import AGE_SECONDS, SIZE, check_batched
from tests.support.calls import Died
from tests.support.checks import check_counted_once, check_log, check_response, check_viewer, check_world
from tests.support.clients import Client, Producer, RequestFailed, Viewer, checksums
from tests.support.data import page, pages
from tests.support.deployed import World
from tests.support.outside import forget_workspaces, last_report, left_of_the_canary, visited
from tests.support.timelines import check_timelines, in_session, told
from tests.support.users import Sender, User, check_inbox
from tidemark.services.canary import VIEW

Armed = Callable[[], AbstractContextManager[None]]
Scenario = Callable[[World, Armed], None]

SCENARIOS: dict[str, Scenario] = {}

SETTLED = 200
"""Minutes ago: an hour that no refresh reads again."""


def scenario(handler: str) -> Callable[[Scenario], Scenario]:
    """Register the scenario of a handler."""

    def register(run: Scenario) -> Scenario:
        SCENARIOS[handler] = run
        return run

    return register


def watched(world: World, number: int = 1) -> list[Viewer]:
    """Return viewers that follow the same view."""
    viewers = [Viewer(world) for _ in range(number)]
    for viewer in viewers:
        viewer.follow()
    return viewers


def ticket(world: World) -> str:
    """Exchange a token for a ticket, repeating the request until it is answered."""
    for _ in range(4):
        answer = world.http("POST", "/v1/ticket", headers={"authorization": f"Bearer {world.token()}"})
        check_response(answer)
        if answer.status == 200:
            return str(answer.json()["ticket"])
    raise AssertionError("there is no ticket")


@scenario("ws_authorize")
def authorize(world: World, armed: Armed) -> None:
    with armed():
        viewer = Viewer(world)
        viewer.connect()
        writer = Client(world, world.write_key)
        writer.connect()
    Producer(world).track(writer, pages(world.now, 2))
    check_world(world, viewer)


@scenario("ws_connect")
def connect(world: World, armed: Armed) -> None:
    with armed():
        viewer = Viewer(world)
        viewer.connect()
    viewer.follow()
    Producer(world).send(pages(world.now, 2))
    check_world(world, viewer)


@scenario("ws_disconnect")
def disconnect(world: World, armed: Armed) -> None:
    leaving, staying = watched(world, 2)
    with armed():
        leaving.leave()
    Producer(world).send(pages(world.now, 1))
    world.deliver()
    staying.drain()
    check_viewer(world, staying)
    with armed():
        staying.leave()
    Producer(world).send(pages(world.now, 1))
    check_world(world, leaving, staying)


@scenario("ws_bootstrap")
def bootstrap(world: World, armed: Armed) -> None:
    producer, viewer = Producer(world), Viewer(world)
    producer.send(pages(world.now, 2) + pages(world.now, 2, SETTLED))
    world.deliver()
    viewer.connect()
    with armed():
        viewer.bootstrap()
    check_viewer(world, viewer)
    producer.send(pages(world.now, 1))
    world.deliver()
    with armed():
        viewer.bootstrap()
    check_world(world, viewer)


@scenario("ws_subscribe")
def subscribe(world: World, armed: Armed) -> None:
    producer = Producer(world)
    first, away = Viewer(world), Viewer(world)
    first.connect()
    first.bootstrap()
    producer.send(pages(world.now, 2))  # nobody watches, so nothing is rendered
    world.deliver()
    with armed():
        first.subscribe()
    away.follow()
    away.leave()
    for _ in range(2):
        producer.send(pages(world.now, 1))
        world.deliver()
    away.connect()
    with armed():
        assert away.subscribe()
    check_world(world, first, away)


@scenario("ws_reconcile")
def reconcile(world: World, armed: Armed) -> None:
    producer = Producer(world)
    connected, diverged, idle = Viewer(world), Viewer(world), Viewer(world)
    for viewer in (connected, diverged):
        viewer.follow()
    idle.connect()
    idle.bootstrap()
    producer.send(pages(world.now, 2))
    world.fold()  # and the pushes are on their way
    with armed():
        assert connected.reconcile() == "behind"
        assert idle.reconcile() == "behind"
    assert (connected.subscribed, idle.subscribed) == (True, False)
    world.deliver()
    connected.drain()
    check_viewer(world, connected)
    check_viewer(world, idle)
    diverged.drain()
    diverged.sections["kpis"] = {"pageviews": 99}
    with armed():
        assert diverged.reconcile() == "diverged"
    check_world(world, connected, diverged, idle)


@scenario("ws_unsubscribe")
def unsubscribe(world: World, armed: Armed) -> None:
    staying, leaving = watched(world, 2)
    with armed():
        leaving.unsubscribe()
    Producer(world).send(pages(world.now, 1))
    world.deliver()
    assert leaving.drain() == [], "a delta came after `unsubscribed`"
    staying.drain()
    check_viewer(world, staying)
    with armed():
        staying.unsubscribe()
    Producer(world).send(pages(world.now, 1))
    check_world(world, staying, leaving)


@scenario("ws_track")
def track(world: World, armed: Armed) -> None:
    (viewer,) = watched(world)
    with armed():
        Producer(world).track(viewer, pages(world.now, 2) + pages(world.now, 2, SETTLED))
    check_world(world, viewer)


@scenario("ws_listen")
def listen(world: World, armed: Armed) -> None:
    sender, user = Sender(world), User(world, thread="t1")
    for _ in range(2):
        sender.notify(thread="t1")
    user.connect()
    with armed():
        user.listen()
    assert list(dict.fromkeys(user.seqs)) == [1, 2], "the inbox came out of order"
    sender.notify(thread="t1")
    check_inbox(world, sender, user)
    user.leave()
    assert sender.notify(thread="t1")["delivery"] == "inbox", "a connection that is over still listens"
    check_inbox(world, sender, user)


@scenario("ws_acknowledge")
def acknowledge(world: World, armed: Armed) -> None:
    sender, user = Sender(world), User(world)
    user.follow()
    ids = [sender.notify()["message_id"] for _ in range(3)]
    with armed():
        user.acknowledge(*ids[:2])
    user.listening = False
    user.seqs.clear()
    user.follow()
    assert user.seqs == [3], "an acknowledged message came again"
    sender.notify()
    check_inbox(world, sender, user)


@scenario("ws_notify")
def notify(world: World, armed: Armed) -> None:
    sender = Sender(world)
    sender.connect()
    users = [User(world, thread=thread) for thread in ("t1", "t1", None)]
    for user in users:
        user.follow()
    users[0].leave(told=False)
    with armed():
        sender.notify(thread="t1")
        sender.notify(thread="t2")
    check_inbox(world, sender, *users)


@scenario("ws_ping")
def ping(world: World, armed: Armed) -> None:
    client = Client(world)
    client.connect()
    with armed():
        client.request("ping", "pong")


@scenario("ws_default")
def default(world: World, armed: Armed) -> None:
    client = Client(world)
    client.connect()
    with armed(), pytest.raises(RequestFailed, match="unknown_action"):
        client.request("dance", "danced")


@scenario("http_api")
def http_api(world: World, armed: Armed) -> None:
    (viewer,) = watched(world)
    sender, user = Sender(world), User(world, thread="t1")
    user.follow()
    world.restart("http_api")
    with armed():
        seen = [in_session(page(world.now, minutes_ago=minutes), "s1") for minutes in (0, SETTLED)]
        Producer(world).send(pages(world.now, 2) + pages(world.now, 2, SETTLED) + seen)
        world.deliver()
        assert [event["event_id"] for event in told(world, "s1", limit=1)] == [seen[1]["event_id"], seen[0]["event_id"]]
        for _ in range(4):
            answer = world.http(
                "GET",
                f"/v1/workspaces/{world.workspace}/snapshot",
                query="dashboard=web&days=3",
                headers={"authorization": f"Bearer {world.token()}"},
            )
            check_response(answer)
            if answer.status == 200:
                break
        sender.post(thread="t1")
        ticketed = Viewer(world, credential=ticket(world))
    ticketed.follow()
    check_inbox(world, sender, user)
    check_world(world, viewer, ticketed)
    shown = answer.json()
    tabs = {f"tabs.{name}": tab for name, tab in shown["tabs"].items()}
    assert shown["checksums"] == checksums({"kpis": shown["kpis"], "charts": shown["charts"], **tabs})
    assert shown["kpis"]["pageviews"] == viewer.sections["kpis"]["pageviews"]


@scenario("stream_fold")
def stream_fold(world: World, armed: Armed) -> None:
    viewers = watched(world)
    producer = Producer(world)
    world.settings(batch_events=SIZE, batch_seconds=AGE_SECONDS)
    repeated = in_session(page(world.now), "s1")
    other = in_session(page(world.now), "s2")
    producer.send([repeated, *pages(world.now, 1)])
    producer.send([repeated, other, *pages(world.now, 1), in_session(page(world.now, minutes_ago=SETTLED), "s1")])
    with armed():
        records = world.fold()
    check_world(world, *viewers)
    check_timelines(world)
    check_batched(world)
    world.restart("stream_fold")
    world.deliver_to("stream_fold", [*reversed(records), *records], batch_size=4)
    check_world(world, *viewers)
    check_timelines(world)
    check_batched(world)


@scenario("stream_broadcast")
def stream_broadcast(world: World, armed: Armed) -> None:
    viewers = watched(world, 3)
    _, gone, failing = viewers
    gone.leave(told=False)
    assert failing.connection
    world.stack.connections.failing.add(failing.connection)
    Producer(world).send(pages(world.now, 1))
    world.fold()
    with armed():
        records = world.broadcast()
    world.deliver_to("stream_broadcast", records, batch_size=1)
    check_world(world, *viewers)


@scenario("cron_health")
def cron_health(world: World, armed: Armed) -> None:
    with visited(world):
        with armed(), suppress(Exception, Died):  # the schedule hears of it, and runs again
            world.invoke("cron_health", {})
        world.restart("cron_health")
        forget_workspaces(world)
        world.invoke("cron_health", {})
        report = last_report(world)
        assert [step for step in report["steps"] if step["code"] or step["skipped"]] == []
        assert left_of_the_canary(world) == {}
    world.deliver()
    check_log(world)
    check_counted_once(world, VIEW)
