"""A world as the canary reaches it from outside: its gateway, whose streams are delivered while the canary waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from tests.support.connections import Refused
from tests.support.deployed import World
from tidemark.services.canary import CANARY
from tidemark.services.conversation import StepFailed


class WorldOutside:
    """The `Outside` port on a world; `sockets` are those that were opened."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sockets: list[WorldSocket] = []

    def post(self, path: str, token: str, seconds: float) -> dict[str, Any]:
        answer = self.world.http("POST", path, headers={"authorization": f"Bearer {token}"}, body={})
        if answer.status != 200:
            raise StepFailed(answer.json().get("code", f"http_{answer.status}"))
        return dict(answer.json())

    def connect(self, url: str, ticket: str, seconds: float) -> WorldSocket:
        assert url.startswith(("ws://", "wss://"))
        try:
            self.sockets.append(WorldSocket(self.world, self.world.connect(ticket)))
        except Refused as refused:
            raise StepFailed(f"http_{refused.status}") from None
        return self.sockets[-1]


class WorldSocket:
    """The `Socket` port on a connection of a world."""

    def __init__(self, world: World, connection: str) -> None:
        self.world = world
        self.connection = connection
        self._came: deque[dict[str, Any]] = deque()

    def send(self, message: Mapping[str, Any]) -> None:
        if not self.world.stack.connections.is_open(self.connection):
            raise StepFailed("closed")
        self.world.send(self.connection, message)

    def receive(self, seconds: float) -> dict[str, Any]:
        for wait in (lambda: None, self.world.deliver):
            wait()
            self._came += self.world.stack.connections.take(self.connection)
            if self._came:
                return self._came.popleft()
        raise StepFailed("timeout")

    def close(self) -> None:
        self.world.disconnect(self.connection)


@contextmanager
def visited(world: World) -> Iterator[WorldOutside]:
    """Have the health check visit this world, which becomes the canary's workspace."""
    world.workspace = CANARY
    forget_workspaces(world)
    outside = WorldOutside(world)
    with (
        patch("tidemark.outside.RealOutside", lambda _: outside),
        patch("tidemark.services.canary.POLL_SECONDS", 0.001),
    ):
        yield outside


def forget_workspaces(world: World) -> None:
    """Have warm processes look workspaces up anew: the canary's is the same in every world, with or without it."""
    for process in world._processes.values():
        vars(process.container).pop("directory", None)


def left_of_the_canary(world: World) -> dict[str, list[dict[str, Any]]]:
    """Return what connections and messages have left in the store: nothing, after a visit."""
    connections = {
        pk: world.stack.items("ConnectionsTable", pk) for pk in (f"{CANARY}#web:1", f"U#{CANARY}#canary", f"W#{CANARY}")
    }
    messages = [item for item in world.stack.items("InboxTable", f"{CANARY}#canary") if item["sk"].startswith("M#")]
    return {name: items for name, items in {**connections, "messages": messages}.items() if items}


def last_report(world: World) -> dict[str, Any]:
    """Return the report that is stored."""
    (report,) = world.stack.items("DirectoryTable", "HEALTH")
    return report
