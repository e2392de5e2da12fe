"""`listen`: the messages to the user of this connection, those that wait and those to come."""

from __future__ import annotations

from collections.abc import Iterable

from tidemark import wire
from tidemark.bootstrap import container
from tidemark.domain.messages import thread_of
from tidemark.websocket import Request, route


def listen(request: Request) -> Iterable[wire.Message]:
    """Answer with `listening`, and with every pending `message`, oldest first."""
    thread = thread_of(request.message)
    request.open("read")
    pending = container().messenger.listen(request.principal, request.connection, thread, request.now)
    yield wire.listening(request.message_id, thread, len(pending))
    for message in pending:
        yield wire.message(message)


handler = route(listen)
