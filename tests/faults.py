"""Faults of AWS, injected into the calls of a client under moto."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto.core.models import botocore_stubber


def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore repeat a call at once; how long it waits is not what is tested."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0)


class Faults:
    """Rules the calls of `client`; `calls` counts the attempts, the SDK's own retries included."""

    def __init__(self, client: Any) -> None:
        self.calls = 0
        self._act: Callable[[Any], AWSResponse | None] = lambda request: None
        client.meta.events.register_first("before-send", self._before_send)

    def none(self) -> None:
        """Let calls through again."""
        self._act = lambda request: None

    def refuse(self, code: str, status: int = 400) -> None:
        """Answer every call with an error, before it takes effect."""

        def act(request: Any) -> AWSResponse:
            answer = AWSResponse(request.url, status, {}, None)
            answer._content = json.dumps({"__type": code, "message": "injected"}).encode()
            return answer

        self._act = act

    def time_out(self) -> None:
        """Let no call arrive, and no answer come."""

        def act(request: Any) -> AWSResponse:
            raise ReadTimeoutError(endpoint_url=request.url)

        self._act = act

    def lose_answer(self, operation: str, times: int) -> None:
        """Let the next calls of an operation of DynamoDB take effect, but lose their answers."""
        left = times

        def act(request: Any) -> AWSResponse | None:
            nonlocal left
            if left == 0 or not request.headers["X-Amz-Target"].endswith(operation.encode()):
                return None
            left -= 1
            botocore_stubber("before-send", request)
            raise ReadTimeoutError(endpoint_url=request.url)

        self._act = act

    def _before_send(self, request: Any, **_: Any) -> AWSResponse | None:
        self.calls += 1
        return self._act(request)
