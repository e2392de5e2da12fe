"""The protocol over one WebSocket, for `tidemark watch` and for tests: docs/protocol.md as code.

::

    async with open_connection(url, ticket) as connection:
        assembly = await connection.bootstrap({"dashboard": "web", "days": 30})
        await connection.subscribe({"dashboard": "web", "days": 30}, Position.parse(assembly.head["position"]))
        delta = await connection.delta()

`tidemark_cli.ticket` gets the ticket; `tidemark_cli.follow` is what a viewer builds on both.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tidemark_cli.replica import Assembly, Message, Position

ANSWER_SECONDS = 30.0
"""API Gateway gives a route's integration 29 s."""
OPEN_SECONDS = 20.0
MAX_MESSAGE_BYTES = 1 << 20
"""Well above the 128 KB of the protocol: a server that breaks the bound shall be seen, not cut off."""
REFUSED = frozenset({401, 403})


class ServerError(Exception):
    """The server answered an action with an `error`; `code` is one of docs/protocol.md."""

    def __init__(self, code: str, message: str, field: str | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]" + (f" (request {self.request_id})" if self.request_id else "")


class RefusedError(Exception):
    """The credential was refused before the connection was made."""


class DisconnectedError(Exception):
    """There is no connection, or there is none any more; trying again may help."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The answer to `subscribe`."""

    position: Position
    recovered: bool
    full: str
    """The checksum `full` at that position."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The answer to `reconcile`, with the sections that differ."""

    assembly: Assembly
    verdict: str
    subscribed: bool


@dataclass(frozen=True, slots=True)
class Ack:
    """The answer to `track`."""

    accepted: tuple[str, ...]
    rejected: tuple[Mapping[str, Any], ...]


class Connection:
    """One WebSocket connection; make it with `open_connection`.

    Every action raises `ServerError`, or `DisconnectedError` if the connection ends or the answer does not come in
    time.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = count(1)
        self._answers: dict[str, asyncio.Queue[Message | None]] = {}
        self._deltas: asyncio.Queue[Message | None] = asyncio.Queue()
        self.received_bytes = 0

    async def bootstrap(self, view: Mapping[str, Any], have: Mapping[str, str] | None = None) -> Assembly:
        """Ask for the snapshot of a view, less the sections that `have` has by checksum."""
        action: Message = {"action": "bootstrap", "view": dict(view)}
        if have:
            action["have"] = dict(have)
        return await self._assemble(action)

    async def reconcile(
        self, view: Mapping[str, Any], position: Position | None, have: Mapping[str, str]
    ) -> Reconciled:
        """Ask where the view stands; what differs from `position` and the checksums of `have` comes with the answer."""
        action: Message = {"action": "reconcile", "view": dict(view), "have": dict(have)}
        if position is not None:
            action["position"] = position.as_dict()
        assembly = await self._assemble(action)
        return Reconciled(assembly, assembly.head["verdict"], assembly.head["subscribed"])

    async def subscribe(self, view: Mapping[str, Any], position: Position | None = None) -> Subscribed:
        """Subscribe to a view; with a position, missed deltas follow if the answer says `recovered`."""
        action: Message = {"action": "subscribe", "view": dict(view)}
        if position is not None:
            action["position"] = position.as_dict()
        answer = await self._ask(action)
        return Subscribed(Position.parse(answer["position"]), answer["recovered"], answer["checksums"]["full"])

    async def unsubscribe(self, view: Mapping[str, Any]) -> None:
        """End the subscription to a view."""
        await self._ask({"action": "unsubscribe", "view": dict(view)})

    async def track(self, events: Sequence[Mapping[str, Any]]) -> Ack:
        """Send native events; those in `accepted` are stored."""
        answer = await self._ask({"action": "track", "events": list(events)})
        return Ack(tuple(answer["accepted"]), tuple(answer["rejected"]))

    async def ping(self) -> None:
        """Keep the connection from idling."""
        await self._ask({"action": "ping"})

    async def send(self, action: Mapping[str, Any]) -> Message:
        """Send any action, with an `id` of its own, and return the first answer."""
        return await self._ask(dict(action))

    async def delta(self) -> Message:
        """Return the next delta of any subscribed view, duplicates included."""
        message = await self._deltas.get()
        if message is None:
            self._deltas.put_nowait(None)
            raise DisconnectedError("the connection has ended")
        return message

    async def close(self) -> None:
        """Close the connection."""
        await self._socket.close()

    async def _assemble(self, action: Message) -> Assembly:
        async with self._request(action) as answer:
            assembly = Assembly(await answer())
            while not assembly.complete:
                assembly.add(await answer())
        return assembly

    async def _ask(self, action: Message) -> Message:
        async with self._request(action) as answer:
            return await answer()

    @asynccontextmanager
    async def _request(self, action: Message) -> AsyncIterator[Callable[[], Awaitable[Message]]]:
        identity = str(next(self._ids))
        answers = self._answers[identity] = asyncio.Queue()
        try:
            await self._socket.send(json.dumps({**action, "id": identity}))
            yield lambda: self._answer(answers, action["action"])
        except ConnectionClosed as error:
            raise DisconnectedError(f"the connection has ended ({error})") from None
        finally:
            del self._answers[identity]

    async def _answer(self, answers: asyncio.Queue[Message | None], action: str) -> Message:
        try:
            # Not wait_for: until Python 3.12 it may swallow a cancellation that comes together with the answer.
            async with asyncio.timeout(ANSWER_SECONDS):
                message = await answers.get()
        except TimeoutError:
            raise DisconnectedError(f"no answer to {action} within {ANSWER_SECONDS} s") from None
        if message is None:
            raise DisconnectedError("the connection has ended")
        if message.get("type") == "error":
            raise ServerError(message["code"], message["message"], message.get("field"), message.get("request_id"))
        return message

    async def read(self) -> None:
        """Hand every message to whom it concerns until the connection ends; `open_connection` runs this."""
        try:
            async for frame in self._socket:
                self.received_bytes += len(frame)
                message = json.loads(frame)
                if not isinstance(message, dict):
                    break
                self._dispatch(message)
        except (ConnectionClosed, ValueError):
            pass
        finally:
            for queue in (*self._answers.values(), self._deltas):
                queue.put_nowait(None)

    def _dispatch(self, message: Message) -> None:
        if message.get("type") == "delta":
            self._deltas.put_nowait(message)
        elif "type" not in message or (message["type"] == "error" and message.get("id") is None):
            # API Gateway's own failure ({"message", "connectionId", "requestId"}), or an error that cannot name its
            # request.
            failure = {"code": "internal", "message": "no reason given", **message, "type": "error"}
            for answers in self._answers.values():
                answers.put_nowait({**failure, "request_id": message.get("requestId", message.get("request_id"))})
        elif message.get("id") in self._answers:
            self._answers[message["id"]].put_nowait(message)


@asynccontextmanager
async def open_connection(url: str, credential: str) -> AsyncIterator[Connection]:
    """Connect with a credential; raises `RefusedError` if it is not accepted, `DisconnectedError` if nobody answers."""
    try:
        socket = await connect(
            f"{url}?{urlencode({'token': credential})}",
            open_timeout=OPEN_SECONDS,
            max_size=MAX_MESSAGE_BYTES,
            # API Gateway answers the protocol's own ping; the WebSocket's is answered by its front and proves nothing.
            ping_interval=None,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        if status in REFUSED:
            raise RefusedError(f"the credential was refused (status {status})") from None
        raise DisconnectedError(f"the server answered status {status}") from None
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise DisconnectedError(f"no connection to {url}: {str(error) or type(error).__name__}") from None
    connection = Connection(socket)
    reader = asyncio.create_task(connection.read())
    try:
        yield connection
    finally:
        await socket.close()
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
