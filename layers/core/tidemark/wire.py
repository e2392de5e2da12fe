"""The messages of the WebSocket protocol (docs/protocol.md), as they are read and written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tidemark.domain.errors import InvalidRequest, RequestTooLarge
from tidemark.domain.messages import Delivery, UserMessage
from tidemark.domain.views import View
from tidemark.services.ports import Delta, Head
from tidemark.services.reconciliation import Reconciliation

MAX_MESSAGE_BYTES = 128 * 1024
MAX_FRAME_BYTES = 32 * 1024
PART_CHARACTERS = 15_000
"""Of ASCII JSON text: as a JSON string it at most doubles (quotes, backslashes), which leaves 2 KB for the rest."""
MAX_ID_CHARACTERS = 64
MAX_HAVE = 64

Message = dict[str, Any]


def parse(body: str | None) -> Message:
    """Return the object that a client sent; raises `InvalidRequest` (`invalid_json`) or `RequestTooLarge`."""
    if body and len(body.encode(errors="replace")) > MAX_MESSAGE_BYTES:
        raise RequestTooLarge(f"a message has at most {MAX_MESSAGE_BYTES} bytes")
    try:
        message = json.loads(body or "", parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidRequest("the message is not JSON", code="invalid_json") from None
    if not isinstance(message, dict):
        raise InvalidRequest("a message is a JSON object", code="invalid_json")
    return message


def message_id(message: Message) -> str:
    """Return the client's id of a message; raises `InvalidRequest` if it has none."""
    value = message.get("id")
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ID_CHARACTERS:
        raise InvalidRequest(f"id is a string of 1 to {MAX_ID_CHARACTERS} characters", field="id")
    if _is_unicode(value):
        return value
    raise InvalidRequest("id is not valid Unicode", field="id")


def position(message: Message) -> tuple[str, int] | None:
    """Return the (epoch, seq) that a client says it has."""
    raw = message.get("position")
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise InvalidRequest("position is an object of epoch and seq", field="position")
    epoch, seq = raw.get("epoch"), raw.get("seq")
    if not isinstance(epoch, str):
        raise InvalidRequest("epoch is a string", field="position.epoch")
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq < 2**53:
        raise InvalidRequest("seq is a whole number", field="position.seq")
    return epoch, seq


def have(message: Message) -> Mapping[str, str]:
    """Return the checksums by section that a client says it has; `full`, which is none of a section, is left out."""
    raw = message.get("have", {})
    if not isinstance(raw, dict) or len(raw) > MAX_HAVE or not all(isinstance(value, str) for value in raw.values()):
        raise InvalidRequest(f"have is an object of at most {MAX_HAVE} checksums by section", field="have")
    return {name: value for name, value in raw.items() if name != "full"}


def snapshot(client_id: str, workspace: str, view: View, head: Head, sections: Sequence[str]) -> Message:
    """Return the head without its data; `sections` names those that follow."""
    return {
        "type": "snapshot",
        "id": client_id,
        "workspace_id": workspace,
        "view": view.as_dict(),
        "position": {"epoch": head.epoch, "seq": head.seq},
        "checksums": dict(head.checksums),
        "sections": list(sections),
        "generated_at": head.generated_at,
    }


def section(client_id: str, name: str, data: Any) -> Iterator[Message]:
    """Yield the message of a section, or its parts if it does not fit a frame."""
    whole = {"type": "section", "id": client_id, "section": name, "part": 0, "parts": 1, "data": data}
    if len(encode(whole)) <= MAX_FRAME_BYTES:
        yield whole
        return
    text = json.dumps(data, separators=(",", ":"))
    pieces = [text[start : start + PART_CHARACTERS] for start in range(0, len(text), PART_CHARACTERS)]
    for part, piece in enumerate(pieces):
        yield whole | {"part": part, "parts": len(pieces), "data": piece}


def subscribed(client_id: str, view: View, head: Head, recovered: bool) -> Message:
    """Return the answer to a subscription."""
    return {
        "type": "subscribed",
        "id": client_id,
        "view": view.as_dict(),
        "position": {"epoch": head.epoch, "seq": head.seq},
        "checksums": {"full": head.checksums["full"]},
        "recovered": recovered,
    }


def reconciled(client_id: str, workspace: str, view: View, found: Reconciliation) -> Message:
    """Return where a client stands, without the data of the sections that differ."""
    head = found.head
    return {
        "type": "reconciled",
        "id": client_id,
        "workspace_id": workspace,
        "view": view.as_dict(),
        "position": {"epoch": head.epoch, "seq": head.seq},
        "verdict": found.verdict,
        "subscribed": found.subscribed,
        "checksums": dict(found.checksums),
        "sections": list(found.sections),
        "generated_at": head.generated_at,
    }


def delta(view: View, change: Delta) -> Message:
    """Return the message of a delta, as short as can be, since all who watch get every one.

    It does not say when it was made: its arrival says that to all who are connected.
    """
    return {
        "type": "delta",
        "view": view.as_dict(),
        "epoch": change.epoch,
        "base": change.base,
        "seq": change.seq,
        "patch": change.patch,
        "checksums": change.checksums,
    }


def listening(client_id: str, thread: str | None, pending: int) -> Message:
    """Return the answer to `listen`; the pending messages follow."""
    return {"type": "listening", "id": client_id, **_named(thread), "pending": pending}


def message(sent: UserMessage) -> Message:
    """Return a message to a user."""
    return {
        "type": "message",
        "message_id": sent.message_id,
        "seq": sent.seq,
        **_named(sent.thread),
        "body": sent.body,
        "sent_at": sent.sent_at,
    }


def acknowledged(client_id: str, message_ids: Sequence[str]) -> Message:
    """Return the answer to `acknowledge`: the messages that are not pending any more."""
    return {"type": "acknowledged", "id": client_id, "messages": list(message_ids)}


def notified(message_id: str, delivery: Delivery) -> Message:
    """Return what the sender of a message is told, over HTTP as it is."""
    return {"message_id": message_id, "delivery": delivery.to, "connections": delivery.connections}


def error(client_id: str | None, body: Mapping[str, str], request_id: str, workspace: str | None) -> Message:
    """Return an error; `body` holds code, message and perhaps field."""
    return {"type": "error", "id": client_id, **body, "request_id": request_id, "workspace_id": workspace}


def _named(thread: str | None) -> Message:
    return {} if thread is None else {"thread": thread}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _is_unicode(value: str) -> bool:
    return value == value.encode(errors="replace").decode()


def encode(message: Message) -> bytes:
    """Return a message as it is sent; a lone surrogate, which an error may quote from a request, becomes "?"."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
