"""The hourly schedule of the rollup, at minute 5: queues every hour and day that is due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidemark.bootstrap import container
from tidemark.observability import count, logger


def handler(event: dict[str, Any], context: object) -> None:
    """Queue what is due, also what earlier runs missed or what failed since."""
    sent, repeated = container().dispatch.run(datetime.now(UTC))
    logger().info("rollup", extra={"periods": sent, "repeated": repeated})
    count("RollupRuns")
    count("RollupBacklog", repeated)
