"""A queue of jobs as handlers see it, and as Lambda takes from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import md5
from itertools import count
from typing import Any
from uuid import UUID

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.botocore_stubber import MockRawResponse

_numbers = count(1)


@dataclass
class Job:
    """A message of the queue, and how often it was taken."""

    message_id: str
    body: str
    delay_seconds: int
    attempts: int = 0

    def record(self) -> dict[str, Any]:
        """Take the message: return it as Lambda gets it."""
        self.attempts += 1
        return {
            "messageId": self.message_id,
            "receiptHandle": self.message_id,
            "body": self.body,
            "attributes": {"ApproximateReceiveCount": str(self.attempts)},
            "eventSource": "aws:sqs",
        }


class Jobs:
    """The messages that are queued; a batch of which one was refused is sent again as a whole."""

    def __init__(self) -> None:
        self.queued: list[Job] = []

    def respond(self, request: AWSPreparedRequest) -> AWSResponse:
        """Take a SendMessage, or a SendMessageBatch; what is hidden comes again all the same, and at once."""
        operation = str(request.headers["X-Amz-Target"]).rstrip("'").rpartition(".")[2]
        asked = json.loads(request.body or b"{}")
        headers = {"content-type": "application/x-amz-json-1.0"}
        if operation == "ChangeMessageVisibility":
            return AWSResponse(request.url, 200, headers, MockRawResponse(b"{}"))
        entries = {"SendMessage": [asked], "SendMessageBatch": asked.get("Entries")}[operation]
        assert 1 <= len(entries) <= 10, "SQS takes 1 to 10 messages a batch"
        answers = [self._take(entry) for entry in entries]
        answer = answers[0] if operation == "SendMessage" else {"Successful": answers}
        return AWSResponse(request.url, 200, headers, MockRawResponse(json.dumps(answer).encode()))

    def _take(self, entry: dict[str, Any]) -> dict[str, str]:
        job = Job(str(UUID(int=next(_numbers))), entry["MessageBody"], entry.get("DelaySeconds", 0))
        self.queued.append(job)
        found = {
            "MessageId": job.message_id,
            "MD5OfMessageBody": md5(job.body.encode(), usedforsecurity=False).hexdigest(),
        }
        return found | ({"Id": entry["Id"]} if "Id" in entry else {})

    def queue(self, jobs: list[Job]) -> None:
        """Take messages that another queue has given up, as they are."""
        self.queued += [Job(job.message_id, job.body, 0) for job in jobs]

    def of(self, workspace: str) -> list[Job]:
        """Take the messages about a workspace out of the queue."""
        mine = [job for job in self.queued if workspace in _workspaces(json.loads(job.body))]
        self.queued = [job for job in self.queued if job not in mine]
        return mine


def _workspaces(body: dict[str, Any]) -> set[str]:
    return {body["workspace"]} if "workspace" in body else {workspace for workspace, _ in body["views"]}
