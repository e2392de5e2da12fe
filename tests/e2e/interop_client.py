"""A viewer written from docs/protocol.md alone: Python's standard library and `websockets`, nothing of this project.

    python interop_client.py HTTP_URL TOKEN VIEW

It follows the view and takes its user's messages. Commands come on standard input, one a line; each is answered by one
line of JSON:

``check``
    Reconcile, and say what is held.
``leave``, ``return``
    Close the connection, and come back by the position.
``lose``
    Ignore the next delta, as if it had got lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import traceback
import urllib.request
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

import websockets

Message = dict[str, Any]
PATIENCE_SECONDS = 60.0


def canonical(value: Any) -> str:
    """Return the RFC 8785 form of a JSON value."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def number(value: float) -> str:
    """Return a number as ECMAScript writes it: its shortest digits, placed by the rules of Number::toString."""
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(digits) - len(fraction) + int(exponent or 0)
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1:+d}"


def checksum(value: Any) -> str:
    """Return the SHA-256 of the canonical form."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def merged(target: Any, patch: Any) -> Any:
    """Return what an RFC 7396 merge patch makes of a value."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def ticket(http_url: str, token: str) -> Message:
    """Exchange the token for a ticket."""
    request = urllib.request.Request(f"{http_url}/v1/ticket", b"", {"Authorization": f"Bearer {token}"}, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
        body: Message = json.load(answer)
    return body


class View:
    """What is held of a view, by the rules under "How a client stays exact"."""

    def __init__(self) -> None:
        self.sections: Message = {}
        self.sums: dict[str, str] = {}
        self.position: Message = {}

    def install(self, head: Message, came: Message) -> None:
        """Take a `snapshot` or a `reconciled` with the sections that came with it."""
        named = head["checksums"]
        if head["type"] == "reconciled" and set(named) == {"full"}:
            assert not came
        else:
            known = {**self.sections, **came}
            self.sections = {name: known[name] for name in named if name != "full"}
            self.sums = {name: checksum(data) for name, data in self.sections.items()}
            assert self.sums == {name: value for name, value in named.items() if name != "full"}, "a wrong checksum"
        assert checksum(self.sums) == named["full"], "a wrong full"
        self.position = head["position"]

    def take(self, delta: Message) -> str:
        """Apply a delta: `applied`, `known`, or `gap` if something was missed."""
        if delta["epoch"] == self.position["epoch"] and delta["seq"] <= self.position["seq"]:
            return "known"
        if delta["epoch"] != self.position["epoch"] or delta["base"] > self.position["seq"]:
            return "gap"
        sections = merged(self.sections, delta["patch"])
        sums = {name: checksum(data) if name in delta["patch"] else self.sums[name] for name, data in sections.items()}
        if checksum(sums) != delta["checksums"]["full"]:
            return "gap"
        self.sections, self.sums = sections, sums
        self.position = {"epoch": delta["epoch"], "seq": delta["seq"]}
        return "applied"


class Client:
    """One viewer, over one connection after the other."""

    def __init__(self, http_url: str, token: str, view: Message) -> None:
        self.http_url = http_url
        self.token = token
        self.view = view
        self.held = View()
        self.said: Message = {"applied": 0, "lost": 0, "gaps": 0, "verdicts": [], "recovered": [], "messages": []}
        self._ids = 0
        self._answers: dict[str, asyncio.Queue[Message]] = {}
        self._deltas: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._came: asyncio.Queue[Message] = asyncio.Queue()
        self._busy = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._is_losing = False

    async def connect(self) -> None:
        opened = await asyncio.to_thread(ticket, self.http_url, self.token)
        address = f"{opened['websocket_url']}?token={opened['ticket']}"
        self._socket = await websockets.connect(address, open_timeout=PATIENCE_SECONDS, proxy=None)
        self._tasks = [asyncio.create_task(work()) for work in (self._read, self._follow, self._acknowledge)]
        for task in self._tasks:
            task.add_done_callback(ended)
        self._deltas.clear()
        if not self.held.position:
            async with self._busy:
                self.held.install(*await self._whole("bootstrap"))
        async with self._busy:
            await self._subscribe()
        answer = await self._ask("listen")
        assert answer["type"] == "listening"

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()

    def lose(self) -> None:
        self._is_losing = True

    async def check(self) -> Message:
        """Reconcile, and return what is held."""
        async with self._busy:
            await self._reconcile()
        full = checksum(self.held.sums)
        return {**self.said, "position": self.held.position, "checksums": {**self.held.sums, "full": full}}

    async def _subscribe(self) -> None:
        answer = await self._ask("subscribe", view=self.view, position=self.held.position)
        self.said["recovered"].append(answer["recovered"])
        if not answer["recovered"]:
            await self._reconcile()
            return
        target = answer["position"]
        while self.held.position["seq"] < target["seq"]:
            while not self._deltas:
                self._arrived.clear()
                await asyncio.wait_for(self._arrived.wait(), PATIENCE_SECONDS)
            if self._apply(self._deltas.popleft()) == "gap":
                await self._reconcile()
                return
        if self.held.position == target and checksum(self.held.sums) != answer["checksums"]["full"]:
            await self._reconcile()

    async def _reconcile(self) -> None:
        head, came = await self._whole("reconcile", position=self.held.position)
        self.said["verdicts"].append(head["verdict"])
        self.held.install(head, came)
        if not head["subscribed"]:
            await self._subscribe()

    async def _whole(self, action: str, **fields: Any) -> tuple[Message, Message]:
        """Return the head and the sections of the answer to `bootstrap` or `reconcile`."""
        messages = self._asking(action, view=self.view, have=self.held.sums, **fields)
        head = await anext(messages)
        parts: dict[str, dict[int, Any]] = {name: {} for name in head["sections"]}
        came: Message = {}
        while len(came) < len(parts):
            message = await anext(messages)
            found = parts[message["section"]]
            found[message["part"]] = message["data"]
            if len(found) == message["parts"]:
                joined = [found[number] for number in range(message["parts"])]
                came[message["section"]] = joined[0] if len(joined) == 1 else json.loads("".join(joined))
        await messages.aclose()
        return head, came

    async def _ask(self, action: str, **fields: Any) -> Message:
        messages = self._asking(action, **fields)
        try:
            return await anext(messages)
        finally:
            await messages.aclose()

    async def _asking(self, action: str, **fields: Any) -> AsyncGenerator[Message, None]:
        """Send a request and yield what answers it."""
        self._ids += 1
        own = str(self._ids)
        queue = self._answers[own] = asyncio.Queue()
        try:
            await self._socket.send(json.dumps({"action": action, "id": own, **fields}))
            while True:
                message = await asyncio.wait_for(queue.get(), PATIENCE_SECONDS)
                assert message["type"] != "error", message
                yield message
        finally:
            del self._answers[own]

    async def _read(self) -> None:
        async for frame in self._socket:
            message = json.loads(frame)
            if message.get("id") in self._answers:
                self._answers[message["id"]].put_nowait(message)
            elif message.get("type") == "delta":
                if message["view"] == self.view:
                    self._deltas.append(message)
                    self._arrived.set()
            elif message.get("type") == "message":
                self._came.put_nowait(message)

    async def _follow(self) -> None:
        while True:
            await self._arrived.wait()
            async with self._busy:  # while a reconcile is under way, deltas wait
                while self._deltas:
                    if self._apply(self._deltas.popleft()) == "gap":
                        self.said["gaps"] += 1
                        await self._reconcile()
                self._arrived.clear()

    def _apply(self, delta: Message) -> str:
        if self._is_losing:
            self._is_losing = False
            self.said["lost"] += 1
            return "lost"
        outcome = self.held.take(delta)
        self.said["applied"] += outcome == "applied"
        return outcome

    async def _acknowledge(self) -> None:
        while True:
            message = await self._came.get()
            if message["message_id"] not in self.said["messages"]:
                self.said["messages"].append(message["message_id"])
            await self._ask("acknowledge", messages=[message["message_id"]])


async def main(http_url: str, token: str, view: str) -> None:
    """Do what standard input says until it ends."""
    client = Client(http_url, token, json.loads(view))
    await client.connect()
    say(client.held.position)
    while command := (await asyncio.to_thread(sys.stdin.readline)).strip():
        match command:
            case "check":
                say(await client.check())
            case "leave":
                await client.leave()
                say(client.held.position)
            case "return":
                await client.connect()
                say(client.held.position)
            case "lose":
                client.lose()
                say({})
    await client.leave()


def ended(task: asyncio.Task[None]) -> None:
    """End the program with the error of a task that has failed."""
    if not task.cancelled() and (error := task.exception()) is not None:
        traceback.print_exception(error)
        os._exit(1)


def say(answer: Message) -> None:
    """Answer a command."""
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
