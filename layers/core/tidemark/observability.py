"""Logs: one JSON object a line, with the service, the request and the workspace where they are known; and metrics.

Never log a credential, nor the body of a request: events hold what users did.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from functools import cache

from aws_lambda_powertools.logging import Logger

from tidemark.domain.errors import TidemarkError
from tidemark.domain.messages import Delivery


@cache
def logger() -> Logger:
    """Return the logger of this process, set up by POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL."""
    return Logger(service=os.environ.get("POWERTOOLS_SERVICE_NAME", "tidemark"), utc=True)


def trace_of(context: object) -> dict[str, str]:
    """Return where the log of this invocation is, as far as Lambda's `context` says: `request_id` and the like."""
    names = {"request_id": "aws_request_id", "log_group": "log_group_name", "log_stream": "log_stream_name"}
    found = {name: getattr(context, attribute, None) for name, attribute in names.items()}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def count(name: str, value: float = 1, *, unit: str = "Count", **dimensions: str) -> None:
    """Add `value` to a metric of CloudWatch, in the namespace that POWERTOOLS_METRICS_NAMESPACE names.

    It is a line of the log in the embedded metric format, and so costs no request. Lambda drops lines below the log
    level of the function and takes one without a level, as Powertools writes them, for INFO; so these have the highest,
    which says nothing about them.
    """
    now = datetime.now(UTC)
    line = {
        "_aws": {
            "Timestamp": int(now.timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "tidemark"),
                    "Dimensions": [list(dimensions)],
                    "Metrics": [{"Name": name, "Unit": unit}],
                }
            ],
        },
        "level": "FATAL",
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "message": "metric",
        **dimensions,
        name: value,
    }
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def audit(action: str, **details: object) -> None:
    """Log an access to personal data; details that are None are left out.

    Whatever the log level: like a metric it has the level that no filter drops.
    """
    line = {
        "level": "FATAL",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "service": os.environ.get("POWERTOOLS_SERVICE_NAME", "tidemark"),
        "message": action,
        "audit": True,
        **{name: detail for name, detail in details.items() if detail is not None},
    }
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()


class DeliveryLog:
    """Logs and counts what becomes of messages to users; never who they are for, nor what they say."""

    def delivered(self, delivery: Delivery) -> None:
        """Count a message by where it went."""
        count("MessagesDelivered", Delivery=delivery.to)

    def undeliverable(self, workspace: str, thread: str | None, connections: int, users: int) -> None:
        """Log and count a message that was refused."""
        logger().error(
            "undeliverable",
            extra={"workspace": workspace, "message_thread": thread, "connections": connections, "users": users},
        )
        count("UndeliverableMessages")

    def failed(self, what: str, error: Exception, connection: str | None = None) -> None:
        """Log a failure that does not fail the request."""
        logger().warning(f"{what} failed", extra={"connection": connection, "reason": repr(error)})


class AnalysisLog:
    """Logs what becomes of jobs; never what is in a batch."""

    def failed(self, key: tuple[str, str], attempts: int, error: Exception) -> None:
        """Log an attempt that failed; with its trace if that is a defect of ours."""
        details = {"workspace": key[0], "batch": key[1], "attempts": attempts, "reason": repr(error)}
        logger().warning("analysis failed", extra=details, exc_info=None if isinstance(error, TidemarkError) else error)

    def unrecorded(self, what: str, key: tuple[str, str], error: Exception) -> None:
        """Log a failure that does not fail the job."""
        logger().warning(f"{what} failed", extra={"workspace": key[0], "batch": key[1], "reason": repr(error)})


def log_usage(model: str, input_tokens: int, output_tokens: int, dollars: float) -> None:
    """Log what an answer of a language model took, and about what it costs."""
    tokens = {"input_tokens": input_tokens, "output_tokens": output_tokens}
    logger().info("a model was asked", extra={"model": model, **tokens, "estimated_dollars": round(dollars, 6)})


def log_health_step(step: str, code: str, error: Exception | None) -> None:
    """Log a step of the health check that did not hold; `error` is given if it is a defect."""
    logger().warning("health step failed", extra={"step": step, "code": code}, exc_info=error)


def log_unanswered(name: str, error: Exception) -> None:
    """Log a dependency that could not be asked about its health, for no reason that is expected."""
    logger().error("a dependency could not be asked", extra={"dependency": name}, exc_info=error)
