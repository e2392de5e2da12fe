"""`subscribe`: the deltas of a view from now on, and those that were missed."""

from __future__ import annotations

from collections.abc import Iterable

from tidemark import wire
from tidemark.bootstrap import container
from tidemark.domain.views import View
from tidemark.websocket import Request, route


def subscribe(request: Request) -> Iterable[wire.Message]:
    """Answer with `subscribed`, and with the missed `delta`s if all of them are there."""
    view = View.parse(request.message.get("view"))
    position = wire.position(request.message)
    head, missed = container().watching.subscribe(
        request.open("read"), request.connection, view, position, request.now, request.principal.expires_at
    )
    yield wire.subscribed(request.message_id, view, head, missed is not None)
    for delta in missed or ():
        yield wire.delta(view, delta)


handler = route(subscribe)
