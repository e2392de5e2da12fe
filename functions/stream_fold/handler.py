"""The stream of the Events table: folds new chunks into cells and watched views."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidemark.aws.streams import new_chunks
from tidemark.bootstrap import container
from tidemark.observability import logger


def handler(event: dict[str, Any], context: object) -> None:
    """Fold a batch. What fails is raised and redelivered; what was folded already stays as it is."""
    logged = list(new_chunks(event))
    logger().info("fold", extra={"chunks": len(logged), "events": sum(len(each.chunk.events) for each in logged)})
    try:
        container().index_sessions(logged)
    finally:  # dashboards do not wait for an index that fails; the batch comes again
        container().fold(logged, datetime.now(UTC))
