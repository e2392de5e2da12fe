"""`bootstrap`: the snapshot of a view, and the sections that the client does not have."""

from __future__ import annotations

from collections.abc import Iterable

from tidemark import wire
from tidemark.bootstrap import container
from tidemark.domain.views import View
from tidemark.services.watching import snapshot_messages
from tidemark.websocket import Request, route


def bootstrap(request: Request) -> Iterable[wire.Message]:
    """Answer with a `snapshot` and its `section`s."""
    view = View.parse(request.message.get("view"))
    have = wire.have(request.message)
    head, sections = container().watching.bootstrap(request.open("read"), view, have, request.now)
    return snapshot_messages(request.message_id, request.principal.workspace, view, head, sections)


handler = route(bootstrap)
