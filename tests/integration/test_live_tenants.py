"""What a credential opens, and that it opens nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.checks import check_world
from tests.support.clients import WEB, Client, Producer, RequestFailed, Viewer, refusal
from tests.support.connections import Refused
from tests.support.data import pages
from tests.support.deployed import World
from tests.support.stack import Stack


@pytest.mark.parametrize("credential", [None, "", "nonsense", "tmk_" + "x" * 32, "a.b.c"])
def test_a_bad_credential_opens_no_connection(world: World, credential: str | None) -> None:
    with pytest.raises(Refused) as refused:
        world.connect(credential)
    assert refused.value.status == 403


def test_a_credential_may_come_as_a_subprotocol(world: World) -> None:
    assert world.connect(world.token(), subprotocol=True)


def test_a_revoked_key_and_an_expired_token_open_no_connection(world: World) -> None:
    expired = world.token(lifetime=timedelta(minutes=1))
    world.now += timedelta(minutes=2)
    with pytest.raises(Refused):
        world.connect(expired)


def test_a_token_that_expires_ends_what_its_connection_may_do(world: World) -> None:
    viewer = Viewer(world, credential=world.token(lifetime=timedelta(minutes=10)))
    viewer.follow()
    world.now += timedelta(minutes=11)
    for action in ("bootstrap", "subscribe", "reconcile", "unsubscribe", "track", "ping", "dance"):
        assert refusal(viewer, action=action, id="1", view=viewer.view, events=[]) == "token_expired"
    Producer(world).send(pages(world.now, 1))
    world.deliver()
    assert viewer.drain() == [], "a delta came after the token had expired"


def test_a_ticket_opens_a_connection_that_lasts_as_long_as_its_token(world: World) -> None:
    token = world.token(lifetime=timedelta(minutes=10), user="ann")
    answer = world.http("POST", "/v1/ticket", headers={"authorization": f"Bearer {token}"})
    assert (answer.status, answer.json()["expires_in_seconds"]) == (200, 60)
    assert answer.json()["websocket_url"] == "ws://gateway.invalid/live"
    viewer = Viewer(world, credential=answer.json()["ticket"])
    viewer.follow()
    world.now += timedelta(minutes=9)
    Producer(world).send(pages(world.now, 1))
    check_world(world, viewer)
    world.now += timedelta(minutes=2)
    assert refusal(viewer, action="ping", id="1") == "token_expired"
    with pytest.raises(Refused) as refused:
        world.connect(viewer.credential)
    assert refused.value.status == 403


def test_a_ticket_opens_no_connection_after_its_minute(world: World) -> None:
    answer = world.http("POST", "/v1/ticket", headers={"authorization": f"Bearer {world.token()}"})
    ticket = answer.json()["ticket"]
    world.now += timedelta(seconds=59)
    assert world.connect(ticket)
    world.now += timedelta(seconds=1)
    with pytest.raises(Refused):
        world.connect(ticket)


def test_a_write_key_reads_nothing(world: World) -> None:
    client = Client(world, world.write_key)
    client.connect()
    for action in ("bootstrap", "subscribe", "reconcile"):
        with pytest.raises(RequestFailed, match="forbidden"):
            client.request(action, "", view=WEB)
    Producer(world).track(client, pages(world.now, 1))
    answer = world.http(
        "GET",
        f"/v1/workspaces/{world.workspace}/snapshot",
        query="dashboard=web",
        headers={"authorization": f"Bearer {world.write_key}"},
    )
    assert (answer.status, answer.json()["code"]) == (403, "forbidden")


def test_a_tenant_never_sees_anothers_data(stack: Stack) -> None:
    with World(stack) as ours, World(stack) as theirs:
        Producer(theirs).send(pages(theirs.now, 7))
        their_viewer, our_viewer = Viewer(theirs), Viewer(ours)
        their_viewer.follow()
        theirs.deliver()
        our_viewer.follow()
        assert our_viewer.sections["kpis"]["pageviews"] == 0
        our_viewer.position = their_viewer.position
        assert not our_viewer.subscribe(), "a position of another workspace was recovered"
        assert our_viewer.reconcile() == "behind", "a position of another workspace was taken for ours"
        assert our_viewer.sections["kpis"]["pageviews"] == 0
        Producer(theirs).send(pages(theirs.now, 3))
        theirs.deliver()
        assert not [message for message in our_viewer.drain() if message["type"] == "delta"]
        for view in ({"dashboard": f"{theirs.workspace}#web", "days": 2}, {"dashboard": "web", "workspace": "x"}):
            assert refusal(our_viewer, action="subscribe", id="1", view=view) == "invalid_view"
        Producer(ours).track(our_viewer, pages(ours.now, 2))
        check_world(ours, our_viewer)
        check_world(theirs, their_viewer)
        assert their_viewer.sections["kpis"]["pageviews"] == 10
        for route in ("snapshot", "dashboards"):
            answer = ours.http(
                "GET",
                f"/v1/workspaces/{theirs.workspace}/{route}",
                query="dashboard=web",
                headers={"authorization": f"Bearer {ours.token('admin')}"},
            )
            assert (answer.status, answer.json()["code"]) == (403, "forbidden")


def test_a_dashboard_that_the_workspace_has_not_enabled_is_unknown(stack: Stack) -> None:
    with World(stack, dashboards=["meetings"]) as world:
        client = Client(world)
        client.connect()
        for action in ("bootstrap", "subscribe", "reconcile"):
            assert refusal(client, action=action, id="1", view=WEB) == "unknown_dashboard"
