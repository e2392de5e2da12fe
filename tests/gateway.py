"""API Gateway's HTTP API in small: requests become the events that Lambda gets, and go through Mangum."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from mangum import Mangum


@dataclass(frozen=True)
class Answer:
    """What the gateway would send to the client; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


class Gateway:
    """Invokes the application the way API Gateway does (payload format 2.0), one request at a time."""

    def __init__(self, app: FastAPI) -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        self._handler = Mangum(app, lifespan="off")

    def close(self) -> None:
        asyncio.get_event_loop().close()
        asyncio.set_event_loop(None)

    def request(self, method: str, url: str, content: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        parts = urlsplit(url)
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": parts.path,
            "rawQueryString": parts.query,
            "headers": {name.lower(): value for name, value in {"host": "api.test", **(headers or {})}.items()},
            "requestContext": {
                "requestId": "gateway-request",
                "stage": "$default",
                "http": {"method": method, "path": parts.path, "sourceIp": "192.0.2.1"},
            },
            "body": base64.b64encode(content).decode(),
            "isBase64Encoded": True,
        }
        answer = self._handler(event, None)
        body = answer.get("body", "")
        return Answer(
            answer["statusCode"],
            answer["headers"] or {},
            base64.b64decode(body) if answer["isBase64Encoded"] else body.encode(),
        )

    def get(self, url: str, **headers: str) -> Answer:
        return self.request("GET", url, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, url: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """Post `body`: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", url, content, headers)


@contextmanager
def serving(app: FastAPI, refusals: Iterable[Answer] = ()) -> Iterator[str]:
    """Serve the application on a free port of this machine, through the gateway; yields its address.

    The first requests meet the gateway's own `refusals`, which the application never sees.
    """
    refused = iter(refusals)

    class Handler(BaseHTTPRequestHandler):
        gateway: Gateway

        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, method: str) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = next(refused, None) or self.gateway.request(method, self.path, content, dict(self.headers))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gives it
            """Keep the output of the tests clean."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:

        def serve() -> None:
            Handler.gateway = Gateway(app)
            server.serve_forever(poll_interval=0.01)
            Handler.gateway.close()

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
