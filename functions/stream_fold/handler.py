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
    chunks = [each.chunk for each in logged]
    logger().info("fold", extra={"chunks": len(chunks), "events": sum(len(chunk.events) for chunk in chunks)})
    try:
        container().index_sessions(logged)
    finally:  # dashboards do not wait for an index that fails; the batch comes again
        container().fold(chunks, datetime.now(UTC))
