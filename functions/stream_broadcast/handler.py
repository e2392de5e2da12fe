"""The stream of the delta log: pushes deltas to their subscribers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidemark.aws.streams import new_deltas
from tidemark.bootstrap import container
from tidemark.observability import logger


def handler(event: dict[str, Any], context: object) -> None:
    """Push a batch. What fails is raised, and the stream redelivers: clients ignore what they have."""
    sent = container().broadcast(new_deltas(event), datetime.now(UTC))
    logger().info("broadcast", extra={"records": len(event["Records"]), "messages": sent})
