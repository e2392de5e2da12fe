"""The dead letters of the analysis: keeps with each job why it failed for good."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tidemark.analysis import analysis
from tidemark.aws.analysis_queue import letter_of
from tidemark.domain.jobs import DeadLetter
from tidemark.observability import count, logger
from tidemark.services.analysis_events import of_dead_letters


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Bury each job of the batch; those with which that failed are named, and come again."""
    buried: list[DeadLetter] = []
    failed = [record["messageId"] for record in event["Records"] if not _done(record, buried)]
    analysis().system_events(of_dead_letters(buried), datetime.now(UTC))
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _done(record: dict[str, Any], buried: list[DeadLetter]) -> bool:
    try:
        letter = letter_of(json.loads(record["body"]))
        is_buried = analysis().bury(letter, int(datetime.now(UTC).timestamp())).done
    except Exception:  # noqa: BLE001  # logged; the others must have their turn
        logger().exception("dead letter not kept", extra={"letter": record["body"]})
        return False
    extra = {"workspace": letter.workspace, "batch": letter.batch, "code": letter.error.code, "is_buried": is_buried}
    logger().warning("dead letter", extra=extra)  # no defect of this system; the metric raises the alarm
    if is_buried:
        buried.append(letter)
        count("AnalysisDeadLetters")
    return True
