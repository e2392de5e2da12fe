"""The queue of the archive: writes closed hours as Parquet."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tidemark.aws.archive_queue import hour_of
from tidemark.bootstrap import container
from tidemark.observability import count, logger


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Do each job of the batch; those that failed are named, and come again."""
    failed = [record["messageId"] for record in event["Records"] if not _done(record)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _done(record: dict[str, Any]) -> bool:
    body = json.loads(record["body"])
    try:
        archiving = container().archive(*hour_of(body), datetime.now(UTC))
    except Exception:  # noqa: BLE001  # logged; the other jobs of the batch must have their turn
        attempts = int(record["attributes"]["ApproximateReceiveCount"])
        logger().exception("archiving failed", extra={"job": body, "attempts": attempts})
        return False
    if archiving is not None:
        logger().info("archived", extra={name: getattr(archiving, name) for name in archiving.__slots__})
        count("ArchivedHours", Outcome=archiving.outcome)
    return True
