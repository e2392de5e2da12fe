"""The frame of the WebSocket handlers: what it makes of a defect."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import shapes
from tests.support.memory import MemorySockets
from tidemark import websocket, wire
from tidemark.domain.errors import InvalidRequest

CREDENTIAL = {"workspace": "demo", "role": "read", "expires_at": "0"}


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> MemorySockets:
    made = MemorySockets()
    monkeypatch.setattr(websocket, "container", lambda: SimpleNamespace(sockets=made))
    return made


def ask(answer: websocket.Answer) -> None:
    body = json.dumps({"action": "ping", "id": "7"})
    assert websocket.route(answer)(shapes.websocket("ping", "c1", CREDENTIAL, body), None) == {"statusCode": 200}


def test_a_defect_is_answered_counted_and_not_told(sockets: MemorySockets, capsys: pytest.CaptureFixture[str]) -> None:
    def defect(_request: websocket.Request) -> Iterable[wire.Message]:
        raise ValueError("a secret of the inside")

    ask(defect)
    (sent,) = sockets.sent["c1"]
    error = json.loads(sent)
    assert (error["type"], error["id"], error["code"]) == ("error", "7", "internal")
    assert b"secret" not in sent
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    assert [metric["InternalErrors"] for metric in metrics] == [1]


def test_a_refusal_is_no_defect(sockets: MemorySockets, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(_request: websocket.Request) -> Iterable[wire.Message]:
        raise InvalidRequest("no")

    ask(refuse)
    assert json.loads(sockets.sent["c1"][0])["code"] == "invalid_request"
    assert "InternalErrors" not in capsys.readouterr().out


def test_the_user_of_a_connection_is_that_of_its_token(sockets: MemorySockets) -> None:
    event: dict[str, Any] = shapes.websocket("ping", "c1", {**CREDENTIAL, "user": "ada"}, "{}")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert websocket.principal_of(event, now).user == "ada"
    assert websocket.principal_of(shapes.websocket("ping", "c1", CREDENTIAL, "{}"), now).user is None
