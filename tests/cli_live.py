"""A server that speaks docs/protocol.md for one view, tickets included, as well or as badly as a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tidemark.domain.delta import diff
from tidemark.domain.snapshot import checksums_of

State = dict[str, Any]
VIEW = {"dashboard": "web", "days": 30}
STAMP = "2026-11-22T10:00:00.000Z"


class LiveServer:
    """One view: its states by sequence, its viewers, and what is to go wrong."""

    def __init__(self, state: State) -> None:
        self.epoch = "e1"
        self.states = [state]
        self.oldest_delta = 0
        """Deltas up to this sequence have expired."""
        self.viewers: set[ServerConnection] = set()
        self.connections: set[ServerConnection] = set()
        self.received: list[dict[str, Any]] = []
        self.refusal: HTTPStatus | None = None
        self.part_characters = 10_000
        self.wrong_snapshots = 0
        self.errors: list[dict[str, Any]] = []
        self.silent: set[str] = set()
        self.dies_after_subscribed = False
        self.url = ""
        self.http_url = ""
        self.addresses: list[str] = []
        """What was asked for at the WebSocket's handshake, as a log would have it."""
        self._issued = 0
        self.tickets: set[str] = set()
        """Those that were issued and not used yet."""
        self.ticket_answers: list[tuple[HTTPStatus, bytes]] = []
        """What the next requests for a ticket are answered with, instead of one."""

    @property
    def seq(self) -> int:
        return len(self.states) - 1

    def actions(self, *names: str) -> list[dict[str, Any]]:
        return [message for message in self.received if message["action"] in names]

    def delta(self, seq: int) -> dict[str, Any]:
        old, new = self.states[seq - 1], self.states[seq]
        patch, sums = diff(old, new), checksums_of(new)
        return {
            "type": "delta",
            "view": VIEW,
            "epoch": self.epoch,
            "base": seq - 1,
            "seq": seq,
            "patch": patch,
            "checksums": {"full": sums["full"]},
        }

    async def commit(self, state: State, *, push: bool = True) -> None:
        """Move the view to its next state and tell the viewers."""
        self.states.append(state)
        if push:
            await self.push(self.delta(self.seq))

    async def push(self, message: dict[str, Any]) -> None:
        for viewer in set(self.viewers):
            with suppress(ConnectionClosed):
                await viewer.send(json.dumps(message))

    async def drop(self) -> None:
        """End every connection without a farewell."""
        dropped = set(self.connections)
        for connection in dropped:
            connection.transport.abort()
        while dropped & self.connections:
            await asyncio.sleep(0.005)

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Drop every connection, and let nobody in meanwhile."""
        self.refusal = HTTPStatus.SERVICE_UNAVAILABLE
        await self.drop()
        yield
        self.refusal = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        async with (
            serve(self._serve, "127.0.0.1", 0, process_request=self._authorize) as server,
            await asyncio.start_server(self._answer_http, "127.0.0.1", 0) as http,
        ):
            self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/live"
            self.http_url = f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}"
            yield server

    def _authorize(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refusal is not None:
            return connection.respond(self.refusal, "")
        self.addresses.append(request.path)
        ticket = request.path.removeprefix("/live?token=")
        if ticket not in self.tickets:
            return connection.respond(HTTPStatus.FORBIDDEN, "")
        self.tickets.discard(ticket)
        return None

    async def _answer_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request for a ticket: the token `good` gets one, which opens one connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        status, body = HTTPStatus.UNAUTHORIZED, b'{"code":"unauthorized","message":"no"}'
        if self.ticket_answers:
            status, body = self.ticket_answers.pop(0)
        elif head[0].startswith("POST /v1/ticket ") and "authorization: bearer good" in map(str.lower, head):
            status, body = HTTPStatus.OK, json.dumps({"ticket": self.ticket(), "websocket_url": self.url}).encode()
        lines = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(lines.encode() + body)
        await writer.drain()
        writer.close()

    def ticket(self) -> str:
        """Issue a ticket."""
        self._issued += 1
        ticket = f"ticket-{self._issued}"
        self.tickets.add(ticket)
        return ticket

    async def _serve(self, connection: ServerConnection) -> None:
        self.connections.add(connection)
        try:
            async for frame in connection:
                message = json.loads(frame)
                self.received.append(message)
                for answer in self._answers(connection, message):
                    await connection.send(json.dumps({"id": message["id"], **answer}))
        except ConnectionClosed:
            pass
        finally:
            self.connections.discard(connection)
            self.viewers.discard(connection)

    def _answers(self, connection: ServerConnection, message: dict[str, Any]) -> list[dict[str, Any]]:
        action = message["action"]
        if action in self.silent:
            return []
        if self.errors:
            return [{"type": "error", **self.errors.pop(0)}]
        match action:
            case "bootstrap":
                return self._bootstrap(message.get("have", {}))
            case "reconcile":
                return self._reconcile(message.get("position"), message.get("have", {}), connection in self.viewers)
            case "subscribe":
                self.viewers.add(connection)
                return self._subscribe(message.get("position"))
            case "unsubscribe":
                self.viewers.discard(connection)
                return [{"type": "unsubscribed", "view": message["view"]}]
            case "track":
                return [{"type": "ack", "accepted": [event["event_id"] for event in message["events"]], "rejected": []}]
            case "ping":
                return [{"type": "pong"}]
        return [{"type": "error", "code": "unknown_action", "message": f"no action {action}"}]

    def _bootstrap(self, have: dict[str, str]) -> list[dict[str, Any]]:
        state = self.states[-1]
        sums = checksums_of(state)
        wanted = [name for name in state if have.get(name) != sums[name]]
        head: dict[str, Any] = {
            "type": "snapshot",
            "view": VIEW,
            "position": {"epoch": self.epoch, "seq": self.seq},
            "checksums": sums,
            "sections": wanted,
            "generated_at": STAMP,
        }
        answers = [head]
        for name in wanted:
            data = {"wrong": 1} if self.wrong_snapshots else state[name]
            text = json.dumps(data)
            cuts = [text[start : start + self.part_characters] for start in range(0, len(text), self.part_characters)]
            whole = len(cuts) == 1
            answers += [
                {"type": "section", "section": name, "part": part, "parts": len(cuts), "data": data if whole else cut}
                for part, cut in enumerate(cuts)
            ]
        self.wrong_snapshots = max(0, self.wrong_snapshots - 1)
        return answers

    def _reconcile(
        self, position: dict[str, Any] | None, have: dict[str, str], subscribed: bool
    ) -> list[dict[str, Any]]:
        head, *sections = self._bootstrap(have)
        same = have | {"full": head["checksums"]["full"]} == head["checksums"]
        verdict = "behind" if position != head["position"] else "current" if same else "diverged"
        checksums = {"full": head["checksums"]["full"]} if same else head["checksums"]
        changed: dict[str, Any] = {
            "type": "reconciled",
            "verdict": verdict,
            "subscribed": subscribed,
            "checksums": checksums,
        }
        return [head | changed, *sections]

    def _subscribe(self, position: dict[str, Any] | None) -> list[dict[str, Any]]:
        here = {"epoch": self.epoch, "seq": self.seq}
        recovered = bool(position and position["epoch"] == self.epoch and position["seq"] >= self.oldest_delta)
        answers: list[dict[str, Any]] = [
            {
                "type": "subscribed",
                "view": VIEW,
                "position": here,
                "checksums": {"full": checksums_of(self.states[-1])["full"]},
                "recovered": recovered,
            },
        ]
        if position and recovered and not self.dies_after_subscribed:
            answers += [self.delta(seq) for seq in range(position["seq"] + 1, self.seq + 1)]
        return answers
