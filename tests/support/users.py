"""Users who are sent messages, after docs/protocol.md; those who send; and the checks of an inbox at rest."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from tests.support.checks import check_response
from tests.support.clients import ATTEMPTS, Client
from tests.support.deployed import World

_message_ids = count(1)


class User(Client):
    """A connection of a user that listens; `received` holds every message by its id, `seqs` the order they came in."""

    def __init__(self, world: World, user: str = "ada", thread: str | None = None, **token: Any) -> None:
        super().__init__(world, world.token(user=user, **token))
        self.user = user
        self.thread = {} if thread is None else {"thread": thread}
        self.listening = False
        self.received: dict[str, dict[str, Any]] = {}
        self.seqs: list[int] = []
        self._since_answer: set[str] = set()

    def follow(self) -> None:
        """Do what the protocol asks for until nothing is missing."""
        for _ in range(ATTEMPTS * 2):
            self.drain()
            if not self.connected:
                self.connect()
            elif not self.listening or self.has_gap():
                self.listen()
            else:
                return
        raise AssertionError("the user never comes to rest")

    def listen(self) -> dict[str, Any]:
        answer = self.request("listen", "listening", **self.thread)
        self.listening = True
        return answer

    def acknowledge(self, *message_ids: str) -> None:
        answer = self.request("acknowledge", "acknowledged", messages=list(message_ids))
        assert answer["messages"] == list(message_ids)

    def has_gap(self) -> bool:
        known = set(self.seqs)
        return any(seq - 1 not in known for seq in known if seq > min(known))

    def on_connect(self) -> None:
        self.listening = False

    def on_message(self, message: Mapping[str, Any]) -> None:
        match message.get("type"):
            case "listening":
                self._since_answer.clear()
            case "message":
                self._since_answer.add(message["message_id"])
                self.seqs.append(message["seq"])
                known = self.received.setdefault(message["message_id"], dict(message))
                assert known == message, "a message came again with another content"

    def complete(self, answer: Mapping[str, Any]) -> bool:
        return answer["type"] != "listening" or bool(len(self._since_answer) >= answer["pending"])


class Sender(Client):
    """Sends messages with an admin token; `sent` holds what was answered, by message id."""

    def __init__(self, world: World) -> None:
        super().__init__(world, world.token("admin"))
        self.sent: dict[str, dict[str, Any]] = {}

    def notify(self, user: str = "ada", **fields: Any) -> dict[str, Any]:
        """Send one message until it is answered, and return the answer."""
        message = self._message(user, fields)
        answer = self.request("notify", "notified", **message)
        return self._answered(message, answer)

    def post(self, user: str = "ada", **fields: Any) -> dict[str, Any]:
        """Send one message over HTTP until it is answered, and return the answer."""
        message = self._message(user, fields)
        headers = {"authorization": f"Bearer {self.credential}"}
        for _ in range(ATTEMPTS):
            answer = self.world.http(
                "POST", f"/v1/workspaces/{self.world.workspace}/notify", headers=headers, body=message
            )
            check_response(answer)
            if answer.status == 200:
                return self._answered(message, answer.json())
        raise AssertionError("the message is never taken")

    def _message(self, user: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "user": user,
            "message_id": f"message-{next(_message_ids)}",
            "body": {"n": len(self.sent)},
            **fields,
        }

    def _answered(self, message: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        assert answer["message_id"] == message["message_id"]
        self.sent[answer["message_id"]] = message
        return answer


def inbox_of(world: World, user: str = "ada") -> tuple[dict[str, Any], list[int], dict[str, int]]:
    """Return the head of a user's inbox, the seqs of the messages in it, and the seqs of all known ids."""
    items = world.stack.items("InboxTable", f"{world.workspace}#{user}")
    (head,) = [item for item in items if item["sk"] == "HEAD"] or [{"seq": 0, "pending": 0}]
    pending = [int(item["sk"][2:]) for item in items if item["sk"].startswith("M#")]
    return head, pending, {item["sk"][3:]: item["seq"] for item in items if item["sk"].startswith("ID#")}


def check_inbox(world: World, sender: Sender, *users: User) -> None:
    """Whatever was answered has arrived or waits; counts and places are right; and what is acknowledged is gone."""
    for name in {user.user for user in users}:
        head, pending, known = inbox_of(world, name)
        assert head["pending"] == len(pending), f"{len(pending)} messages wait, the head says {head['pending']}"
        assert sorted(known.values()) == list(range(1, head["seq"] + 1)), "the places of the messages have a hole"
    for user in users:
        user.follow()
    for user in users:
        together = {key: got for each in users if each.user == user.user for key, got in each.received.items()}
        _, pending, known = inbox_of(world, user.user)
        missed = {message_id for message_id, seq in known.items() if seq in pending} - together.keys()
        assert not missed, f"stored and never delivered: {missed}"
        mine = {message_id: sent for message_id, sent in sender.sent.items() if sent["user"] == user.user}
        assert together.keys() >= mine.keys(), f"answered and lost: {mine.keys() - together.keys()}"
        for message_id, sent in mine.items():
            assert together[message_id]["body"] == sent["body"]
            assert together[message_id].get("thread") == sent.get("thread")
        if together:
            user.acknowledge(*together)
        head, pending, _ = inbox_of(world, user.user)
        assert (head["pending"], pending) == (0, []), "acknowledged and still pending"
