"""Connections that are not prompt: nobody waits for them, and they lose nothing that they are not told of."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Event

import pytest

from tests.support.memory import MemoryConnections, MemorySockets
from tidemark.domain.errors import Unavailable
from tidemark.domain.views import View
from tidemark.services import broadcast
from tidemark.services.broadcast import Broadcast
from tidemark.services.ports import Connection, Delta

VIEW = View("web", 2)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = int(NOW.timestamp()) + 3600


class HangingSockets(MemorySockets):
    """A message to `late` takes until `let_go`; one to `broken` fails, as its end does once."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = Event()

    def send(self, connection: str, message: bytes) -> bool:
        if connection == "late":
            assert self.let_go.wait(30)
        if connection == "broken":
            raise Unavailable("the gateway does not answer")
        return super().send(connection, message)


@pytest.fixture
def sockets() -> Iterator[HangingSockets]:
    sockets = HangingSockets()
    yield sockets
    sockets.let_go.set()


@pytest.fixture
def connections() -> MemoryConnections:
    connections = MemoryConnections()
    for connection in ("late", "prompt"):
        follow(connections, connection)
    return connections


@pytest.fixture
def push(connections: MemoryConnections, sockets: HangingSockets) -> Broadcast:
    return Broadcast(connections, sockets, lambda _connection, _error: None)


def follow(connections: MemoryConnections, connection: str) -> None:
    connections.open(Connection(connection, "acme", "read", LATER, frozenset()))
    connections.subscribe(connection, "acme", VIEW, LATER)


def delta(seq: int) -> tuple[str, View, Delta]:
    return "acme", VIEW, Delta("e", seq - 1, seq, {}, {}, "2026-03-02T12:00:00Z")


def arrived(sockets: MemorySockets, connection: str) -> list[int]:
    return [json.loads(message)["seq"] for message in sockets.sent[connection]]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)


def test_a_late_one_has_every_message_in_order_and_stays(
    connections: MemoryConnections, sockets: HangingSockets, push: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "PATIENCE_SECONDS", 60)
    for seq in range(1, 6):
        assert push([delta(seq)], NOW) == 1
    assert arrived(sockets, "prompt") == [1, 2, 3, 4, 5]
    assert arrived(sockets, "late") == []
    sockets.let_go.set()
    until(lambda: arrived(sockets, "late") == [1, 2, 3, 4, 5])
    until(lambda: push([delta(6)], NOW) == 2)
    assert connections.subscribers("acme", VIEW, LATER - 1) == ["late", "prompt"]


def test_one_that_takes_too_long_is_closed(
    connections: MemoryConnections, sockets: HangingSockets, push: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "PATIENCE_SECONDS", 0.2)
    push([delta(1)], NOW)
    time.sleep(0.2)
    sockets.let_go.set()
    until(lambda: connections.subscribers("acme", VIEW, LATER - 1) == ["prompt"])
    assert sockets.gone == {"late"}
    follow(connections, "late")
    sockets.gone.clear()
    assert push([delta(2)], NOW) == 2


def test_one_with_too_much_behind_it_is_closed(
    connections: MemoryConnections, sockets: HangingSockets, push: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "PATIENCE_SECONDS", 60)
    monkeypatch.setattr(broadcast, "MAX_BEHIND", 2)
    for seq in range(1, 5):
        push([delta(seq)], NOW)
    sockets.let_go.set()
    until(lambda: sockets.gone == {"late"})
    assert arrived(sockets, "late") == [1]
    until(lambda: connections.subscribers("acme", VIEW, LATER - 1) == ["prompt"])


def test_one_that_cannot_be_closed_is_raised_after_the_others_have_theirs(
    connections: MemoryConnections, sockets: HangingSockets, push: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_connection: str) -> None:
        raise Unavailable("the gateway does not answer")

    sockets.let_go.set()
    follow(connections, "broken")
    monkeypatch.setattr(sockets, "disconnect", fails)
    with pytest.raises(ExceptionGroup, match="neither be served nor closed"):
        push([delta(1)], NOW)
    assert arrived(sockets, "prompt") == [1]
    monkeypatch.undo()
    assert push([delta(2)], NOW) == 2
    assert connections.subscribers("acme", VIEW, LATER - 1) == ["late", "prompt"]
