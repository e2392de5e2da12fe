"""What pushes deltas to the subscribers of their views, so that no connection waits for another."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from math import inf
from threading import Lock

from tidemark import wire
from tidemark.domain.views import View
from tidemark.services.joining import joined
from tidemark.services.ports import Connections, Delta, Sockets

WORKERS = 32
"""Messages under way at once; those that nobody waits for are not counted."""
MAX_THREADS = 256
PROMPT_SECONDS = 0.1
"""What a message may take, which is some 10 ms, before nobody waits for it any longer."""
FIRST_PROMPT_SECONDS = 1.0
"""The same until a first one has ended: a new process opens its connections to the gateway all at once."""
PATIENCE_SECONDS = 1.0
"""What a message may take before its connection is closed: an attempt has timed out by then."""
MAX_BEHIND = 128
"""Messages that may wait behind one that is under way, before the connection is closed."""
POLL_SECONDS = 0.02


class _Push:
    """The messages of one view for one connection; `began` is when the one under way began, by the monotonic clock."""

    def __init__(self, connection: str, view: View, messages: Iterable[bytes]) -> None:
        self.connection = connection
        self.key = connection, view
        self.messages = deque(messages)
        self.began = inf


@dataclass(frozen=True, slots=True)
class _Outcome:
    sent: int
    error: Exception | None = None


class Broadcast:
    """Pushes deltas to the subscribers of their views."""

    def __init__(
        self, connections: Connections, sockets: Sockets, on_failure: Callable[[str, Exception | None], None]
    ) -> None:
        self._connections = connections
        self._sockets = sockets
        self._on_failure = on_failure
        self._pool = ThreadPoolExecutor(MAX_THREADS)
        self._prompt_seconds = FIRST_PROMPT_SECONDS
        self._lock = Lock()
        self._under_way: dict[tuple[str, View], _Push] = {}

    def __call__(self, deltas: Iterable[tuple[str, View, Delta]], now: datetime) -> int:
        """Push (workspace, view, delta) in order to every subscriber; return the number of messages sent.

        Deltas of a view that have come together go as one message. Each connection has its own queue. One that is gone
        is removed; one that fails is closed, so that its client notices and recovers the deltas by its position. One
        that is not prompt goes on by itself: nobody waits for it, and what later batches have for it joins its queue.
        Should this process be frozen or gone by then, its client learns by the next delta's base, or by its next
        `reconcile`. What could not be settled is raised at the end, for the stream to deliver again.
        """
        by_view: dict[tuple[str, View], list[Delta]] = defaultdict(list)
        for workspace, view, delta in deltas:
            by_view[workspace, view].append(delta)
        pushes = [
            _Push(connection, view, messages)
            for (workspace, view), queue in by_view.items()
            for messages in [[wire.encode(wire.delta(view, delta)) for delta in joined(queue)]]
            for connection in self._connections.subscribers(workspace, view, int(now.timestamp()))
        ]
        outcomes = list(self._outcomes(pushes))
        failures = [outcome.error for outcome in outcomes if outcome.error is not None]
        if failures:
            raise ExceptionGroup("some connections could neither be served nor closed", failures)
        return sum(outcome.sent for outcome in outcomes)

    def _outcomes(self, pushes: Sequence[_Push]) -> Iterator[_Outcome]:
        waiting = deque(pushes)
        running: dict[Future[_Outcome], _Push] = {}
        while waiting or running:
            while waiting and len(running) < WORKERS:
                push = waiting.popleft()
                if self._begins(push):
                    running[self._pool.submit(self._serve, push)] = push
            done, _ = wait(running, POLL_SECONDS, FIRST_COMPLETED)
            for ended in done:
                self._prompt_seconds = PROMPT_SECONDS
                del running[ended]
                yield ended.result()
            overdue = time.monotonic() - self._prompt_seconds
            running = {future: push for future, push in running.items() if future.done() or push.began > overdue}

    def _begins(self, push: _Push) -> bool:
        """Answer whether a push is the only one to its connection: else its messages wait in the other's queue."""
        with self._lock:
            other = self._under_way.setdefault(push.key, push)
            if other is not push:
                other.messages.extend(push.messages)
        return other is push

    def _next(self, push: _Push) -> bytes | None:
        with self._lock:
            if not push.messages:
                del self._under_way[push.key]
                return None
            return push.messages.popleft()

    def _serve(self, push: _Push) -> _Outcome:
        """Send a queue; the outcome has an error if the client cannot even notice that it misses something."""
        sent = 0
        try:
            while (message := self._next(push)) is not None:
                push.began = time.monotonic()
                if not self._sockets.send(push.connection, message):
                    self._connections.close(push.connection)
                    break
                sent += 1
                if time.monotonic() - push.began > PATIENCE_SECONDS or len(push.messages) > MAX_BEHIND:
                    self._on_failure(push.connection, None)
                    return _Outcome(sent, self._drop(push.connection))
        except Exception as error:  # noqa: BLE001  # reported; the others must have theirs
            self._on_failure(push.connection, error)
            return _Outcome(sent, self._drop(push.connection))
        finally:
            with self._lock:
                if self._under_way.get(push.key) is push:
                    del self._under_way[push.key]
        return _Outcome(sent)

    def _drop(self, connection: str) -> Exception | None:
        # The socket first, for closing it is what makes the client come back: a subscription that is left without a
        # socket is found gone by the next push, a socket without a subscription would be silent until it reconciles.
        try:
            self._sockets.disconnect(connection)
            self._connections.close(connection)
        except Exception as error:  # noqa: BLE001  # returned; the others must have theirs
            self._on_failure(connection, error)
            return error
        return None
