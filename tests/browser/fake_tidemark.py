"""A small server that serves the page and speaks docs/protocol.md from data that a test sets."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import rfc8785
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

PAGE_FOLDER = Path(__file__).parents[2] / "layers" / "core" / "tidemark" / "http" / "page"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}
TOKEN = "header.eyJ3cyI6ImRlbW8ifQ.signature"  # the payload is {"ws":"demo"}
PART_CHARACTERS = 400  # small, so that every test also sends sections in parts

Message = dict[str, Any]


def checksum(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of a value, computed as the server does."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` with an RFC 7396 merge patch applied."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


class FakeTidemark:
    """One workspace with one state per dashboard, its delta log, and a record of what clients asked.

    The page is served under a path prefix, as the local AWS does; `errors` maps an action to the error it answers.
    """

    def __init__(self, sections: Message, dashboards: list[Message]) -> None:
        self.epoch, self.seq = "e1", 17
        self.sections, self.dashboards = sections, dashboards
        self.log: list[Message] = []
        self.asked: list[Message] = []
        self.errors: dict[str, Message] = {}
        self.is_refusing = False
        self.dies_after_subscribed = False
        self._sockets: set[ServerConnection] = set()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._ws: Server = serve(self._serve, "127.0.0.1", 0, process_request=self._authorize)
        self.base = f"http://127.0.0.1:{self._http.server_port}/_aws/execute-api/abc"
        self.websocket_url = f"ws://127.0.0.1:{self._ws.socket.getsockname()[1]}/_aws/execute-api/def/live"
        self._threads = [threading.Thread(target=server.serve_forever) for server in (self._http, self._ws)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop both servers and wait for their threads."""
        self.drop_connections()
        self._http.shutdown()
        self._http.server_close()
        self._ws.shutdown()
        for thread in self._threads:
            thread.join()

    def url(self, **view: Any) -> str:
        """Return the address of the page with credentials in the fragment."""
        extra = "".join(f"&{name}={value}" for name, value in view.items())
        return f"{self.base}/dashboard#token={TOKEN}&ws={self.websocket_url}&workspace=demo{extra}"

    def requests(self, action: str) -> list[Message]:
        """Return what clients asked with an action, in order."""
        return [message for message in self.asked if message["action"] == action]

    def checksums(self) -> dict[str, str]:
        """Return the checksums of the sections as they stand."""
        sums = {name: checksum(data) for name, data in self.sections.items()}
        return sums | {"full": checksum(sums)}

    def change(self, patch: Message, *, is_sent: bool = True, is_corrupt: bool = False) -> None:
        """Commit a change as the next delta and push it, unless it shall get lost or carry a wrong checksum."""
        self.sections = merge_patch(self.sections, patch)
        self.seq += 1
        sums = self.checksums()
        self.log.append(
            {
                "type": "delta",
                "epoch": self.epoch,
                "base": self.seq - 1,
                "seq": self.seq,
                "patch": patch,
                "checksums": {name: sums[name] for name in [*patch, "full"] if name in sums},
                "generated_at": "2026-11-22T10:00:01.000Z",
            }
        )
        if is_sent:
            sent = self.log[-1] | ({"checksums": dict.fromkeys(sums, "0" * 64)} if is_corrupt else {})
            self.push(sent | {"view": {"dashboard": "web", "days": 30}})

    def push(self, message: Message) -> None:
        """Send a message to every connection."""
        for socket in list(self._sockets):
            socket.send(json.dumps(message))

    def drop_connections(self) -> None:
        """End every connection without a closing handshake, as a lost network does."""
        for socket in list(self._sockets):
            socket.socket.shutdown(2)

    def _authorize(self, connection: ServerConnection, request: Request) -> Response | None:
        token = parse_qs(urlsplit(request.path).query).get("token")
        return Response(401, "Unauthorized", Headers()) if self.is_refusing or token != [TOKEN] else None

    def _serve(self, socket: ServerConnection) -> None:
        self._sockets.add(socket)
        try:
            for frame in socket:
                message = json.loads(frame)
                self.asked.append(message)
                for answer in self._answers(message):
                    socket.send(json.dumps(answer | {"id": message["id"]}))
        except ConnectionClosed:
            pass
        finally:
            self._sockets.discard(socket)

    def _answers(self, message: Message) -> Iterator[Message]:
        action, view = message["action"], message.get("view")
        if action in self.errors:
            yield {"type": "error"} | self.errors[action]
        elif action == "bootstrap":
            yield from self._bootstrap(view, message.get("have", {}))
        elif action == "subscribe":
            position = message["position"]
            recovered = position["epoch"] == self.epoch
            yield {"type": "subscribed", "view": view, "position": self._position(), "recovered": recovered}
            for delta in self.log if recovered and not self.dies_after_subscribed else []:
                if delta["seq"] > position["seq"]:
                    self.push(delta | {"view": view})
        else:
            yield {"type": {"ping": "pong", "unsubscribe": "unsubscribed"}[action]}

    def _bootstrap(self, view: Any, have: dict[str, str]) -> Iterator[Message]:
        sums = self.checksums()
        lacking = [name for name in self.sections if have.get(name) != sums[name]]
        yield {
            "type": "snapshot",
            "workspace_id": "demo",
            "view": view,
            "position": self._position(),
            "checksums": sums,
            "sections": lacking,
            "generated_at": "2026-11-22T10:00:00.000Z",
        }
        for name in lacking:
            text = json.dumps(self.sections[name])
            parts = [text[at : at + PART_CHARACTERS] for at in range(0, len(text), PART_CHARACTERS)]
            for number, part in enumerate(parts):
                data = part if len(parts) > 1 else self.sections[name]
                yield {"type": "section", "section": name, "part": number, "parts": len(parts), "data": data}

    def _position(self) -> Message:
        return {"epoch": self.epoch, "seq": self.seq}


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, fake: FakeTidemark, *args: Any) -> None:
        self.fake = fake
        super().__init__(*args)

    def do_GET(self) -> None:
        route = self.path.removeprefix("/_aws/execute-api/abc/")
        if route == "v1/workspaces/demo/dashboards":
            refused = self.fake.is_refusing or self.headers["Authorization"] != f"Bearer {TOKEN}"
            body: Message = {"dashboards": self.fake.dashboards}
            if refused:
                body = {"code": "token_expired", "message": "The token expired at 2026-11-22T10:00:00Z"}
            return self._answer(401 if refused else 200, "application/json", json.dumps(body).encode())
        name = "index.html" if route == "dashboard" else route.removeprefix("dashboard/")
        file = PAGE_FOLDER / name
        if not file.is_file():
            return self._answer(404, "application/json", b'{"code":"not_found","message":"No such route"}')
        return self._answer(200, TYPES[file.suffix], file.read_bytes())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the test output clean."""
