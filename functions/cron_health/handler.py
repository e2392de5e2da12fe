"""The schedule of the health check: visits the system as a user would, publishes what it found and keeps it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidemark.bootstrap import container
from tidemark.domain.health import measurements
from tidemark.observability import count, logger


def handler(event: dict[str, Any], context: object) -> None:
    """Run the check. What does not hold is a finding and no error: it is in the metrics, the log and `GET /health`."""
    check = container().health_check
    run = check(datetime.now(UTC))
    for metric in measurements(run):
        count(metric.name, metric.value, unit=metric.unit, **metric.dimensions)
    failed = {step.name: step.code for step in run.failed()}
    logger().info("health", extra={"milliseconds": run.milliseconds, "failed": failed})
    check.keep(run)
