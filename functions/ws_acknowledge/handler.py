"""`acknowledge`: messages that their user has."""

from __future__ import annotations

from collections.abc import Iterable

from tidemark import wire
from tidemark.bootstrap import container
from tidemark.domain.messages import acknowledged_ids
from tidemark.services.delivery import acknowledge as remove
from tidemark.websocket import Request, route


def acknowledge(request: Request) -> Iterable[wire.Message]:
    """Take the messages out of the inbox, and answer with `acknowledged`, also for those that were not in it."""
    message_ids = acknowledged_ids(request.message.get("messages"))
    request.open("read")
    remove(container().inbox, request.principal, message_ids, request.now)
    return [wire.acknowledged(request.message_id, message_ids)]


handler = route(acknowledge)
