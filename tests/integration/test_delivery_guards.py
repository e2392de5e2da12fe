"""Each guard of the messages to users, taken away, breaks a check (as tests/integration/test_guards.py has it)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any
from unittest.mock import patch

from tests.support import guards
from tests.support.deployed import World
from tests.support.guards import Guard
from tests.support.races import calls, fault
from tests.support.removals import OneByOne, replaced, unconditional, with_client
from tests.support.stack import Stack
from tests.support.users import Sender, User, check_inbox
from tidemark.aws.inbox import DynamoInbox
from tidemark.services.delivery import Messenger

# ── Where they matter ────────────────────────────────────────────────────────────────────────────────────────────────


def during_every_call(world: World, handler: str, act: Callable[[], None], meanwhile: Callable[[], None]) -> int:
    """Act again and again, until `meanwhile` has happened before each of the handler's calls; return how often."""
    for number in count(1):
        interleaving = world.meanwhile(calls(handler, "any", nth=number), meanwhile)
        act()
        world.stack.calls.interleavings.clear()
        if not interleaving.done:
            return number - 1
    raise AssertionError


def a_message_is_sent_while_its_user_begins_to_listen(world: World) -> None:
    sender, user = Sender(world), User(world)
    sender.connect()

    def arrive() -> None:
        user.connect()
        user.listen()
        user.drain()
        check_inbox(world, sender, user)
        user.leave()

    def send() -> None:
        sender.notify()

    assert during_every_call(world, "ws_listen", arrive, send) > 3


def a_connection_ends_while_it_begins_to_listen(world: World) -> None:
    user = User(world)

    def arrive() -> None:
        user.connect()
        assert user.connection
        with suppress(AssertionError):  # nobody is there any more to take the answer
            world.send(user.connection, {"action": "listen", "id": "1"})
        world.disconnect(user.connection)
        check_nobody_listens(world)

    def end() -> None:
        assert user.connection
        world.disconnect(user.connection)

    assert during_every_call(world, "ws_listen", arrive, end) > 1


def a_connection_begins_to_listen_while_it_ends(world: World) -> None:
    user = User(world)

    def leave() -> None:
        user.connect()
        user.leave()
        check_nobody_listens(world)

    def listen() -> None:
        assert user.connection
        world.send(user.connection, {"action": "listen", "id": "1"})

    assert during_every_call(world, "ws_disconnect", leave, listen) > 1


def check_nobody_listens(world: World) -> None:
    assert world.stack.items("ConnectionsTable", f"U#{world.workspace}#ada") == [], "a listener is left without a lease"


def two_messages_are_sent_at_once(world: World) -> None:
    first, second, user = Sender(world), Sender(world), User(world)
    user.follow()
    second.connect()

    def send_elsewhere() -> None:
        with world.another_process("ws_notify"):
            second.notify()

    def send() -> None:
        first.notify()

    during_every_call(world, "ws_notify", send, send_elsewhere)
    first.sent |= second.sent
    check_inbox(world, first, user)


def a_sender_dies_between_its_writes(world: World) -> None:
    sender, user = Sender(world), User(world)
    user.follow()
    sender.connect()
    with world.armed(fault("died_before", "ws_notify", "write", "InboxTable", nth=2)):
        sender.notify()
    check_inbox(world, sender, user)


def a_message_comes_again_with_its_id(world: World) -> None:
    sender, user = Sender(world), User(world)
    user.follow()
    for _ in range(2):
        sender.notify(message_id="m", body={})
    check_inbox(world, sender, user)


def a_message_is_acknowledged_by_two_connections_at_once(world: World) -> None:
    sender, one, other = Sender(world), User(world), User(world)
    for user in (one, other):
        user.follow()
    message_id = sender.notify()["message_id"]
    sender.notify()

    def elsewhere() -> None:
        with world.another_process("ws_acknowledge"):
            other.acknowledge(message_id)

    world.meanwhile(calls("ws_acknowledge", "TransactWriteItems"), elsewhere)
    one.acknowledge(message_id)
    check_inbox(world, sender, one, other)


# ── How they are taken away ──────────────────────────────────────────────────────────────────────────────────────────


def inbox_first(listen: Any) -> Any:
    def changed(self: Messenger, principal: Any, connection: str, thread: str | None, now: Any) -> Any:
        pending = self._inbox.pending(principal.workspace, principal.user, int(now.timestamp()))
        with patch.object(self._inbox, "pending", lambda *_: pending):
            return listen(self, principal, connection, thread, now)

    return changed


GUARDS = [
    Guard(
        "a connection listens before its inbox is read",
        replaced(Messenger, "listen", inbox_first),
        a_message_is_sent_while_its_user_begins_to_listen,
        "stored and never delivered",
    ),
    Guard(
        "a listener is stored only with a lease",
        unconditional("TransactWriteItems", "ConnectionsTable", "SET #user"),
        a_connection_ends_while_it_begins_to_listen,
        "left without a lease",
    ),
    Guard(
        "a lease ends only as it was read",
        unconditional("DeleteItem", "ConnectionsTable"),
        a_connection_begins_to_listen_while_it_ends,
        "left without a lease",
    ),
    Guard(
        "a message is placed only where the head was read",
        unconditional("TransactWriteItems", "InboxTable", "SET seq"),
        two_messages_are_sent_at_once,
        "have a hole|answered and lost|wait, the head says",
    ),
    Guard(
        "a message, its id and the head are one transaction",
        replaced(DynamoInbox, "append", with_client(OneByOne)),
        a_sender_dies_between_its_writes,
        "have a hole|wait, the head says",
    ),
    Guard(
        "an id that is known is not stored again",
        unconditional("TransactWriteItems", "InboxTable", "ID#m"),
        a_message_comes_again_with_its_id,
        "have a hole",
    ),
    Guard(
        "a message is counted down only by who takes it out",
        unconditional("TransactWriteItems", "InboxTable", "ADD pending"),
        a_message_is_acknowledged_by_two_connections_at_once,
        "the head says",
    ),
]

each_guard = guards.each(GUARDS)


@each_guard
def test_with_its_guards_the_delivery_passes(stack: Stack, guard: Guard) -> None:
    guards.check_passes(stack, guard)


@each_guard
def test_without_the_guard_a_check_fails(stack: Stack, guard: Guard) -> None:
    guards.check_needed(stack, guard)
