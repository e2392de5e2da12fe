"""API Gateway as clients see it, and its @connections as handlers do."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any
from urllib.parse import unquote

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.botocore_stubber import MockRawResponse

from tests.support.calls import error_response

MAX_FRAME_BYTES = 32 * 1024
MAX_MESSAGE_BYTES = 128 * 1024


class Refused(Exception):
    """The gateway has not let a connection in; `status` is what the client sees."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with {status}")
        self.status = status


@dataclass
class Response:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: str

    def json(self) -> Any:
        return json.loads(self.body)


class Connections:
    """The open connections and what was sent to each; a gone one answers 410.

    `hanging` are those to which a message takes until `let_go`; `failing` those to which none can be sent.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inboxes: dict[str, deque[dict[str, Any]]] = {}
        self.hanging: set[str] = set()
        self._let_go = Event()
        self.failing: set[str] = set()
        self.sent_at: dict[str, list[float]] = {}
        self.broken_frames: list[str] = []

    def open(self, connection: str) -> None:
        with self._lock:
            self._inboxes[connection] = deque()

    def close(self, connection: str) -> None:
        with self._lock:
            self._inboxes.pop(connection, None)

    def hang(self, connections: Iterable[str]) -> None:
        """Let every message to these connections take until `let_go`."""
        self._let_go.clear()
        self.hanging.update(connections)

    def let_go(self) -> None:
        """End what hangs."""
        self.hanging.clear()
        self._let_go.set()

    def is_open(self, connection: str | None) -> bool:
        return connection in self._inboxes

    def take(self, connection: str) -> list[dict[str, Any]]:
        """Return the messages that have arrived since the last time."""
        with self._lock:
            inbox = self._inboxes.get(connection, deque())
            messages = list(inbox)
            inbox.clear()
        return messages

    def push(self, connection: str, message: dict[str, Any]) -> None:
        """Put a message of the gateway itself."""
        with self._lock:
            if connection in self._inboxes:
                self._inboxes[connection].append(message)

    def respond(self, request: AWSPreparedRequest) -> AWSResponse:
        """Serve POST and DELETE @connections/{id}."""
        connection = unquote(str(request.url).rpartition("/")[2])
        if not self.is_open(connection):
            return error_response(request, 410, "GoneException")
        if request.method == "DELETE":
            self.close(connection)
            return AWSResponse(request.url, 204, {}, MockRawResponse(""))
        if connection in self.failing:
            return error_response(request, 500, "InternalServerError")
        if connection in self.hanging:
            self._let_go.wait()
        body = bytes(request.body or b"")
        if len(body) > MAX_FRAME_BYTES:
            self.broken_frames.append(f"{len(body)} bytes to {connection}")
        if len(body) > MAX_MESSAGE_BYTES:
            return error_response(request, 413, "PayloadTooLargeException")
        self.push(connection, json.loads(body))
        self.sent_at.setdefault(connection, []).append(time.monotonic())
        return AWSResponse(request.url, 200, {}, MockRawResponse(""))
