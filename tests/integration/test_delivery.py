"""Messages to users: stored, pushed where their user listens, kept until they are acknowledged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.clients import Client, RequestFailed, refusal
from tests.support.deployed import World
from tests.support.stack import Stack
from tests.support.users import Sender, User, check_inbox, inbox_of
from tidemark.aws import inbox
from tidemark.domain.messages import KEPT_SECONDS
from tidemark.services.delivery import MAX_LISTENERS

PENDING = 8
"""The bound of an inbox here: moto copies a table for every transaction, which takes its time with 256."""


@pytest.fixture(autouse=True)
def small(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty tables, a small inbox, and transactions that several messages do not fit."""
    stack.clear()
    monkeypatch.setattr(inbox, "MAX_PENDING", PENDING)
    monkeypatch.setattr(inbox, "REMOVED_AT_ONCE", 3)


def listening(world: World, user: str = "ada", thread: str | None = None) -> User:
    made = User(world, user, thread)
    made.follow()
    return made


def went(answer: dict[str, Any]) -> tuple[str, int]:
    return answer["delivery"], answer["connections"]


@pytest.fixture
def sender(world: World) -> Sender:
    made = Sender(world)
    made.connect()
    return made


def test_a_message_goes_to_the_connections_of_its_thread(world: World, sender: Sender) -> None:
    first, second, other = (listening(world, thread=thread) for thread in ("t1", "t1", "t2"))
    answer = sender.notify(thread="t1", body={"text": "hello", "n": [1, 2.5, None]})
    assert went(answer) == ("thread", 2)
    for user in (first, second):
        (message,) = user.drain()
        assert message == {
            "type": "message",
            "message_id": answer["message_id"],
            "seq": 1,
            "thread": "t1",
            "body": {"text": "hello", "n": [1, 2.5, None]},
            "sent_at": "2026-11-22T10:30:00.000Z",
        }
    assert other.drain() == []
    check_inbox(world, sender, first, second, other)


def test_without_a_connection_of_the_thread_it_goes_to_the_users_others(world: World, sender: Sender) -> None:
    general, other, stranger = listening(world), listening(world, thread="t2"), listening(world, "bob", "t1")
    assert went(sender.notify(thread="t1")) == ("user", 2)
    assert [message["thread"] for message in general.drain() + other.drain()] == ["t1", "t1"]
    assert stranger.drain() == []
    check_inbox(world, sender, general, other, stranger)


def test_a_message_without_a_thread_goes_to_all_connections_of_the_user(world: World, sender: Sender) -> None:
    users = [listening(world), listening(world, thread="t1")]
    assert went(sender.notify()) == ("user", 2)
    for user in users:
        (message,) = user.drain()
        assert "thread" not in message
    check_inbox(world, sender, *users)


def test_for_a_user_who_does_not_listen_it_waits_and_comes_in_order(world: World, sender: Sender) -> None:
    for number in range(5):
        assert went(sender.notify(body={"n": number})) == ("inbox", 0)
    user = User(world)
    user.connect()
    answer = user.listen()
    assert answer["pending"] == 5
    assert user.seqs == [1, 2, 3, 4, 5]
    assert [message["body"]["n"] for message in user.received.values()] == [0, 1, 2, 3, 4]
    check_inbox(world, sender, user)


def test_a_connection_listens_for_several_threads(world: World, sender: Sender) -> None:
    user, other = listening(world, thread="t1"), listening(world)
    user.request("listen", "listening", thread="t2")
    assert went(sender.notify(thread="t2")) == ("thread", 1)
    assert went(sender.notify(thread="t1")) == ("thread", 1)
    assert len(user.drain()) == 2
    assert other.drain() == []


def test_a_gone_connection_is_removed_and_the_next_is_tried(world: World, sender: Sender) -> None:
    gone, other = listening(world, thread="t1"), listening(world)
    gone.leave(told=False)
    assert went(sender.notify(thread="t1")) == ("user", 1)
    left = world.stack.items("ConnectionsTable", f"U#{world.workspace}#ada")
    assert [item["sk"] for item in left] == [other.connection]
    assert world.stack.items("ConnectionsTable", f"C#{gone.connection}") == []
    check_inbox(world, sender, other)


def test_a_connection_that_takes_nothing_is_closed_and_finds_its_messages_again(world: World, sender: Sender) -> None:
    user = listening(world, thread="t1")
    assert user.connection
    world.stack.connections.failing.add(user.connection)
    assert went(sender.notify(thread="t1")) == ("inbox", 0)
    assert not user.connected
    check_inbox(world, sender, user)


def test_who_has_disconnected_does_not_listen_any_more(world: World, sender: Sender) -> None:
    listening(world).leave()
    assert world.stack.items("ConnectionsTable", f"U#{world.workspace}#ada") == []
    assert went(sender.notify()) == ("inbox", 0)


def test_a_listener_ends_with_its_token(world: World, sender: Sender) -> None:
    user = User(world, lifetime=timedelta(minutes=5))
    user.follow()
    world.now += timedelta(minutes=6)
    assert went(sender.notify()) == ("inbox", 0)
    assert user.drain() == []


def test_a_message_with_a_known_id_is_stored_once_and_answered_alike(world: World, sender: Sender) -> None:
    user = listening(world)
    first = sender.notify(message_id="m", body={"n": 1})
    again = sender.notify(message_id="m", body={"n": 1})
    assert went(first) == went(again) == ("user", 1)
    user.drain()
    assert user.seqs == [1, 1]
    user.acknowledge("m")
    assert went(sender.notify(message_id="m", body={"n": 1})) == ("user", 1)
    assert user.drain() == [], "an acknowledged message came again"
    check_inbox(world, sender, user)


def test_the_first_content_of_an_id_stays(world: World, sender: Sender) -> None:
    sender.notify(message_id="m", body={"n": 1})
    sender.request("notify", "notified", user="ada", message_id="m", body={"n": 2})
    user = listening(world)
    assert user.received["m"]["body"] == {"n": 1}


def test_an_id_belongs_to_its_user(world: World, sender: Sender) -> None:
    for name in ("ada", "bob"):
        sender.notify(name, message_id="m", body={"for": name})
    for name in ("ada", "bob"):
        assert listening(world, name).received["m"]["body"] == {"for": name}


def test_a_message_without_an_id_gets_one(world: World, sender: Sender) -> None:
    answers = [sender.request("notify", "notified", user="ada", body={}) for _ in range(2)]
    assert len({answer["message_id"] for answer in answers}) == 2


def test_to_acknowledge_is_idempotent_and_knows_no_strangers(world: World, sender: Sender) -> None:
    user, bob = listening(world), listening(world, "bob")
    ids = [sender.notify()["message_id"] for _ in range(3)]
    sender.notify("bob", message_id="his")
    user.acknowledge(*ids[:2], "unknown")
    user.acknowledge(*ids[:2], "his")
    head, pending, _ = inbox_of(world)
    assert (head["pending"], pending) == (1, [3])
    assert inbox_of(world, "bob")[1] == [1]
    check_inbox(world, sender, user, bob)


def test_more_messages_are_acknowledged_at_once_than_a_transaction_takes(world: World, sender: Sender) -> None:
    ids = [sender.notify()["message_id"] for _ in range(PENDING)]
    user = listening(world)
    user.acknowledge(*ids[1:])
    head, pending, _ = inbox_of(world)
    assert (head["seq"], head["pending"], pending) == (PENDING, 1, [1])


def test_a_full_inbox_refuses_and_says_whom(world: World, sender: Sender, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [sender.notify()["message_id"] for _ in range(PENDING)]
    user = User(world, thread="t1")
    user.follow()
    assert len(user.received) == PENDING
    with pytest.raises(RequestFailed) as refused:
        sender.notify(thread="t9")
    error = refused.value.error
    assert (error["code"], error["field"]) == ("undeliverable", "user")
    assert "thread 't9', listening: 1 connections of 1 users" in error["message"]
    assert '"UndeliverableMessages":1' in capsys.readouterr().out
    assert went(sender.notify(message_id=ids[0], body={"n": 0})) == ("user", 1), "a known message was refused"
    user.acknowledge(ids[0])
    sender.notify()
    with pytest.raises(RequestFailed, match="undeliverable"):
        sender.notify()
    user.drain()
    check_inbox(world, sender, user)


def test_messages_that_have_expired_make_room(world: World, sender: Sender) -> None:
    for _ in range(PENDING // 2):
        sender.notify()
    world.now += timedelta(days=1)
    for _ in range(PENDING // 2):
        sender.notify()
    with pytest.raises(RequestFailed, match="undeliverable"):
        sender.notify()
    world.now += timedelta(seconds=KEPT_SECONDS) - timedelta(hours=12)
    sender = Sender(world)  # the other's token is over by now
    sender.notify()
    user = listening(world)
    assert user.seqs == list(range(PENDING // 2 + 1, PENDING + 2))
    assert inbox_of(world)[0]["pending"] == PENDING // 2 + 1


def test_the_oldest_connection_makes_room_for_a_new_one(world: World, sender: Sender) -> None:
    users = []
    for _ in range(MAX_LISTENERS + 1):
        users.append(listening(world))
        world.now += timedelta(seconds=1)
    assert [user.connected for user in users] == [False] + [True] * MAX_LISTENERS
    assert went(sender.notify()) == ("user", MAX_LISTENERS)


def test_a_connection_has_at_most_16_threads(world: World) -> None:
    user = listening(world)
    for number in range(16):
        user.request("listen", "listening", thread=f"t{number}")
    user.request("listen", "listening", thread="t3")
    assert refusal(user, action="listen", id="1", thread="t16") == "invalid_request"


def test_a_token_without_a_user_cannot_listen(world: World) -> None:
    client = Client(world)
    client.connect()
    assert refusal(client, action="listen", id="1") == "forbidden"
    assert refusal(client, action="acknowledge", id="1", messages=["m"]) == "forbidden"


def test_only_an_admin_sends(world: World) -> None:
    user = listening(world)
    assert refusal(user, action="notify", id="1", user="ada", body={}) == "forbidden"
    writer = Client(world, world.write_key)
    writer.connect()
    assert refusal(writer, action="notify", id="1", user="ada", body={}) == "forbidden"
    assert refusal(writer, action="listen", id="1") == "forbidden"


def test_an_admin_with_a_user_listens_too(world: World, sender: Sender) -> None:
    admin = User(world, role="admin")
    admin.follow()
    assert went(sender.notify()) == ("user", 1)
    check_inbox(world, sender, admin)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"user": None}, "invalid_request"),
        ({"user": ""}, "invalid_request"),
        ({"user": "x" * 257}, "invalid_request"),
        ({"user": "\ud800"}, "invalid_request"),
        ({"body": None}, "invalid_request"),
        ({"body": []}, "invalid_request"),
        ({"body": {"text": "x" * 8 * 1024}}, "invalid_request"),
        ({"body": {"text": "\ud800"}}, "invalid_request"),
        ({"body": {"n": 2**60}}, "invalid_number"),
        ({"thread": 7}, "invalid_request"),
        ({"thread": "x" * 129}, "invalid_request"),
        ({"message_id": ""}, "invalid_request"),
        ({"message_id": "x" * 129}, "invalid_request"),
    ],
)
def test_a_notify_that_is_wrong_is_refused(world: World, sender: Sender, fields: dict[str, Any], code: str) -> None:
    assert refusal(sender, **({"action": "notify", "id": "1", "user": "ada", "body": {}} | fields)) == code


@pytest.mark.parametrize("messages", [None, "m", [], [7], [""], ["x" * 129], ["m"] * 101, ["\ud800"]])
def test_an_acknowledgement_that_is_wrong_is_refused(world: World, messages: Any) -> None:
    user = listening(world)
    assert refusal(user, action="acknowledge", id="1", messages=messages) == "invalid_request"


def test_the_longest_ids_and_the_largest_body_fit(world: World, sender: Sender) -> None:
    name, thread, message_id = "\U0001f600" * 80, "\U0001f601" * 128, "\U0001f602" * 128
    user = User(world, name, thread)
    user.follow()
    sender.notify(name, thread=thread, message_id=message_id, body={"text": "é" * 4000})
    check_inbox(world, sender, user)
    assert not world.stack.connections.broken_frames
    assert went(sender.notify("\U0001f600" * 256)) == ("inbox", 0)


def test_users_of_one_workspace_never_meet_those_of_another(stack: Stack, world: World, sender: Sender) -> None:
    with World(stack) as other:
        theirs = listening(other)
        mine = listening(world)
        assert went(sender.notify()) == ("user", 1)
        assert theirs.drain() == []
        assert listening(other).received == {}
        check_inbox(world, sender, mine)


def test_over_http_a_message_goes_the_same_way(world: World, sender: Sender) -> None:
    user = listening(world, thread="t1")
    path, admin = f"/v1/workspaces/{world.workspace}/notify", {"authorization": f"Bearer {world.token('admin')}"}
    body = {"user": "ada", "thread": "t1", "message_id": "m", "body": {"n": 1}}
    answer = world.http("POST", path, headers=admin, body=body)
    assert (answer.status, answer.json()) == (200, {"message_id": "m", "delivery": "thread", "connections": 1})
    assert [message["body"] for message in user.drain()] == [{"n": 1}]
    reader = {"authorization": f"Bearer {world.token()}"}
    assert world.http("POST", path, headers=reader, body=body).status == 403
    assert world.http("POST", path, body=body).status == 401
    wrong = world.http("POST", path, headers=admin, body={"user": "ada"})
    assert (wrong.status, wrong.json()["field"]) == (400, "body")
    elsewhere = world.http("POST", "/v1/workspaces/elsewhere/notify", headers=admin, body=body)
    assert elsewhere.status == 403


def test_what_becomes_of_messages_is_counted(world: World, sender: Sender, capsys: pytest.CaptureFixture[str]) -> None:
    sender.notify()
    listening(world)
    sender.notify()
    sender.notify(thread="t1")
    out = capsys.readouterr().out
    assert out.count('"Delivery":"inbox","MessagesDelivered":1') == 1
    assert out.count('"Delivery":"user","MessagesDelivered":1') == 2
