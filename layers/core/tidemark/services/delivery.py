"""Messages to a user: stored first, then pushed to whoever listens, and kept until they are acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from tidemark import wire
from tidemark.domain.credentials import Principal
from tidemark.domain.errors import Conflict, Forbidden, TidemarkError, Unavailable, Undeliverable
from tidemark.domain.messages import Delivery, Listener, Notice, UserMessage, routes
from tidemark.services.contention import attempts
from tidemark.services.ports import Connections, Inbox, Listeners, Placed, Sockets
from tidemark.services.watching import LEASE_SECONDS

MAX_LISTENERS = 32
"""Connections on which a user listens; a new one beyond closes the oldest. All are pushed to at once."""


class DeliveryReport(Protocol):
    """Who is told what happened."""

    def delivered(self, delivery: Delivery) -> None:
        """Take note that a message went where `delivery` says."""

    def undeliverable(self, workspace: str, thread: str | None, connections: int, users: int) -> None:
        """Take note that a message was refused; the counts are of those who listen."""

    def failed(self, what: str, error: Exception, connection: str | None = None) -> None:
        """Take note of a failure that does not fail the request."""


class Messenger:
    """Brings messages to users, and keeps them meanwhile."""

    def __init__(
        self, inbox: Inbox, listeners: Listeners, connections: Connections, sockets: Sockets, report: DeliveryReport
    ) -> None:
        self._inbox = inbox
        self._listeners = listeners
        self._connections = connections
        self._sockets = sockets
        self._report = report
        self._pool = ThreadPoolExecutor(MAX_LISTENERS)

    def listen(self, principal: Principal, connection: str, thread: str | None, now: datetime) -> list[UserMessage]:
        """Have a connection take its user's messages; return those that are pending, oldest first.

        The connection listens before the inbox is read: what is stored after that is pushed, so nothing falls between.
        Raises `Forbidden` if the principal is no user.
        """
        workspace, user, seconds = principal.workspace, user_of(principal), int(now.timestamp())
        until = min(seconds + LEASE_SECONDS, principal.expires_at or seconds + LEASE_SECONDS)
        self._listeners.listen(connection, workspace, user, thread, until)
        others = [each for each in self._listeners.listeners(workspace, user, seconds) if each.connection != connection]
        too_many = max(0, len(others) + 1 - MAX_LISTENERS)
        for oldest in sorted(others, key=lambda each: each.expires_at)[:too_many]:
            self._drop(oldest.connection)
        return self._inbox.pending(workspace, user, seconds)

    def notify(self, workspace: str, notice: Notice, now: datetime) -> Delivery:
        """Store a message and push it; return where it went.

        One whose id is known is not stored again. While it is not acknowledged it is pushed again; the answer is that
        of the first push that reached anyone. Raises `Undeliverable` if the inbox is full.
        """
        seconds = int(now.timestamp())
        placed = self._place(workspace, notice, seconds)
        if placed.pending is None:
            return placed.delivery
        went = self._push(workspace, notice.user, placed.pending, seconds)
        if placed.delivery.connections:
            return placed.delivery
        self._report.delivered(went)
        if went.connections:
            self._record(workspace, notice, went)
        return went

    def _place(self, workspace: str, notice: Notice, seconds: int) -> Placed:
        for _ in attempts():
            try:
                return Placed(Delivery(), self._inbox.append(workspace, notice, seconds))
            except (Conflict, Undeliverable) as error:
                known = self._inbox.find(workspace, notice.user, notice.message_id, seconds)
                if known is not None:
                    return known
                if isinstance(error, Undeliverable):
                    raise self._undeliverable(workspace, notice, error, seconds) from error
        raise _contended()

    def _undeliverable(self, workspace: str, notice: Notice, error: Undeliverable, seconds: int) -> Undeliverable:
        connections = len(self._listeners.listeners(workspace, notice.user, seconds))
        users = min(connections, 1)
        self._report.undeliverable(workspace, notice.thread, connections, users)
        thread = f"thread {notice.thread!r}" if notice.thread is not None else "no thread"
        return Undeliverable(
            f"{error.message}; {thread}, listening: {connections} connections of {users} users", field="user"
        )

    def _push(self, workspace: str, user: str, message: UserMessage, seconds: int) -> Delivery:
        listeners = self._listeners.listeners(workspace, user, seconds)
        named, others = routes(listeners, message.thread)
        if taken := self._send(named, message):
            return Delivery("thread", taken)
        if taken := self._send(others, message):
            return Delivery("user", taken)
        return Delivery()

    def _send(self, listeners: Sequence[Listener], message: UserMessage) -> int:
        """Push to all of them at once; return how many took it."""
        data = wire.encode(wire.message(message))
        return sum(self._pool.map(lambda listener: self._send_one(listener.connection, data), listeners))

    def _send_one(self, connection: str, data: bytes) -> bool:
        try:
            if self._sockets.send(connection, data):
                return True
            self._connections.close(connection)
        except Exception as error:  # noqa: BLE001  # reported; the others must have theirs
            self._report.failed("push", error, connection)
            self._drop(connection)
        return False

    def _drop(self, connection: str) -> None:
        # Closing the socket makes its client come back and listen, which sends it what it missed.
        try:
            self._sockets.disconnect(connection)
            self._connections.close(connection)
        except Exception as error:  # noqa: BLE001  # reported; the message is stored, whatever becomes of a connection
            self._report.failed("close", error, connection)

    def _record(self, workspace: str, notice: Notice, went: Delivery) -> None:
        try:
            self._inbox.record(workspace, notice.user, notice.message_id, went)
        except TidemarkError as error:  # the message has arrived: to fail now would have it sent again
            self._report.failed("record", error)


def acknowledge(inbox: Inbox, principal: Principal, message_ids: Sequence[str], now: datetime) -> None:
    """Take messages out of the principal's inbox; those that are not in it change nothing.

    Raises `Forbidden` if the principal is no user.
    """
    user = user_of(principal)
    for _ in attempts():
        with suppress(Conflict):
            return inbox.remove(principal.workspace, user, message_ids, int(now.timestamp()))
    raise _contended()


def user_of(principal: Principal) -> str:
    """Return the user that a credential stands for; raises `Forbidden` if it stands for none."""
    if principal.user is None:
        raise Forbidden("messages are for users: the token has no `sub`")
    return principal.user


def _contended() -> Unavailable:
    return Unavailable("the inbox is being changed by many at once; try again")
