"""The queue of the rollup: closes hours and days, renders views whose hour has moved on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tidemark.aws.rollup_queue import due_of, views_of
from tidemark.bootstrap import container
from tidemark.domain.closing import is_day
from tidemark.observability import count, logger

ATTEMPTS = 5
"""After as many the queue moves a message to the dead letters (template.yaml, maxReceiveCount)."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Do each job of the batch; those that failed are named, and come again."""
    failed = [record["messageId"] for record in event["Records"] if not _done(record)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _done(record: dict[str, Any]) -> bool:
    body, now = json.loads(record["body"]), datetime.now(UTC)
    due = due_of(body)
    try:
        if due is None:
            container().slide(views_of(body), now)
            return True
        closing = container().rollup(due, now)
    except Exception as error:  # noqa: BLE001  # logged; the other jobs of the batch must have their turn
        attempts = int(record["attributes"]["ApproximateReceiveCount"])
        logger().exception("job failed", extra={"job": body, "attempts": attempts})
        if due is not None and attempts >= ATTEMPTS:
            container().runs.failed(due, repr(error), attempts, now)
        return False
    if closing is not None:
        logger().info("closed", extra={name: getattr(closing, name) for name in closing.__slots__})
        if not is_day(closing.period):
            count("RollupHours", Outcome=closing.outcome)
            count("RollupDrift", closing.drift)
    return True
