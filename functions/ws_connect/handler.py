"""`$connect`: a connection opens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidemark.bootstrap import container
from tidemark.observability import logger
from tidemark.services.ports import Connection
from tidemark.services.watching import LEASE_SECONDS
from tidemark.websocket import OK, Event, lifecycle, principal_of


def connected(event: Event, context: object) -> dict[str, Any]:
    """Store the lease of the connection; whatever fails refuses it, and the client tries again.

    Browsers drop a connection whose offer of subprotocols is not answered, so the first one is.
    """
    now = datetime.now(UTC)
    principal = principal_of(event, now)
    connection = event["requestContext"]["connectionId"]
    logger().info("connected", extra={"connection": connection, "workspace": principal.workspace})
    expires_at = int(now.timestamp()) + LEASE_SECONDS
    container().connections.open(Connection(connection, principal.workspace, principal.role, expires_at))
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    offered = headers.get("sec-websocket-protocol")
    return OK | ({"headers": {"Sec-WebSocket-Protocol": offered.split(",")[0].strip()}} if offered else {})


handler = lifecycle("CONNECT", connected)
