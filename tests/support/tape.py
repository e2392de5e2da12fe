"""What the system around a handler answers, recorded once and played as often as one likes.

The fakes keep whatever they are told and so grow with every call. A tape does not: what grows while it plays is the
handler's.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.botocore_stubber import MockRawResponse

from tests.support.outside import WorldOutside

Key = tuple[str, bytes, tuple[bytes, ...], int]
"""A service, its operation, the tables and kinds of items, and the place of the call among its like in an invocation.

A kind is what a key begins with in capitals (`WORKSPACE`): not every invocation makes the same calls, some are cached.
"""

_TABLES_AND_KINDS = re.compile(rb'"TableName": ?"(\w+)"|"[ps]k": ?\{"S": ?"([A-Z]+)')


class Tape:
    """Stands where AWS does (`Calls` asks it): hands on and records, until `playing`.

    Parameters
    ----------
    respond
        Answers a request while the tape records.
    """

    def __init__(self, respond: Callable[[str, AWSPreparedRequest], AWSResponse]) -> None:
        self._respond = respond
        self._answers: dict[Key, tuple[int, Mapping[str, str], bytes]] = {}
        self._asked: Counter[Any] = Counter()
        self.playing = False

    def rewind(self) -> None:
        """Begin an invocation."""
        self._asked.clear()

    def __call__(self, service: str, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request; one that the tape has not gets what the last of its kind got."""
        target = request.headers.get("X-Amz-Target", b"")
        kind = (
            service,
            bytes(target),
            tuple(b"".join(found) for found in _TABLES_AND_KINDS.findall(request.body or b"")),
        )
        self._asked[kind] += 1
        key = (*kind, self._asked[kind])
        if not self.playing:
            answer = self._respond(service, request)
            self._answers[key] = answer.status_code, dict(answer.headers), answer.content
            return answer
        while key not in self._answers:
            assert key[3] > 1, f"there was no such call: {kind}"
            key = (*kind, key[3] - 1)
        status, headers, content = self._answers[key]
        return AWSResponse(request.url, status, headers, MockRawResponse(content))


class TapedOutside:
    """The `Outside` port on a world, recorded and played: also the one socket that `connect` opens.

    What is played bears the name of the visit that is under way, in the place of the recorded one; both are `name`.
    """

    def __init__(self, outside: WorldOutside) -> None:
        self._outside = outside
        self._recorded_name = ""
        self._ticket: dict[str, Any] = {}
        self._messages: list[str] = []
        self._to_come: deque[str] = deque()
        self.name = ""
        self.playing = False

    def post(self, path: str, token: str, seconds: float) -> dict[str, Any]:
        if not self.playing:
            self._ticket = self._outside.post(path, token, seconds)
        return self._ticket | {
            "ticket": f"{self.name} {self._ticket['ticket']}" if self.playing else self._ticket["ticket"]
        }

    def connect(self, url: str, ticket: str, seconds: float) -> TapedOutside:
        if self.playing:
            self._to_come = deque(self._messages)
        else:
            self._recorded_name, self._messages = self.name, []
            self._socket = self._outside.connect(url, ticket, seconds)
        return self

    def send(self, message: Mapping[str, Any]) -> None:
        if not self.playing:
            self._socket.send(message)

    def receive(self, seconds: float) -> dict[str, Any]:
        if not self.playing:
            self._messages.append(json.dumps(self._socket.receive(seconds)))
            return dict(json.loads(self._messages[-1]))
        return dict(json.loads(self._to_come.popleft().replace(self._recorded_name, self.name)))

    def close(self) -> None:
        if not self.playing:
            self._socket.close()
