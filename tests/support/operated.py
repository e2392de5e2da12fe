"""A deployed rollup for the operator's commands: tables and queues in moto, events in the log, and a worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from functions.queue_rollup.handler import ATTEMPTS
from functions.queue_rollup.handler import handler as queue_rollup
from tests.support.strategies import event
from tidemark import bootstrap
from tidemark.aws.agenda import DynamoAgenda
from tidemark.aws.cells import DynamoCells
from tidemark.aws.event_log import DynamoEventLog
from tidemark.domain.chunks import chunk_events
from tidemark.domain.hours import hours_of_day
from tidemark.observability import logger
from tidemark.services.ports import StoredCell
from tidemark_cli.commands import backfill as backfill_command
from tidemark_cli.rollup import dead_letters
from tidemark_cli.stack import Stack

WORKSPACE = "acme"


class Operated:
    """A stack that the commands find, and what happens in it; workspace `acme` is made by the test."""

    def __init__(self, tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tables = tables
        self.sqs: Any = boto3.client("sqs")
        self.dead_url = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.dead_url, AttributeNames=["QueueArn"])["Attributes"]
        redrive = {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": ATTEMPTS}
        attributes = {"VisibilityTimeout": "0", "RedrivePolicy": json.dumps(redrive)}
        self.queue_url = self.sqs.create_queue(QueueName="rollup", Attributes=attributes)["QueueUrl"]
        self.s3: Any = boto3.client("s3")
        self.archive_bucket = "archive"
        self.s3.create_bucket(Bucket=self.archive_bucket)
        outputs = {
            "DirectoryTable": tables.directory,
            "EventsTable": tables.events,
            "CellsTable": tables.cells,
            "WorkTable": tables.work,
            "InboxTable": tables.inbox,
            "TokenSecretArn": tables.token_secret,
            "RollupQueueUrl": self.queue_url,
            "RollupDeadLetterQueueUrl": self.dead_url,
            "ArchiveBucket": self.archive_bucket,
        }
        monkeypatch.setattr(Stack, "_outputs", outputs)
        monkeypatch.setenv("TIDEMARK_STACK", "deployed")
        monkeypatch.setenv("ROLLUP_QUEUE_URL", self.queue_url)
        monkeypatch.setenv("ARCHIVE_QUEUE_URL", self.sqs.create_queue(QueueName="archive")["QueueUrl"])
        monkeypatch.setenv("ARCHIVE_BUCKET", self.archive_bucket)
        monkeypatch.setenv("ANALYSIS_QUEUE_URL", self.sqs.create_queue(QueueName="analysis")["QueueUrl"])
        bootstrap.container.cache_clear()
        # The worker logs elsewhere: its log is no output of the command in whose pauses it runs.
        monkeypatch.setattr(logger().registered_handler, "stream", StringIO())
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(backfill_command, "POLL_SECONDS", 0.0)
        monkeypatch.setattr(dead_letters, "WAIT_SECONDS", 0)
        self.while_waiting(self.work)

    @property
    def agenda(self) -> DynamoAgenda:
        return DynamoAgenda(self.tables.work)

    def while_waiting(self, happens: Any) -> None:
        """Let this happen whenever the command waits for the rollup, in place of time passing."""
        self._monkeypatch.setattr(backfill_command, "pause", lambda _seconds: happens())

    def stored(self, day: date, count: int, timezone: str = "UTC", shards: int = 1) -> list[str]:
        """Put an event into each of the first `count` hours of a day, into the log alone; return the hours."""
        hours = list(hours_of_day(day, timezone)[:count])
        for hour in hours:
            found = event(f"e-{hour}", hour.replace("Z", ":05.000Z"), url="https://example.com/")
            for chunk in chunk_events(WORKSPACE, [found], timezone=timezone, shards_at=lambda _: shards):
                until = int((datetime.now(UTC) + timedelta(days=90)).timestamp())
                assert DynamoEventLog(self.tables.events).put(chunk, datetime.now(UTC), until)
        return hours

    def noted(self, hours: list[str]) -> list[str]:
        """Note hours as the fold does."""
        for hour in hours:
            self.agenda.note(WORKSPACE, hour, 0)
        return hours

    def cells(self, hours: list[str]) -> dict[str, StoredCell]:
        """Return the cells of hours with one shard."""
        found = DynamoCells(self.tables.cells).stored_many(WORKSPACE, [(hour, 0) for hour in hours])
        return {hour: cell for (hour, _), cell in found.items()}

    def work(self) -> int:
        """Do the jobs that are queued, as Lambda would; return how many messages were taken."""
        messages = self.sqs.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, AttributeNames=["ApproximateReceiveCount"]
        ).get("Messages", [])
        records = [
            {"messageId": each["MessageId"], "body": each["Body"], "attributes": each["Attributes"]}
            for each in messages
        ]
        failed = {each["itemIdentifier"] for each in queue_rollup({"Records": records}, None)["batchItemFailures"]}
        for each in messages:
            if each["MessageId"] not in failed:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=each["ReceiptHandle"])
        return len(messages)

    def work_off(self) -> None:
        """Do jobs until there are none, or all that are left have become dead letters."""
        while self.work():
            pass

    def waiting(self, url: str) -> int:
        """Return how many messages a queue holds."""
        name = "ApproximateNumberOfMessages"
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(found["Attributes"][name])

    @contextmanager
    def broken_log(self, *hours: str) -> Iterator[None]:
        """Let the log of some hours be unreadable to the worker for a while."""
        read = DynamoEventLog.read

        def refuse(log: DynamoEventLog, workspace: str, hour: str, shard: int) -> Any:
            if hour in hours:
                raise OSError("the log is torn")
            return read(log, workspace, hour, shard)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DynamoEventLog, "read", refuse)
            yield
