"""What pushes deltas to the subscribers of their views, so that no connection waits for another."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf

from tidemark import wire
from tidemark.domain.delta import compose
from tidemark.domain.views import View
from tidemark.services.ports import Connections, Delta, Sockets
from tidemark.services.views import MAX_PATCH_BYTES

WORKERS = 32
PATIENCE_SECONDS = 0.5
"""What a message may take, which is some 10 ms; a connection that takes longer is a straggler."""
FIRST_PATIENCE_SECONDS = 1.0
"""The same until a first one has ended: a new process opens its connections to the gateway all at once."""
POLL_SECONDS = 0.05


class _Push:
    """The messages of one view for one connection; `began` is when the one under way began, by the monotonic clock."""

    def __init__(self, connection: str, workspace: str, view: View, messages: Sequence[bytes]) -> None:
        self.connection = connection
        self.workspace = workspace
        self.view = view
        self.messages = messages
        self.began = inf


@dataclass(frozen=True, slots=True)
class _Outcome:
    sent: int
    error: Exception | None = None


def joined(deltas: Iterable[Delta]) -> list[Delta]:
    """Return the deltas of a view, in order, as few as lead to the same end and fit their frames.

    Deltas come together where they come faster than they are pushed: then a message for all is what catches up.
    """
    found: list[Delta] = []
    for delta in deltas:
        last = found[-1] if found else None
        patch = compose(last.patch, delta.patch) if last and _follows(delta, last) else None
        if last is None or patch is None or len(wire.encode(dict(patch))) > MAX_PATCH_BYTES:
            found.append(delta)
        else:
            found[-1] = replace(delta, base=last.base, patch=patch)
    return found


def _follows(delta: Delta, last: Delta) -> bool:
    return delta.epoch == last.epoch and delta.base == last.seq


class Broadcast:
    """Pushes deltas to the subscribers of their views."""

    def __init__(
        self, connections: Connections, sockets: Sockets, on_failure: Callable[[str, Exception | None], None]
    ) -> None:
        self._connections = connections
        self._sockets = sockets
        self._on_failure = on_failure
        self._pool = ThreadPoolExecutor(WORKERS)
        self._patience_seconds = FIRST_PATIENCE_SECONDS

    def __call__(self, deltas: Iterable[tuple[str, View, Delta]], now: datetime) -> int:
        """Push (workspace, view, delta) in order to every subscriber; return the number of messages sent.

        Deltas of a view that have come together go as one message. Each connection has its own queue. One that is gone
        is removed; one that fails is closed, so that its client notices and recovers the deltas by its position. A
        straggler loses its subscription at once and is closed when its push ends, which nobody waits for: should this
        process be frozen or gone by then, its client learns by its next `reconcile` that it is not subscribed. What
        could not be settled is raised at the end, for the stream to deliver again.
        """
        by_view: dict[tuple[str, View], list[Delta]] = defaultdict(list)
        for workspace, view, delta in deltas:
            by_view[workspace, view].append(delta)
        pushes = [
            _Push(connection, workspace, view, messages)
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
        running = self._submit(pushes)
        while running:
            done, _ = wait(running, POLL_SECONDS, FIRST_COMPLETED)
            for ended in done:
                self._patience_seconds = PATIENCE_SECONDS
                del running[ended]
                yield ended.result()
            overdue = time.monotonic() - self._patience_seconds
            stragglers = [future for future, push in running.items() if push.began < overdue]
            for late in stragglers:
                yield self._abandon(late, running.pop(late))
            if stragglers:  # each holds a worker until it ends: who has not begun gets another one
                waiting = [running.pop(future) for future in list(running) if future.cancel()]
                self._pool.shutdown(wait=False)
                self._pool = ThreadPoolExecutor(WORKERS)
                running |= self._submit(waiting)

    def _submit(self, pushes: Iterable[_Push]) -> dict[Future[_Outcome], _Push]:
        return {self._pool.submit(self._push, push): push for push in pushes}

    def _push(self, push: _Push) -> _Outcome:
        """Send a queue; the outcome has an error if the client cannot even notice that it misses something."""
        for sent, message in enumerate(push.messages):
            push.began = time.monotonic()
            try:
                if not self._sockets.send(push.connection, message):
                    self._connections.close(push.connection)
                    return _Outcome(sent)
            except Exception as error:  # noqa: BLE001  # reported; the others must have theirs
                self._on_failure(push.connection, error)
                return _Outcome(sent, self._drop(push.connection))
        return _Outcome(len(push.messages))

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

    def _abandon(self, late: Future[_Outcome], push: _Push) -> _Outcome:
        """Take a straggler's subscription, so that the next batch does not meet it; close it when its push ends."""
        self._on_failure(push.connection, None)
        try:
            self._connections.unsubscribe(push.connection, push.workspace, push.view)
        except Exception as error:  # noqa: BLE001  # returned; the others must have theirs
            return _Outcome(0, error)
        late.add_done_callback(lambda _: self._drop(push.connection))
        return _Outcome(0)
