"""Clients after docs/protocol.md: viewers that stay exact, producers that repeat until they are acknowledged."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import count
from typing import Any

import rfc8785

from tests.support.checks import check_error, check_response
from tests.support.connections import Refused
from tests.support.deployed import World
from tidemark.domain.delta import apply

ATTEMPTS = 4
"""A fault befalls one call, so that the second attempt of a client gets through; redeliveries may need one more."""
RETRYABLE = {"throttled", "unavailable", "internal"}
WEB = {"dashboard": "web", "days": 2}

_ids = count(1)


def checksum(value: Any) -> str:
    return sha256(rfc8785.dumps(value)).hexdigest()


def checksums(sections: Mapping[str, Any]) -> dict[str, str]:
    by_section = {name: checksum(data) for name, data in sections.items()}
    return {**by_section, "full": checksum(by_section)}


class RequestFailed(Exception):
    """The server has answered with an error that trying again does not mend."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.error = error


class Client:
    """A WebSocket client: sends requests, repeats them under the same id, and hands on everything else."""

    def __init__(self, world: World, credential: str | None = None) -> None:
        self.world = world
        self.credential = credential or world.token()
        self.connection: str | None = None

    @property
    def connected(self) -> bool:
        return self.world.stack.connections.is_open(self.connection)

    def connect(self) -> None:
        for _ in range(ATTEMPTS):
            try:
                self.connection = self.world.connect(self.credential)
            except Refused as refused:
                if refused.status != 500:
                    raise
            else:
                self.on_connect()
                return
        raise AssertionError("the gateway does not let the client in")

    def leave(self, *, told: bool = True) -> None:
        assert self.connection is not None
        self.world.disconnect(self.connection, told=told)

    def request(self, action: str, final: str, **fields: Any) -> dict[str, Any]:
        """Send a request until its `final` answer is here, and return that; raises `RequestFailed`."""
        message = {"action": action, "id": f"m{next(_ids)}", **fields}
        for _ in range(ATTEMPTS):
            if not self.connected:
                self.connect()
            assert self.connection is not None
            self.world.send(self.connection, message)
            answers = [answer for answer in self.drain() if answer.get("id") == message["id"]]
            found = next((answer for answer in answers if answer["type"] == final and self.complete(answer)), None)
            if found is not None:
                return found
            error = next((answer for answer in answers if answer["type"] == "error"), None)
            if error is not None and error["code"] not in RETRYABLE:
                raise RequestFailed(error)
        raise AssertionError(f"no answer to {message}")

    def drain(self) -> list[dict[str, Any]]:
        """Take what has arrived, and return it."""
        messages = self.world.stack.connections.take(self.connection) if self.connection else []
        for message in messages:
            if message.get("type") == "error":
                check_error(message)
            self.on_message(message)
        return [message for message in messages if "type" in message]

    def complete(self, answer: Mapping[str, Any]) -> bool:
        """Whether all that belongs to a final answer is here."""
        return True

    def on_connect(self) -> None:
        """Called for every new connection."""

    def on_message(self, message: Mapping[str, Any]) -> None:
        """Called for every message."""


def refusal(client: Client, **message: Any) -> str:
    """Send a message and return the code of the error that answers it."""
    answer = raw(client, json.dumps(message))
    assert answer["type"] == "error"
    return str(answer["code"])


def raw(client: Client, frame: str) -> dict[str, Any]:
    """Send a frame as it is and return the one answer."""
    assert client.connection
    client.world.send(client.connection, frame)
    (answer,) = client.drain()
    return answer


class Viewer(Client):
    """Keeps one view exact. It holds deltas back while a bootstrap is under way and applies them after it."""

    def __init__(self, world: World, view: Mapping[str, Any] = WEB, credential: str | None = None) -> None:
        super().__init__(world, credential)
        self.view = dict(view)
        self.position: dict[str, Any] | None = None
        self.sections: dict[str, Any] = {}
        self.subscribed = False
        self.deltas = 0
        self.recoveries: list[bool] = []
        self._lost = False
        self._assembly: dict[str, Any] | None = None
        self._held: list[Mapping[str, Any]] = []

    def follow(self) -> None:
        """Do what the protocol asks for until there is nothing left to do."""
        for _ in range(ATTEMPTS * 2):
            self.drain()
            if not self.connected:
                self.connect()
            elif self.position is None:
                self.bootstrap()
            elif self._lost:
                self.reconcile()
            elif not self.subscribed:
                self.subscribe()
            else:
                return
        raise AssertionError("the viewer never comes to rest")

    def bootstrap(self) -> None:
        self._assembly = {}
        self.request("bootstrap", "snapshot", view=self.view, have=self.have())
        self._install()

    def reconcile(self) -> str:
        """Ask where the view stands, take what differs, and return the verdict."""
        self._assembly = {}
        answer = self.request("reconcile", "reconciled", view=self.view, position=self.position, have=self.have())
        self.subscribed = answer["subscribed"]
        self._install()
        return str(answer["verdict"])

    def have(self) -> dict[str, str]:
        return {name: checksum(data) for name, data in self.sections.items()}

    def subscribe(self) -> bool:
        answer = self.request("subscribe", "subscribed", view=self.view, position=self.position)
        assert answer["view"] == self.view
        self.subscribed = True
        self.recoveries.append(answer["recovered"])
        if not answer["recovered"]:
            self._lost = True
        elif self.position == answer["position"]:
            assert checksums(self.sections)["full"] == answer["checksums"]["full"], "a recovery does not end exact"
        return bool(answer["recovered"])

    def unsubscribe(self) -> None:
        self.request("unsubscribe", "unsubscribed", view=self.view)
        self.subscribed = False

    def on_connect(self) -> None:
        self.subscribed = False

    def on_message(self, message: Mapping[str, Any]) -> None:
        match message.get("type"):
            case "snapshot" | "reconciled":
                self._assembly = {"head": message, "sections": {}, "parts": {}}
            case "section" if self._assembly:
                self._take_section(message)
            case "delta" if message["view"] == self.view:
                if self._assembly is not None:
                    self._held.append(message)
                else:
                    self._take_delta(message)

    def complete(self, answer: Mapping[str, Any]) -> bool:
        match answer["type"]:
            case "snapshot" | "reconciled":
                assert self._assembly
                return set(answer["sections"]) == set(self._assembly["sections"])
            case "subscribed" if answer["recovered"] and not self._lost:
                assert self.position
                return bool(self.position["seq"] >= answer["position"]["seq"])
        return True

    def _take_section(self, message: Mapping[str, Any]) -> None:
        assert self._assembly is not None
        if message["parts"] == 1:
            self._assembly["sections"][message["section"]] = message["data"]
            return
        parts = self._assembly["parts"].setdefault(message["section"], {})
        parts[message["part"]] = message["data"]
        if len(parts) == message["parts"]:
            text = "".join(parts[number] for number in range(message["parts"]))
            self._assembly["sections"][message["section"]] = json.loads(text)

    def _install(self) -> None:
        assert self._assembly is not None
        head, came = self._assembly["head"], self._assembly["sections"]
        expected = head["checksums"]
        if expected.keys() == {"full"}:  # nothing differs
            assert checksums(self.sections)["full"] == expected["full"], "nothing differs, and yet something does"
        else:
            names = expected.keys() - {"full"}
            self.sections = {name: came[name] if name in came else self.sections[name] for name in sorted(names)}
            assert checksums(self.sections) == expected, f"a {head['type']} does not have its own checksums"
        self.position, self._assembly, self._lost = head["position"], None, False
        held, self._held = self._held, []
        for delta in held:
            self._take_delta(delta)

    def _take_delta(self, delta: Mapping[str, Any]) -> None:
        """Rule 3 and 4 of the protocol."""
        if self._lost or self.position is None:
            return
        if delta["epoch"] != self.position["epoch"] or delta["base"] > self.position["seq"]:
            self._lost = True
        elif delta["seq"] > self.position["seq"]:
            self.sections = apply(self.sections, delta["patch"])
            self.position = {"epoch": delta["epoch"], "seq": delta["seq"]}
            self.deltas += 1
            mine = checksums(self.sections)
            for name, expected in delta["checksums"].items():
                assert mine[name] == expected, f"delta {delta['seq']} does not lead to its checksums in {name}"


class Producer:
    """Sends events over HTTP, repeating a request until it is answered for good; keeps what was acknowledged."""

    def __init__(self, world: World) -> None:
        self.world = world

    def send(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Send one batch with the write key."""
        credential = base64.b64encode(f"{self.world.write_key}:".encode()).decode()
        for _ in range(ATTEMPTS):
            answer = self.world.http(
                "POST",
                "/v1/batch",
                headers={"authorization": f"Basic {credential}", "content-type": "application/json"},
                body={"batch": list(events)},
            )
            check_response(answer)
            if answer.status == 200:
                body = answer.json()
                refused = {rejection["event_id"] for rejection in body["rejected"]}
                accepted = [event["event_id"] for event in events if event["event_id"] not in refused]
                assert body["accepted"] == len(accepted)
                self.world.acked |= set(accepted)
                return
            assert answer.status in (429, 500, 503), f"{answer.status}: {answer.body}"
        raise AssertionError("the batch is never taken")

    def track(self, client: Client, events: Sequence[Mapping[str, Any]]) -> None:
        """Send events over a socket until every one is acknowledged."""
        for _ in range(ATTEMPTS):
            ack = client.request("track", "ack", events=list(events))
            self.world.acked |= set(ack["accepted"])
            codes = {rejection["code"] for rejection in ack["rejected"]}
            if not codes & RETRYABLE:
                return
        raise AssertionError("the events are never taken")
