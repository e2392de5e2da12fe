"""The queues of the analysis: jobs that are to be done, and those that failed for good."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tidemark.aws import clients
from tidemark.domain.errors import Unavailable
from tidemark.domain.jobs import DeadLetter, JobError
from tidemark.services.job_ports import Delivery

BATCH_MESSAGES = 10
"""SendMessageBatch takes at most 10."""


class SqsAnalysisQueue:
    """The `AnalysisQueue` and `Deliveries` ports on SQS: a message is the job of one batch."""

    def __init__(self, url: str) -> None:
        self._url = url

    @clients.translated()
    def send(self, jobs: Sequence[tuple[str, str]]) -> None:
        """Queue jobs, as (workspace, batch id); they may come more than once and in any order."""
        for start in range(0, len(jobs), BATCH_MESSAGES):
            entries: Any = [
                {"Id": str(place), "MessageBody": json.dumps({"workspace": workspace, "batch": batch})}
                for place, (workspace, batch) in enumerate(jobs[start : start + BATCH_MESSAGES])
            ]
            answer = clients.sqs().send_message_batch(QueueUrl=self._url, Entries=entries)
            if answer.get("Failed"):
                raise Unavailable("the queue did not take every job; try again")

    @clients.translated()
    def hide(self, receipt: str, seconds: int) -> None:
        """Have a message that was taken come again after `seconds` from now, unless it is done by then."""
        clients.sqs().change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds)


class SqsDeadLetters:
    """The `DeadLetters` port on SQS, on the very queue to which SQS itself moves what is never done."""

    def __init__(self, url: str) -> None:
        self._url = url

    @clients.translated()
    def send(self, letter: DeadLetter) -> None:
        """Queue a job that failed for good; it may come more than once."""
        body = {
            "workspace": letter.workspace,
            "batch": letter.batch,
            "lease": letter.lease,
            "error": letter.error.as_dict(),
            "attempts": letter.attempts,
            "trace": dict(letter.trace),
            "input": dict(letter.input),
        }
        clients.sqs().send_message(QueueUrl=self._url, MessageBody=json.dumps(body))


def delivery_of(record: Mapping[str, Any], trace: Mapping[str, str]) -> Delivery:
    """Return the job that a message, as Lambda gets it, asks to do."""
    body = json.loads(record["body"])
    return Delivery(body["workspace"], body["batch"], record["receiptHandle"], trace)


def letter_of(body: Mapping[str, Any]) -> DeadLetter:
    """Return what a dead letter says; one that SQS moved says no more than which job it is."""
    workspace, batch = body["workspace"], body["batch"]
    if "error" not in body:
        return DeadLetter(workspace, batch)
    error = JobError(body["error"]["code"], body["error"]["message"])
    return DeadLetter(workspace, batch, error, body["lease"], body["attempts"], body["trace"], body["input"])
