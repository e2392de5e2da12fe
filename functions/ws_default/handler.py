"""`$default`: whatever no route takes is answered with an error, never with silence."""

from __future__ import annotations

from collections.abc import Iterable

from tidemark import wire
from tidemark.domain.errors import InvalidRequest
from tidemark.websocket import Request, route


def unknown(request: Request) -> Iterable[wire.Message]:
    """Raise what the client is told."""
    action = request.message.get("action")
    if not isinstance(action, str):
        raise InvalidRequest("a message has an action, like 'bootstrap'", field="action")
    raise InvalidRequest(f"there is no action {action[:64]!r}", code="unknown_action", field="action")


handler = route(unknown)
