"""The queue of the rollup's jobs: a message is one due period, or some views to slide."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tidemark.aws import clients
from tidemark.domain.errors import Unavailable
from tidemark.domain.views import View
from tidemark.services.closing_ports import Due

BATCH_MESSAGES = 10
"""SendMessageBatch takes at most 10."""
VIEWS_PER_MESSAGE = 10


class SqsRollupQueue:
    """The `RollupQueue` port on SQS."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, periods: Sequence[Due], delay_seconds: int = 0) -> None:
        """Queue the closing of periods; they may come more than once and in any order."""
        self._send(
            [{"workspace": due.workspace, "period": due.period, "slot": due.slot} for due in periods], delay_seconds
        )

    def send_views(self, views: Sequence[tuple[str, View]]) -> None:
        """Queue the rendering of (workspace, view) at the present hour."""
        parts = [views[start : start + VIEWS_PER_MESSAGE] for start in range(0, len(views), VIEWS_PER_MESSAGE)]
        self._send([{"views": [[workspace, view.key] for workspace, view in part]} for part in parts])

    @clients.translated()
    def _send(self, bodies: Sequence[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        for start in range(0, len(bodies), BATCH_MESSAGES):
            entries: Any = [
                {"Id": str(place), "MessageBody": json.dumps(body), "DelaySeconds": delay_seconds}
                for place, body in enumerate(bodies[start : start + BATCH_MESSAGES])
            ]
            answer = clients.sqs().send_message_batch(QueueUrl=self._url, Entries=entries)
            if answer.get("Failed"):
                raise Unavailable("the queue did not take every job; try again")


def due_of(body: Mapping[str, Any]) -> Due | None:
    """Return the due period that a message asks to close; None if it is about views."""
    return Due(body["workspace"], body["period"], body["slot"]) if "period" in body else None


def views_of(body: Mapping[str, Any]) -> list[tuple[str, View]]:
    """Return the (workspace, view) that a message asks to render."""
    return [(workspace, View.from_key(key)) for workspace, key in body["views"]]
