"""`ping`: keeps a connection from idling away."""

from __future__ import annotations

from collections.abc import Iterable

from tidemark import wire
from tidemark.websocket import Request, route


def ping(request: Request) -> Iterable[wire.Message]:
    """Answer with `pong`."""
    return [{"type": "pong", "id": request.message_id}]


handler = route(ping)
