"""Messages to a user: their form, their bounds, and which of the user's connections each goes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tidemark.domain.credentials import MAX_USER_CHARACTERS
from tidemark.domain.errors import InvalidRequest
from tidemark.domain.events import bound, compact_json, format_timestamp

MAX_BODY_BYTES = 8 * 1024
"""Of the body as compact JSON in UTF-8; with all the rest a message stays far below a frame of 32 KB."""
MAX_THREAD_CHARACTERS = 128
MAX_MESSAGE_ID_CHARACTERS = 128
MAX_ACKNOWLEDGED = 100
"""Messages that one request acknowledges."""
MAX_PENDING = 256
"""Messages that an inbox holds: 2 MB at most, which one `listen` reads and sends."""
KEPT_SECONDS = 30 * 86_400
"""How long a message waits for its user, and how long its id makes a repetition known."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message as it is sent, not yet placed in an inbox; `sent_at` is formatted like an event's timestamp."""

    user: str
    message_id: str
    body: Mapping[str, Any]
    sent_at: str
    thread: str | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any], now: datetime, new_id: Callable[[], str]) -> Notice:
        """Return what the fields of a `notify` say; `new_id` names a message that its sender does not.

        Raises `InvalidRequest`, which names the field.
        """
        named = raw.get("message_id")
        return cls(
            user=_text(raw.get("user"), "user", MAX_USER_CHARACTERS),
            message_id=new_id() if named is None else _text(named, "message_id", MAX_MESSAGE_ID_CHARACTERS),
            body=_body(raw.get("body")),
            sent_at=format_timestamp(now),
            thread=thread_of(raw),
        )


@dataclass(frozen=True, slots=True)
class UserMessage:
    """A message in an inbox; `seq` is its place among all messages of the user."""

    seq: int
    message_id: str
    body: Mapping[str, Any]
    sent_at: str
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a message went: to connections of its `thread`, to others of the `user`, or to the `inbox` alone."""

    to: Literal["thread", "user", "inbox"] = "inbox"
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Listener:
    """A connection of a user that takes messages; `threads` are those that it listens for by name."""

    connection: str
    threads: frozenset[str]
    expires_at: int


def thread_of(raw: Mapping[str, Any]) -> str | None:
    """Return the thread that a request names, None if it names none."""
    thread = raw.get("thread")
    return None if thread is None else _text(thread, "thread", MAX_THREAD_CHARACTERS)


def acknowledged_ids(raw: Any) -> list[str]:
    """Return the message ids of an acknowledgement, each once, in order; raises `InvalidRequest`."""
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_ACKNOWLEDGED:
        raise InvalidRequest(f"messages is a list of 1 to {MAX_ACKNOWLEDGED} message ids", field="messages")
    return list(dict.fromkeys(_text(each, "messages", MAX_MESSAGE_ID_CHARACTERS) for each in raw))


def routes(listeners: Iterable[Listener], thread: str | None) -> tuple[list[Listener], list[Listener]]:
    """Return (those that listen for `thread`, all others): the second are tried when none of the first takes it."""
    named: list[Listener] = []
    others: list[Listener] = []
    for listener in listeners:
        (named if thread in listener.threads else others).append(listener)
    return named, others


def _body(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest("body is an object", field="body")
    bound(value, "body")
    try:
        size = len(compact_json(value))
    except UnicodeEncodeError:
        raise InvalidRequest("body holds a string that is not valid Unicode", field="body") from None
    if size > MAX_BODY_BYTES:
        raise InvalidRequest(f"body has {size} bytes as JSON, {MAX_BODY_BYTES} are allowed", field="body")
    return value


def _text(value: Any, field: str, limit: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= limit:
        raise InvalidRequest(f"{field} is a string of 1 to {limit} characters", field=field)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(f"{field} is not valid Unicode", field=field) from None
    return value
