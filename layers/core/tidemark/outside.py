"""The system as its users reach it, over HTTP and WebSocket: what the canary goes through.

Proxies are not used, whatever the environment says. Errors carry codes only: an address here may hold a ticket.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import ExitStack
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tidemark import wire
from tidemark.services.conversation import Message, Socket, StepFailed

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

CLOSE_SECONDS = 2.0


class RealOutside:
    """The `Outside` port over real connections.

    Parameters
    ----------
    http_url
        The HTTP API, without a slash at its end.
    """

    def __init__(self, http_url: str) -> None:
        self._http_url = http_url
        self._http = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def post(self, path: str, token: str, seconds: float) -> Message:
        """Return the answer to an empty POST; an error raises `StepFailed` with its code."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._http_url}{path}", b"{}", headers, method="POST")  # noqa: S310  # ours
        try:
            status, body = self._send(request, seconds)
        except TimeoutError:
            raise StepFailed("timeout") from None
        except urllib.error.URLError as error:
            raise StepFailed("timeout" if isinstance(error.reason, TimeoutError) else "unreachable") from None
        except (OSError, HTTPException):
            raise StepFailed("unreachable") from None
        if status == 200:
            return _object(body, "unexpected_answer")
        code = _object(body, f"http_{status}").get("code")  # the gateway's own errors have none
        raise StepFailed(code if isinstance(code, str) else f"http_{status}")

    def connect(self, url: str, ticket: str, seconds: float) -> Socket:
        """Open a WebSocket connection; a refusal raises `StepFailed` with `http_` and its status."""
        from websockets.exceptions import InvalidHandshake, InvalidStatus  # only the health check has this package
        from websockets.sync.client import connect

        closing = ExitStack()
        try:
            socket = closing.enter_context(
                connect(
                    f"{url}?{urlencode({'token': ticket})}",
                    open_timeout=seconds,
                    close_timeout=CLOSE_SECONDS,
                    max_size=wire.MAX_MESSAGE_BYTES,
                    proxy=None,
                )
            )
        except InvalidStatus as error:
            raise StepFailed(f"http_{error.response.status_code}") from None
        except TimeoutError:
            raise StepFailed("timeout") from None
        except (OSError, InvalidHandshake):
            raise StepFailed("unreachable") from None
        return RealSocket(socket, closing)

    def _send(self, request: urllib.request.Request, seconds: float) -> tuple[int, bytes]:
        try:
            with self._http.open(request, timeout=seconds) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


class RealSocket:
    """The `Socket` port over an open connection."""

    def __init__(self, socket: ClientConnection, closing: ExitStack) -> None:
        self._socket = socket
        self._closing = closing

    def send(self, message: Message) -> None:
        """Send one message; raises `StepFailed` with `closed`."""
        from websockets.exceptions import ConnectionClosed

        try:
            self._socket.send(json.dumps(message))
        except ConnectionClosed:
            raise StepFailed("closed") from None

    def receive(self, seconds: float) -> Message:
        """Return the next message; raises `StepFailed` with `timeout` or `closed`."""
        from websockets.exceptions import ConnectionClosed

        try:
            return _object(self._socket.recv(timeout=seconds), "unexpected_answer")
        except TimeoutError:
            raise StepFailed("timeout") from None
        except ConnectionClosed:
            raise StepFailed("closed") from None

    def close(self) -> None:
        """Close the connection; one that has ended is closed."""
        self._closing.close()


def _object(text: str | bytes, otherwise: str) -> Message:
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise StepFailed(otherwise)
    return parsed
