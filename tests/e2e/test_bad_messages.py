"""Whatever comes over a WebSocket is answered with an error that has a code, and the connection stays open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.e2e.deployment import PATIENCE_SECONDS
from tests.e2e.tenant import WEB, Tenant, run

KILOBYTE = 1024
FRAME_BYTES = 16 * KILOBYTE
"""API Gateway takes frames of up to 32 KB, so longer messages travel in several."""
Message = dict[str, Any]
TRACK: Message = {"action": "track", "id": "7"}
BOOT: Message = {"action": "bootstrap", "id": "7"}
SUBSCRIBE: Message = {"action": "subscribe", "id": "7"}
BAD: dict[str, tuple[Message | list[Any] | str, str, str | None]] = {
    "not JSON": ("{", "invalid_json", None),
    "nothing": ("", "invalid_json", None),
    "a list": ([], "invalid_json", None),
    "a number that JSON does not have": ('{"action":"ping","id":NaN}', "invalid_json", None),
    "no action": ({"id": "7"}, "invalid_request", "7"),
    "an action of another type": ({"action": 7, "id": "7"}, "invalid_request", "7"),
    "an unknown action": ({"action": "dance", "id": "7"}, "unknown_action", "7"),
    "the gateway's own word for opening": ({"action": "$connect", "id": "7"}, "unknown_action", "7"),
    "the gateway's own word for closing": ({"action": "$disconnect", "id": "7"}, "unknown_action", "7"),
    "the gateway's own word for the rest": ({"action": "$default", "id": "7"}, "unknown_action", "7"),
    "no id": ({"action": "ping"}, "invalid_request", None),
    "an id of another type": ({"action": "ping", "id": 7}, "invalid_request", None),
    "an id that is too long": ({"action": "ping", "id": "7" * 65}, "invalid_request", None),
    "129 KB": ({**TRACK, "events": ["x" * 129 * KILOBYTE]}, "request_too_large", None),
    "no view": (BOOT, "invalid_view", "7"),
    "a view of another type": ({**BOOT, "view": "web"}, "invalid_view", "7"),
    "a view without a dashboard": ({**BOOT, "view": {"days": 7}}, "invalid_view", "7"),
    "a view with a field too many": ({**BOOT, "view": {**WEB, "colour": "red"}}, "invalid_view", "7"),
    "no days": ({**SUBSCRIBE, "view": {**WEB, "days": 0}}, "invalid_view", "7"),
    "half a day": ({**SUBSCRIBE, "view": {**WEB, "days": 0.5}}, "invalid_view", "7"),
    "no such day": ({**BOOT, "view": {**WEB, "to": "2015-02-30"}}, "invalid_view", "7"),
    "an unknown dashboard": ({**BOOT, "view": {"dashboard": "none"}}, "unknown_dashboard", "7"),
    "an unknown dashboard to watch": ({**SUBSCRIBE, "view": {"dashboard": "none"}}, "unknown_dashboard", "7"),
    "the past as it happens": ({**SUBSCRIBE, "view": {**WEB, "to": "2015-05-21"}}, "view_not_live", "7"),
    "a have of another type": ({**BOOT, "view": WEB, "have": ["kpis"]}, "invalid_request", "7"),
    "a position of another type": ({**SUBSCRIBE, "view": WEB, "position": 7}, "invalid_request", "7"),
    "a position before the first": (
        {**SUBSCRIBE, "view": WEB, "position": {"epoch": "e", "seq": -1}},
        "invalid_request",
        "7",
    ),
    "no events": (TRACK, "invalid_request", "7"),
    "events of another type": ({**TRACK, "events": {}}, "invalid_request", "7"),
    "2,501 events": ({**TRACK, "events": [0] * 2_501}, "too_many_events", "7"),
}


def talk(tenant: Tenant, scenario: Callable[[ClientConnection], Awaitable[None]]) -> None:
    """Play a scenario on a bare connection, which answers a ping afterwards."""

    async def play() -> None:
        url = f"{tenant.deployment.stack.websocket_url}?{urlencode({'token': tenant.read_token})}"
        async with connect(url, open_timeout=PATIENCE_SECONDS) as socket:
            await scenario(socket)
            assert await ask(socket, {"action": "ping", "id": "last"}) == {"type": "pong", "id": "last"}

    run(play())


async def ask(socket: ClientConnection, message: object) -> Message:
    """Send a message in frames that API Gateway takes, and return the next one that comes."""
    text = message if isinstance(message, str) else json.dumps(message)
    frames = [text[start : start + FRAME_BYTES] for start in range(0, len(text), FRAME_BYTES)]
    await socket.send(frames if len(frames) > 1 else text)
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer: Message = json.loads(await socket.recv())
    return answer


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_with_a_code(tenant: Tenant, name: str) -> None:
    message, code, client_id = BAD[name]

    async def scenario(socket: ClientConnection) -> None:
        answer = await ask(socket, message)
        assert (answer["type"], answer["code"], answer["id"]) == ("error", code, client_id), answer
        assert answer["message"]
        assert answer["request_id"]
        assert answer["workspace_id"] == tenant.name

    talk(tenant, scenario)


def test_an_event_of_33_kb_is_rejected_and_the_others_are_kept(tenant: Tenant) -> None:
    good, large = tenant.page_view(), tenant.page_view(path="x" * 33 * KILOBYTE)

    async def scenario(socket: ClientConnection) -> None:
        answer = await ask(socket, {**TRACK, "events": [large, good]})
        assert answer["accepted"] == [good["event_id"]]
        [rejection] = answer["rejected"]
        assert (rejection["index"], rejection["event_id"]) == (0, large["event_id"])
        assert rejection["code"] == "event_too_large"

    talk(tenant, scenario)


def test_to_unsubscribe_from_what_was_not_subscribed_to_is_no_error(tenant: Tenant) -> None:
    async def scenario(socket: ClientConnection) -> None:
        answer = await ask(socket, {"action": "unsubscribe", "id": "7", "view": WEB})
        assert answer == {"type": "unsubscribed", "id": "7", "view": WEB}

    talk(tenant, scenario)
