"""Messages to users over real sockets: to the thread, to the user's others, to the inbox; acknowledged and gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect

from tests.e2e.deployment import PATIENCE_SECONDS, until
from tests.e2e.tenant import Tenant, patiently, run

Message = dict[str, Any]


class Listener:
    """A bare connection of a user; what comes without an id waits in `messages`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = count(1)
        self._messages: list[Message] = []

    async def ask(self, action: str, **fields: Any) -> Message:
        """Send an action and return its answer."""
        client_id = str(next(self._ids))
        await self._socket.send(json.dumps({"action": action, "id": client_id, **fields}))
        while (answer := await self._next()).get("id") != client_id:
            self._messages.append(answer)
        return answer

    async def message(self) -> Message:
        """Return the next message to the user."""
        return self._messages.pop(0) if self._messages else await self._next()

    async def messages(self, number: int) -> list[Message]:
        """Return the next messages to the user."""
        return [await self.message() for _ in range(number)]

    async def silence(self) -> bool:
        """Answer whether nothing has come up to now."""
        await self.ask("ping")
        return not self._messages

    async def _next(self) -> Message:
        async with asyncio.timeout(PATIENCE_SECONDS):
            received: Message = json.loads(await self._socket.recv())
        return received


@asynccontextmanager
async def connected(tenant: Tenant, token: str) -> AsyncIterator[Listener]:
    """Open a connection."""
    url = f"{tenant.deployment.stack.websocket_url}?{urlencode({'token': token})}"
    async with connect(url, open_timeout=PATIENCE_SECONDS) as socket:
        yield Listener(socket)


def notify(tenant: Tenant, **body: Any) -> Message:
    """Send a message over HTTP, until it is answered for good."""
    headers = {"Authorization": f"Bearer {tenant.token('admin')}"}
    path = f"/v1/workspaces/{tenant.name}/notify"
    response = patiently(lambda: tenant.http.post(path, json=body, headers=headers))
    assert response.status_code == 200, response.text
    answer: Message = response.json()
    return answer


def test_a_message_finds_its_thread_else_the_user_else_the_inbox(tenant: Tenant) -> None:
    ada = tenant.token(user="ada")

    async def scenario() -> None:
        waiting = await asyncio.to_thread(notify, tenant, user="ada", message_id="m1", body={"n": 1})
        assert waiting == {"message_id": "m1", "delivery": "inbox", "connections": 0}
        async with (
            connected(tenant, ada) as first,
            connected(tenant, ada) as second,
            connected(tenant, tenant.token(user="bob")) as bob,
            connected(tenant, tenant.token("admin")) as admin,
        ):
            assert await bob.ask("listen") == {"type": "listening", "id": "1", "pending": 0}
            listening = {"type": "listening", "id": "1", "thread": "t1", "pending": 1}
            assert await first.ask("listen", thread="t1") == listening
            assert await second.ask("listen", thread="t2") == {**listening, "thread": "t2"}
            for listener in (first, second):
                message = await listener.message()
                assert (message["message_id"], message["seq"], message["body"]) == ("m1", 1, {"n": 1})
            sent = await admin.ask("notify", user="ada", thread="t1", message_id="m2", body={"n": 2})
            assert sent == {"type": "notified", "id": "1", "message_id": "m2", "delivery": "thread", "connections": 1}
            message = await first.message()
            assert (message["thread"], message["seq"]) == ("t1", 2)
            assert await second.silence()
            sent = await asyncio.to_thread(notify, tenant, user="ada", thread="t3", message_id="m3", body={"n": 3})
            assert (sent["delivery"], sent["connections"]) == ("user", 2)
            assert [(await listener.message())["seq"] for listener in (first, second)] == [3, 3]
            assert (await first.ask("acknowledge", messages=["m1", "m3"]))["messages"] == ["m1", "m3"]
            assert (await second.ask("acknowledge", messages=["m1"]))["messages"] == ["m1"]
            assert await bob.silence()
        async with connected(tenant, ada) as again:
            assert (await again.ask("listen"))["pending"] == 1
            assert (await again.message())["message_id"] == "m2"
            await again.ask("acknowledge", messages=["m2"])
            assert (await again.ask("listen"))["pending"] == 0

    run(scenario())


def test_what_comes_while_nobody_listens_comes_in_order_and_once(tenant: Tenant) -> None:
    for number in [*range(10), *range(10)]:
        notify(tenant, user="ada", message_id=f"m{number}", body={"n": number})

    async def scenario() -> None:
        async with connected(tenant, tenant.token(user="ada")) as ada:
            assert (await ada.ask("listen"))["pending"] == 10
            messages = await ada.messages(10)
            assert [message["body"]["n"] for message in messages] == list(range(10))
            assert [message["seq"] for message in messages] == list(range(1, 11))
            assert await ada.silence()

    run(scenario())


def test_a_connection_that_broke_is_passed_over_and_cleaned_up(tenant: Tenant) -> None:
    ada = tenant.token(user="ada")

    async def scenario() -> None:
        async with connected(tenant, ada) as left:
            await left.ask("listen", thread="t1")
        async with connected(tenant, ada) as other:
            await other.ask("listen")

            def send() -> Message:
                return notify(tenant, user="ada", thread="t1", body={})

            # A gateway that has not noticed the end yet takes a message for it, which then stays in the inbox.
            sent = await asyncio.to_thread(until, send, lambda sent: sent["delivery"] == "user")
            assert sent["connections"] == 1
            assert (await other.message())["message_id"] == sent["message_id"]

    run(scenario())
    # Each connection's end is heard of for itself, so this may take a moment.
    until(lambda: tenant.deployment.items("ConnectionsTable", f"U#{tenant.name}#"), lambda items: items == [])


def test_who_may_not_listen_or_send_is_told_so(tenant: Tenant) -> None:
    async def scenario() -> None:
        async with connected(tenant, tenant.token()) as nobody:
            for action, fields in (("listen", {}), ("acknowledge", {"messages": ["m"]}), ("notify", {"user": "ada"})):
                answer = await nobody.ask(action, **fields)
                assert (answer["type"], answer["code"]) == ("error", "forbidden"), answer

    run(scenario())


def test_deliveries_are_counted_in_the_log(tenant: Tenant) -> None:
    notify(tenant, user="ada", body={})

    def counted() -> list[Message]:
        lines = (json.loads(line) for _, line in tenant.deployment.log_lines() if line.startswith('{"_aws"'))
        return [line for line in lines if "MessagesDelivered" in line]

    lines = until(counted, bool)
    assert {line["Delivery"] for line in lines} <= {"thread", "user", "inbox"}
    [directive] = lines[0]["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == tenant.deployment.stack.name
