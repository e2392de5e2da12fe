"""`reconcile`: where a client stands with a view, and the sections in which it differs."""

from __future__ import annotations

from collections.abc import Iterable

from tidemark import wire
from tidemark.bootstrap import container
from tidemark.domain.views import View
from tidemark.observability import logger
from tidemark.websocket import Request, route


def reconcile(request: Request) -> Iterable[wire.Message]:
    """Answer with `reconciled` and its `section`s; a client whose sections do not fit its position is logged."""
    view = View.parse(request.message.get("view"))
    position, have = wire.position(request.message), wire.have(request.message)
    workspace = request.open("read")
    found = container().watching.reconcile(workspace, request.connection, view, position, have, request.now)
    if found.verdict == "diverged":
        where = {"workspace": workspace.workspace, "view": view.key, "position": f"{found.head.epoch}:{found.head.seq}"}
        logger().warning("diverged", extra={**where, "sections": found.sections, "connection": request.connection})
    yield wire.reconciled(request.message_id, workspace.workspace, view, found)
    for name in found.sections:
        yield from wire.section(request.message_id, name, found.head.sections[name])


handler = route(reconcile)
