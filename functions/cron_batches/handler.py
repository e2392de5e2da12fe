"""The schedule of the batches, every minute: seals what is old, sends what was lost or is to be stored, watches."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tidemark.administration import administration
from tidemark.analysis import analysis
from tidemark.observability import count, logger
from tidemark.services.analysis_events import of_sealed


def handler(event: dict[str, Any], context: object) -> None:
    """Do what is due of batches and jobs, and publish how they do; what is left, or fails, is due in the next run."""
    now, sealed = datetime.now(UTC), 0
    try:
        swept = analysis().sealing.run(now)
        logger().info("batches", extra=asdict(swept))
        sealed = swept.sealed
    finally:
        try:
            if hours := analysis().send_hours(now):
                logger().info("batches to be stored", extra={"hours": hours})
        finally:
            _watch(sealed, now)


def _watch(sealed: int, now: datetime) -> None:
    """Tell what was sealed, and publish how the pipeline does."""
    administration().ensure_operations(now)
    analysis().system_events(of_sealed(sealed, now), now)
    for alarm in administration().health(None, now).alarms:
        if alarm.value is not None:
            count(alarm.rule.metric, alarm.value, unit=alarm.rule.unit.capitalize())
