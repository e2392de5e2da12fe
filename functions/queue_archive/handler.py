"""The queue of the archive: writes closed hours as Parquet, and the analysed batches of hours."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tidemark.analysis import analysis
from tidemark.aws.archive_queue import hour_of, is_of_batches
from tidemark.bootstrap import container
from tidemark.observability import count, logger


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Do each job of the batch; those that failed are named, and come again."""
    failed = [record["messageId"] for record in event["Records"] if not _done(record)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _done(record: dict[str, Any]) -> bool:
    body = json.loads(record["body"])
    try:
        if is_of_batches(body):
            _store_batches(body)
        else:
            _archive(body)
    except Exception:  # noqa: BLE001  # logged; the other jobs of the batch must have their turn
        attempts = int(record["attributes"]["ApproximateReceiveCount"])
        logger().exception("archiving failed", extra={"job": body, "attempts": attempts})
        return False
    return True


def _archive(body: dict[str, Any]) -> None:
    archiving = container().archive(*hour_of(body), datetime.now(UTC))
    if archiving is not None:
        logger().info("archived", extra={name: getattr(archiving, name) for name in archiving.__slots__})
        count("ArchivedHours", Outcome=archiving.outcome)


def _store_batches(body: dict[str, Any]) -> None:
    storing = analysis().store_hour(*hour_of(body), datetime.now(UTC))
    logger().info("batches stored", extra={name: getattr(storing, name) for name in storing.__slots__})
    count("ColdHours", Outcome=storing.outcome)
