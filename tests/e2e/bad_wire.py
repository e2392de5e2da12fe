"""A WebSocket proxy that does to messages what a bad line does: and a little more."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.connection import Connection
from websockets.sync.server import ServerConnection, serve

MISCHIEF = {"drop": 0.06, "duplicate": 0.06, "delay": 0.08, "reorder": 0.06, "truncate": 0.04, "close": 0.02}
"""The chances of a message. Those of requests are dropped, delayed and closed upon alike."""
LONGEST_DELAY_SECONDS = 1.0


class BadWire:
    """Leads connections to `upstream`; honest once `honest` is set. The seed makes its choices repeatable."""

    def __init__(self, upstream: str, seed: int) -> None:
        self._upstream = upstream
        self._rng = random.Random(seed)
        self.honest = threading.Event()
        self.done: Counter[str] = Counter()

    def lead(self, client: ServerConnection) -> None:
        """Carry the messages of one connection until either side ends it."""
        assert client.request is not None
        with suppress(OSError), connect(self._upstream + client.request.path, open_timeout=60, proxy=None) as server:
            answers = threading.Thread(target=self._pump, args=(server, client))
            answers.start()
            self._pump(client, server)
            answers.join()

    def _pump(self, source: Connection, target: Connection) -> None:
        held: list[Any] = []
        with suppress(ConnectionClosed):
            for message in source:
                what = self._choose()
                self.done[what] += 1
                if what == "close":
                    break
                if what == "reorder" and not held:
                    held.append(message)
                    continue
                if what == "delay":
                    time.sleep(self._rng.uniform(0, LONGEST_DELAY_SECONDS))
                for _ in range({"drop": 0, "duplicate": 2}.get(what, 1)):
                    target.send(message[: len(message) // 2] if what == "truncate" else message)
                for late in held:
                    target.send(late)
                held.clear()
        source.close()
        target.close()

    def _choose(self) -> str:
        chance = self._rng.random()
        if not self.honest.is_set():
            for what, share in MISCHIEF.items():
                chance -= share
                if chance < 0:
                    return what
        return "carry"


@contextmanager
def bad_wire(websocket_url: str, seed: int) -> Iterator[tuple[BadWire, str]]:
    """Run the proxy in a thread of its own; yields it and its `ws://host:port`."""
    parts = urlsplit(websocket_url)
    wire = BadWire(f"{parts.scheme}://{parts.netloc}", seed)
    with serve(wire.lead, "127.0.0.1", 0, open_timeout=60) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield wire, f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()
