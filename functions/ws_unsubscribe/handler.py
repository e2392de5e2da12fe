"""`unsubscribe`: no more deltas of a view."""

from __future__ import annotations

from collections.abc import Iterable

from tidemark import wire
from tidemark.bootstrap import container
from tidemark.domain.views import View
from tidemark.websocket import Request, route


def unsubscribe(request: Request) -> Iterable[wire.Message]:
    """Answer with `unsubscribed`, also when there was no subscription."""
    view = View.parse(request.message.get("view"))
    container().connections.unsubscribe(request.connection, request.principal.workspace, view)
    return [{"type": "unsubscribed", "id": request.message_id, "view": view.as_dict()}]


handler = route(unsubscribe)
