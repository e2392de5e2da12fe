"""`track`: events over the socket."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from tidemark import wire
from tidemark.bootstrap import container
from tidemark.services.ingest import ingest
from tidemark.websocket import Request, route


def track(request: Request) -> Iterable[wire.Message]:
    """Answer with an `ack` of the events that are stored and of those that are not."""
    receipt = ingest(
        container().event_log,
        request.open("ingest"),
        request.message.get("events"),
        received_at=request.now,
        new_id=lambda: uuid4().hex,
    )
    rejected = [rejection.as_dict() for rejection in receipt.rejected]
    return [{"type": "ack", "id": request.message_id, "accepted": list(receipt.accepted), "rejected": rejected}]


handler = route(track)
