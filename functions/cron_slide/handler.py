"""The schedule by which watched views slide with the clock: every quarter, at each of which hours begin somewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidemark.bootstrap import container
from tidemark.observability import logger
from tidemark.services.slide import queue_watched


def handler(event: dict[str, Any], context: object) -> None:
    """Queue the rendering of the watched views; one whose hour has not moved on stays as it is."""
    views = queue_watched(container().connections, container().rollup_queue, datetime.now(UTC))
    logger().info("slide", extra={"views": views})
