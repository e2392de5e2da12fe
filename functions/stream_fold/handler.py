"""The stream of the Events table: folds new chunks into cells and watched views, then puts events into batches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidemark.analysis import analysis
from tidemark.aws.streams import new_chunks
from tidemark.bootstrap import container
from tidemark.observability import logger


def handler(event: dict[str, Any], context: object) -> None:
    """Take a batch in. What fails is raised and redelivered; what was done already stays as it is."""
    logged = list(new_chunks(event))
    logger().info("fold", extra={"chunks": len(logged), "events": sum(len(each.chunk.events) for each in logged)})
    try:
        container().index_sessions(logged)
    finally:  # dashboards do not wait for an index that fails; the batch comes again
        try:
            container().fold(logged, datetime.now(UTC))
        finally:  # nor do they wait for batches, or these for a workspace that cannot be folded
            analysis().fill_batches(logged, datetime.now(UTC))
