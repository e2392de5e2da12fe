"""`$disconnect`: a connection has closed."""

from __future__ import annotations

from typing import Any

from tidemark.bootstrap import container
from tidemark.observability import logger
from tidemark.websocket import OK, Event, lifecycle


def disconnected(event: Event, context: object) -> dict[str, Any]:
    """Remove the lease and the subscriptions of the connection."""
    connection = event["requestContext"]["connectionId"]
    logger().info("disconnected", extra={"connection": connection})
    container().connections.close(connection)
    return OK


handler = lifecycle("DISCONNECT", disconnected)
