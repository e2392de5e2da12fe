"""The queue of the archive's jobs: a message is one closed hour of a workspace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tidemark.aws import clients


class SqsArchiveQueue:
    """The `ArchiveQueue` port on SQS."""

    def __init__(self, url: str) -> None:
        self._url = url

    @clients.translated()
    def send(self, workspace: str, hour: str) -> None:
        """Queue the archiving of an hour; it may be done more than once and in any order."""
        body = json.dumps({"workspace": workspace, "hour": hour})
        clients.sqs().send_message(QueueUrl=self._url, MessageBody=body)


def hour_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the workspace and the hour that a message asks to archive."""
    return body["workspace"], body["hour"]
