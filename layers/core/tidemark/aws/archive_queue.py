"""The queue of the archive's jobs: a message is an hour whose events, or whose batches, are to be kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tidemark.aws import clients
from tidemark.domain.errors import Unavailable

BATCH_MESSAGES = 10
"""SendMessageBatch takes at most 10."""
BATCHES = "batches"
"""The kind of the messages that ask for batches; those for events have none."""


class SqsArchiveQueue:
    """The `ArchiveQueue` and `ColdQueue` ports on SQS."""

    def __init__(self, url: str) -> None:
        self._url = url

    @clients.translated()
    def send(self, workspace: str, hour: str) -> None:
        """Queue the archiving of an hour; it may be done more than once and in any order."""
        body = json.dumps({"workspace": workspace, "hour": hour})
        clients.sqs().send_message(QueueUrl=self._url, MessageBody=body)

    @clients.translated()
    def send_batches(self, hours: Sequence[tuple[str, str]]) -> None:
        """Queue the storing of the batches of hours; it may be done more than once and in any order."""
        for start in range(0, len(hours), BATCH_MESSAGES):
            entries: Any = [
                {"Id": str(place), "MessageBody": json.dumps({"kind": BATCHES, "workspace": workspace, "hour": hour})}
                for place, (workspace, hour) in enumerate(hours[start : start + BATCH_MESSAGES])
            ]
            answer = clients.sqs().send_message_batch(QueueUrl=self._url, Entries=entries)
            if answer.get("Failed"):
                raise Unavailable("the queue did not take every job; try again")


def is_of_batches(body: Mapping[str, Any]) -> bool:
    """Answer whether a message asks for the batches of its hour."""
    return body.get("kind") == BATCHES


def hour_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the workspace and the hour that a message is about."""
    return body["workspace"], body["hour"]
