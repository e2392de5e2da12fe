"""The canary: a user of its own workspace, who does over the real interfaces all that a viewer does.

Each method of `Visit` is one step of `tidemark.domain.health.STEPS` and stands on those before it. The canary knows of
the system what docs/protocol.md says and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tidemark.domain.credentials import issue_token
from tidemark.domain.delta import apply
from tidemark.domain.snapshot import checksums_of
from tidemark.domain.views import View
from tidemark.domain.workspace import CANARY as CANARY
from tidemark.services.conversation import Conversation, Deadline, Message, Outside, StepFailed
from tidemark.services.ports import Connections, Listeners, TokenKeys, Workspace

USER = "canary"
THREAD = "health"
VIEW = View("web", 1)
WORKSPACE = Workspace(CANARY, name="Health check", dashboards=(VIEW.dashboard,), retention_days=1)
TOKEN_LIFETIME = timedelta(minutes=2)
POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Store:
    """What the canary may do in the store: make its workspace, and see whether anything of its connections is left."""

    ensure_workspace: Callable[[Workspace], None]
    connections: Connections
    listeners: Listeners


class Visit:
    """One visit of the canary; the methods are its steps, in order. `close` may be called at any time.

    Parameters
    ----------
    name
        Distinguishes the visit: it names its event and its message.
    now
        When the visit began.
    pause
        Waits some seconds.
    """

    def __init__(
        self,
        outside: Outside,
        store: Store,
        token_keys: TokenKeys,
        name: str,
        now: datetime,
        pause: Callable[[float], None],
    ) -> None:
        self._outside = outside
        self._store = store
        self._token_keys = token_keys
        self._name = name
        self._now = now
        self._pause = pause
        self._token = ""
        self._ticket: Message = {}
        self._conversation: Conversation | None = None
        self._sections: dict[str, Any] = {}
        self._epoch, self._seq = "", 0
        self._inbox: list[str] = []
        self._connections: set[str] = set()

    def workspace(self, _: Deadline) -> None:
        """Make the workspace if it is not there."""
        self._store.ensure_workspace(WORKSPACE)

    def token(self, _: Deadline) -> None:
        """Sign a token with the current key."""
        kid, secret = self._token_keys.current()
        self._token = issue_token(
            CANARY, "admin", kid=kid, secret=secret, issued_at=self._now, lifetime=TOKEN_LIFETIME, user=USER
        )

    def ticket(self, deadline: Deadline) -> None:
        """Exchange the token for a ticket, over HTTP."""
        self._ticket = self._outside.post("/v1/ticket", self._token, deadline.left())
        if not all(isinstance(self._ticket.get(name), str) for name in ("ticket", "websocket_url")):
            raise StepFailed("unexpected_answer")

    def connect(self, deadline: Deadline) -> None:
        """Open a WebSocket connection."""
        socket = self._outside.connect(self._ticket["websocket_url"], self._ticket["ticket"], deadline.left())
        self._conversation = Conversation(socket)

    def routes(self, deadline: Deadline) -> None:
        """See that a route answers, and that what no route takes is answered too."""
        self._open.ask("ping", "pong", deadline)
        try:
            self._open.ask("canary", "", deadline)
        except StepFailed as failed:
            if failed.code != "unknown_action":
                raise

    def bootstrap(self, deadline: Deadline) -> None:
        """Load the view, and prove its checksums."""
        snapshot = self._open.ask("bootstrap", "snapshot", deadline, view=VIEW.as_dict())
        sections: dict[str, Any] = {}
        parts: dict[str, dict[int, str]] = {}
        while len(sections) < len(snapshot["sections"]):
            message = self._open.next(lambda held: held["type"] == "section" and held["id"] == snapshot["id"], deadline)
            if message["parts"] == 1:
                sections[message["section"]] = message["data"]
                continue
            pieces = parts.setdefault(message["section"], {})
            pieces[message["part"]] = message["data"]
            if len(pieces) == message["parts"]:
                sections[message["section"]] = json.loads("".join(pieces[number] for number in sorted(pieces)))
        if checksums_of(sections) != snapshot["checksums"]:
            raise StepFailed("checksum_mismatch")
        self._sections = sections
        self._epoch, self._seq = snapshot["position"]["epoch"], snapshot["position"]["seq"]

    def subscribe(self, deadline: Deadline) -> None:
        """Subscribe from there; what cannot be recovered is loaded anew."""
        position = {"epoch": self._epoch, "seq": self._seq}
        answer = self._open.ask("subscribe", "subscribed", deadline, view=VIEW.as_dict(), position=position)
        if not answer["recovered"]:
            self.bootstrap(deadline)
        while self._epoch == answer["position"]["epoch"] and self._seq < answer["position"]["seq"]:
            self._take_delta(deadline)

    def track(self, deadline: Deadline) -> None:
        """Send one event, and have it acknowledged."""
        event = {
            "event_id": f"canary-{self._name}",
            "type": "page",
            "timestamp": self._now.isoformat(),
            "anonymous_id": USER,
            "properties": {"path": "/health", "method": "GET", "status": 200, "bytes": 0},
        }
        ack = self._open.ask("track", "ack", deadline, events=[event])
        if ack["accepted"] != [event["event_id"]]:
            raise StepFailed(ack["rejected"][0]["code"] if ack["rejected"] else "unexpected_answer")

    def delta(self, deadline: Deadline) -> None:
        """Wait until the event is shown: by deltas without a gap, each of which leads to its checksum."""
        while "pageviews" not in self._take_delta(deadline).get("kpis", {}):
            pass

    def reconcile(self, deadline: Deadline) -> None:
        """Have the server confirm what the canary holds."""
        checksums = checksums_of(self._sections)
        have = {name: value for name, value in checksums.items() if name != "full"}
        position = {"epoch": self._epoch, "seq": self._seq}
        answer = self._open.ask("reconcile", "reconciled", deadline, view=VIEW.as_dict(), position=position, have=have)
        if answer["verdict"] == "diverged":
            raise StepFailed("diverged")
        if not answer["subscribed"]:
            raise StepFailed("not_subscribed")

    def listen(self, deadline: Deadline) -> None:
        """Listen for messages, and take what earlier visits have left."""
        self._inbox = self._pending(deadline)

    def notify(self, deadline: Deadline) -> None:
        """Send a message to itself; it has to go to this connection's thread."""
        answer = self._open.ask(
            "notify", "notified", deadline, user=USER, thread=THREAD, message_id=self._name, body={"visit": self._name}
        )
        if answer["delivery"] != "thread" or answer["connections"] < 1:
            raise StepFailed("not_delivered")

    def message(self, deadline: Deadline) -> None:
        """Receive the message."""
        found = self._open.next(lambda held: held["type"] == "message" and held["message_id"] == self._name, deadline)
        if found["body"] != {"visit": self._name} or found["thread"] != THREAD:
            raise StepFailed("unexpected_answer")

    def acknowledge(self, deadline: Deadline) -> None:
        """Acknowledge it, with what earlier visits have left; then it is in the inbox no more."""
        messages = [self._name, *self._inbox[:99]]
        self._open.ask("acknowledge", "acknowledged", deadline, messages=messages)
        if not set(messages).isdisjoint(self._pending(deadline)):
            raise StepFailed("still_pending")

    def unsubscribe(self, deadline: Deadline) -> None:
        """End the subscription."""
        self._open.ask("unsubscribe", "unsubscribed", deadline, view=VIEW.as_dict())

    def close(self, _: Deadline | None = None) -> None:
        """Note which connections the canary has, and close this one."""
        if self._conversation is None:
            return
        try:
            self._connections = self._known()
        finally:
            conversation, self._conversation = self._conversation, None
            conversation.close()

    def cleanup(self, deadline: Deadline) -> None:
        """Wait until nothing of the connections is left; `$disconnect` comes a moment after the close."""
        while self._known() or any(self._store.connections.get(name, self._seconds) for name in self._connections):
            try:
                self._pause(min(POLL_SECONDS, deadline.left()))
            except StepFailed:
                raise StepFailed("left_over") from None

    @property
    def _seconds(self) -> int:
        return int(self._now.timestamp())

    def _known(self) -> set[str]:
        """Return the connections on which the canary listens or is subscribed."""
        listening = {listener.connection for listener in self._store.listeners.listeners(CANARY, USER, self._seconds)}
        return listening | set(self._store.connections.subscribers(CANARY, VIEW, self._seconds))

    @property
    def _open(self) -> Conversation:
        if self._conversation is None:
            raise StepFailed("closed")
        return self._conversation

    def _pending(self, deadline: Deadline) -> list[str]:
        """Listen, and return the ids of the messages that were waiting."""
        self._open.forget("message")
        pending = self._open.ask("listen", "listening", deadline, thread=THREAD)["pending"]
        return [self._open.next(lambda held: held["type"] == "message", deadline)["message_id"] for _ in range(pending)]

    def _take_delta(self, deadline: Deadline) -> Mapping[str, Any]:
        """Apply the next delta that is new, and return its patch."""
        delta = self._open.next(lambda held: held["type"] == "delta", deadline)
        while delta["epoch"] == self._epoch and delta["seq"] <= self._seq:
            delta = self._open.next(lambda held: held["type"] == "delta", deadline)
        if delta["epoch"] != self._epoch or delta["base"] > self._seq:
            raise StepFailed("gap")
        self._sections, self._seq = apply(self._sections, delta["patch"]), delta["seq"]
        if checksums_of(self._sections)["full"] != delta["checksums"]["full"]:
            raise StepFailed("checksum_mismatch")
        patch: Mapping[str, Any] = delta["patch"]
        return patch
