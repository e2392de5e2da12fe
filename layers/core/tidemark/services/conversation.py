"""A conversation over a WebSocket, as docs/protocol.md has it: questions by id, and what comes in between is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

Message = dict[str, Any]


class StepFailed(Exception):
    """A step did not hold; `code` is one of docs/protocol.md, or one of docs/operations.md#health."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Socket(Protocol):
    """An open WebSocket connection; every method raises `StepFailed` with `closed` when it has ended."""

    def send(self, message: Message) -> None:
        """Send one message."""

    def receive(self, seconds: float) -> Message:
        """Return the next message; raises `StepFailed` with `timeout`."""

    def close(self) -> None:
        """Close the connection."""


class Outside(Protocol):
    """The system as its users reach it. What does not answer raises `StepFailed`: `timeout`, `unreachable`."""

    def post(self, path: str, token: str, seconds: float) -> Message:
        """Return the answer to an empty POST; an error raises `StepFailed` with its code."""

    def connect(self, url: str, ticket: str, seconds: float) -> Socket:
        """Open a WebSocket connection; a refusal raises `StepFailed` with `http_` and its status."""


class Deadline:
    """The time that a step has left; `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._ends_at = clock() + seconds

    def left(self) -> float:
        """Return the seconds that are left; raises `StepFailed` with `timeout` when there are none."""
        left = self._ends_at - self._clock()
        if left <= 0:
            raise StepFailed("timeout")
        return left


class Conversation:
    """Questions and answers over one socket, and the messages that came unasked."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._asked = 0
        self._held: list[Message] = []

    def ask(self, action: str, expected: str, deadline: Deadline, **fields: Any) -> Message:
        """Send a message and return its answer of the expected type; an `error` raises `StepFailed` with its code."""
        self._asked += 1
        asked = str(self._asked)
        self._socket.send({"action": action, "id": asked, **fields})
        answer = self.next(lambda held: held.get("id") == asked and held["type"] in (expected, "error"), deadline)
        if answer["type"] == "error":
            raise StepFailed(str(answer["code"]))
        return answer

    def next(self, wanted: Callable[[Message], bool], deadline: Deadline) -> Message:
        """Return the first message that is wanted, of those that came before or of those to come; keep the others."""
        for place, message in enumerate(self._held):
            if wanted(message):
                return self._held.pop(place)
        while True:
            message = self._socket.receive(deadline.left())
            if "type" not in message:  # the gateway's own words, when a function has failed
                raise StepFailed("internal")
            if wanted(message):
                return message
            self._held.append(message)

    def forget(self, kind: str) -> None:
        """Drop the messages of a type that came before."""
        self._held = [held for held in self._held if held["type"] != kind]

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
