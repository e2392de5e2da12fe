"""`notify`: a message to a user."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from tidemark import wire
from tidemark.bootstrap import container
from tidemark.domain.messages import Notice
from tidemark.websocket import Request, route


def notify(request: Request) -> Iterable[wire.Message]:
    """Store the message, push it, and answer with `notified`: where it went."""
    workspace = request.open("administer").workspace
    notice = Notice.parse(request.message, request.now, lambda: uuid4().hex)
    delivery = container().messenger.notify(workspace, notice, request.now)
    return [{"type": "notified", "id": request.message_id, **wire.notified(notice.message_id, delivery)}]


handler = route(notify)
