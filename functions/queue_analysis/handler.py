"""The queue of the analysis: has a provider analyse sealed batches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidemark.analysis import analysis
from tidemark.aws.analysis_queue import delivery_of
from tidemark.observability import count, logger, trace_of
from tidemark.services.analyse import Outcome
from tidemark.services.analysis_events import of_breaker, of_outcomes


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Do each job of the batch; those that failed are named, and come again."""
    trace = trace_of(context)
    found = {record["messageId"]: _outcome(record, trace) for record in event["Records"]}
    outcomes, now = [outcome for outcome in found.values() if outcome], datetime.now(UTC)
    left = analysis().note_hours(outcomes, now) | analysis().show_insights(outcomes, now)
    changes, analysis().breaker_changes = analysis().breaker_changes, []
    analysis().system_events([*of_outcomes(outcomes), *of_breaker(changes)], now)
    failed = [
        message
        for message, outcome in found.items()
        if outcome is None or outcome.comes_again or (outcome.has_insight and outcome.workspace in left)
    ]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _outcome(record: dict[str, Any], trace: dict[str, str]) -> Outcome | None:
    try:
        outcome = analysis().analyse(delivery_of(record, trace), datetime.now(UTC))
    except Exception:  # noqa: BLE001  # logged; the other jobs of the batch must have their turn
        logger().exception("job not done", extra={"job": record["body"]})
        return None
    logger().info("job", extra={name: getattr(outcome, name) for name in outcome.__slots__})
    count("AnalysisJobs", Outcome=outcome.outcome)
    return outcome
