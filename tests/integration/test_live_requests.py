"""Whatever a client sends over a socket is answered, and what is wrong with it is said by a stable code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.checks import check_viewer
from tests.support.clients import Client, Producer, RequestFailed, Viewer, raw, refusal
from tests.support.data import page, pages
from tests.support.deployed import World


@pytest.fixture
def client(world: World) -> Client:
    connected = Client(world)
    connected.connect()
    return connected


@pytest.mark.parametrize("frame", ["", "{", "[1]", '"x"', "null", '{"id":"1","action":NaN}', "[" * 5000])
def test_what_is_not_a_json_object_is_refused(client: Client, frame: str) -> None:
    answer = raw(client, frame)
    assert (answer["type"], answer["code"], answer["id"]) == ("error", "invalid_json", None)


@pytest.mark.parametrize("wrong", [None, "", 7, "x" * 65, ["1"], "\ud800"])
@pytest.mark.parametrize("action", ["ping", "bootstrap", "subscribe", "reconcile", "unsubscribe", "track", "dance"])
def test_a_message_needs_an_id(client: Client, action: str, wrong: Any) -> None:
    answer = raw(client, json.dumps({"action": action, "id": wrong}))
    assert (answer["code"], answer["field"], answer["id"]) == ("invalid_request", "id", None)


@pytest.mark.parametrize(
    "action", ["dance", "connect", "$connect", "$disconnect", "$default", "authorize", "PING", "\ud800", ""]
)
def test_an_unknown_action_is_answered(client: Client, action: str) -> None:
    assert refusal(client, action=action, id="1") == "unknown_action"


@pytest.mark.parametrize("message", [{}, {"action": None}, {"action": 7}, {"action": ["ping"]}])
def test_a_message_without_an_action_is_answered(client: Client, message: dict[str, Any]) -> None:
    assert refusal(client, id="1", **message) == "invalid_request"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "invalid_view"),
        ({"view": None}, "invalid_view"),
        ({"view": {"dashboard": "web", "days": 367}}, "invalid_view"),
        ({"view": {"dashboard": "web", "days": True}}, "invalid_view"),
        ({"view": {"dashboard": "WEB"}}, "invalid_view"),
        ({"view": {"dashboard": "web", "\ud800": 1}}, "invalid_view"),
        ({"view": {"dashboard": "nothing"}}, "unknown_dashboard"),
        ({"view": {"dashboard": "web", "to": "2026-02-30"}}, "invalid_view"),
    ],
)
@pytest.mark.parametrize("action", ["bootstrap", "subscribe", "reconcile"])
def test_a_bad_view_is_refused_by_name(client: Client, action: str, fields: dict[str, Any], code: str) -> None:
    assert refusal(client, action=action, id="1", **fields) == code


def test_other_bad_fields_are_refused(client: Client) -> None:
    live = {"dashboard": "web", "days": 2}
    assert refusal(client, action="subscribe", id="1", view={**live, "to": "2026-11-20"}) == "view_not_live"
    for position in ("x", {"epoch": 1, "seq": 1}, {"epoch": "x", "seq": -1}, {"epoch": "x", "seq": True}):
        for action in ("subscribe", "reconcile"):
            assert refusal(client, action=action, id="1", view=live, position=position) == "invalid_request"
    for have in ("x", {"kpis": 1}, {str(number): "" for number in range(65)}):
        for action in ("bootstrap", "reconcile"):
            assert refusal(client, action=action, id="1", view=live, have=have) == "invalid_request"
    for events in (None, {}, "x"):
        assert refusal(client, action="track", id="1", events=events) == "invalid_request"
    too_many = [{"type": "x"}] * 2501
    assert refusal(client, action="track", id="1", events=too_many) == "too_many_events"


def test_one_bad_event_is_rejected_and_the_rest_kept(world: World, client: Client) -> None:
    good = page(world.now)
    ack = client.request("track", "ack", events=[{"event_id": "bad"}, good])
    assert ack["accepted"] == [good["event_id"]]
    assert [(r["index"], r["event_id"], r["code"]) for r in ack["rejected"]] == [(0, "bad", "invalid_type")]


def test_a_connection_has_at_most_sixteen_views(world: World, client: Client) -> None:
    for days in range(1, 17):
        client.request("subscribe", "subscribed", view={"dashboard": "web", "days": days})
    with pytest.raises(RequestFailed, match="invalid_request"):
        client.request("subscribe", "subscribed", view={"dashboard": "web", "days": 17})


def test_a_view_with_a_fixed_end_is_bootstrapped(world: World) -> None:
    Producer(world).send(pages(world.now, 2, 26 * 60))
    world.deliver()
    viewer = Viewer(world, {"dashboard": "web", "days": 2, "to": "2026-11-21"})
    viewer.bootstrap()
    check_viewer(world, viewer)
    assert viewer.sections["kpis"]["pageviews"] == 2
