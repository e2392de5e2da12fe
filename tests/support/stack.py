"""The stack in one process: moto with the tables and the secret of template.yaml, and our hook in its clients."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.retries.quota import RetryQuota
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from tests.support.aws import mocked_aws
from tests.support.calls import Calls
from tests.support.connections import Connections
from tests.support.jobs import Jobs
from tests.template import of_type, table_request
from tidemark.aws import clients
from tidemark.aws.items import decode
from tidemark.settings import settings

TOKEN_KEY_ID, TOKEN_SECRET = "k1", "1" * 64
VARIABLES = {
    "EventsTable": "EVENTS_TABLE",
    "CellsTable": "CELLS_TABLE",
    "SnapshotsTable": "SNAPSHOTS_TABLE",
    "ConnectionsTable": "CONNECTIONS_TABLE",
    "DirectoryTable": "DIRECTORY_TABLE",
    "InboxTable": "INBOX_TABLE",
    "WorkTable": "WORK_TABLE",
}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "TOKEN_SECRET_ARN": "tidemark-tokens",
    "CALLBACK_ENDPOINT": "http://gateway.invalid/live",
    "WEBSOCKET_URL": "ws://gateway.invalid/live",
    "ROLLUP_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/rollup",
    "ARCHIVE_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/archive",
    "ANALYSIS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/analysis",
    "ANALYSIS_DEAD_LETTERS_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/analysis-dead",
    "ANALYSIS_PROVIDER": "statistical",
    "ANALYSIS_FAILURE_PERCENT": "0",
    "BREAKER_SECONDS": "600",
    "JOB_LEASE_SECONDS": "120",
    "JOB_PAUSE_SECONDS": "10",
    "ARCHIVE_BUCKET": "archive",
    "RETENTION_DAYS": "90",
    "HEALTH_MINUTES": "5",
    "HTTP_URL": "http://gateway.invalid",
    "POWERTOOLS_SERVICE_NAME": "tidemark",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    **{variable: logical_id for logical_id, variable in VARIABLES.items()},
}


class Stack:
    """What all worlds of a test module share: the AWS, and the hook through which handlers see it.

    Worlds live in workspaces of their own, so that a new one costs no new tables.
    """

    def __init__(self) -> None:
        self.connections = Connections()
        self.jobs = Jobs()
        self.archive_jobs = Jobs()
        self.analysis_jobs = Jobs()
        self.analysis_dead_letters = Jobs()
        self._queues = {
            ENVIRONMENT["ROLLUP_QUEUE_URL"]: self.jobs,
            ENVIRONMENT["ARCHIVE_QUEUE_URL"]: self.archive_jobs,
            ENVIRONMENT["ANALYSIS_QUEUE_URL"]: self.analysis_jobs,
            ENVIRONMENT["ANALYSIS_DEAD_LETTERS_URL"]: self.analysis_dead_letters,
        }
        self.calls = Calls(self._respond)
        self.warm: dict[str, Any] = {}
        hooked = clients.session().events
        # The hook takes the place of moto's own, which would answer whatever another handler says.
        hooked.unregister("before-send", botocore_stubber)
        hooked.register("before-send", self.calls)
        hooked.register("choose-signer", lambda **_: UNSIGNED)  # nobody checks, and there are many thousand calls
        plain = botocore.session.get_session()
        self.dynamodb: Any = plain.create_client("dynamodb")
        self.s3: Any = plain.create_client("s3")
        self.s3.create_bucket(Bucket=ENVIRONMENT["ARCHIVE_BUCKET"])
        plain.create_client("secretsmanager").create_secret(
            Name="tidemark-tokens", SecretString=json.dumps({"current": TOKEN_KEY_ID, TOKEN_KEY_ID: TOKEN_SECRET})
        )
        for name, declared in of_type("AWS::DynamoDB::Table").items():
            if name in VARIABLES:
                self.dynamodb.create_table(TableName=name, **table_request(declared))

    def clear(self) -> None:
        """Empty the queues and the tables; moto copies a table for every transaction, so what is left would cost."""
        for queue in self._queues.values():
            queue.queued.clear()
        for name in VARIABLES:
            table = self._table(name)
            table.items.clear()
            if table.stream_shard is not None:
                table.stream_shard.items.clear()

    def items(self, table: str, pk: str) -> list[dict[str, Any]]:
        """Return the plain items of a partition in order, past every hook."""
        found = self._table(table).items.get(DynamoType({"S": pk}), {})
        items = [item.to_json()["Attributes"] for item in found.values()]
        return sorted((decode(item) for item in items), key=lambda item: str(item["sk"]))

    def partitions(self, table: str) -> list[str]:
        """Return the partitions of a table, past every hook."""
        return [key.value for key in self._table(table).items]

    def records(self, table: str, after: int) -> list[dict[str, Any]]:
        """Return the records of a table's stream after the first `after`, as Lambda gets them."""
        return [record.to_json() for record in self._table(table).stream_shard.items[after:]]

    def _table(self, name: str) -> Any:
        return dynamodb_backends[DEFAULT_ACCOUNT_ID][ENVIRONMENT["AWS_REGION"]].tables[name]

    def _respond(self, service: str, request: AWSPreparedRequest) -> AWSResponse:
        if service == "apigatewaymanagementapi":
            return self.connections.respond(request)
        if service == "sqs":
            return self._queues[json.loads(request.body or b"{}")["QueueUrl"]].respond(request)
        answer = botocore_stubber("before-send", request)
        assert answer is not None, f"moto does not answer {request.url}"
        return answer


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Yield a stack; pauses between attempts take no time, and the SDK never runs out of retries."""
    instant = SimpleNamespace(sleep=lambda _seconds: None)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with (
        patch.dict(os.environ, ENVIRONMENT),
        patch("botocore.endpoint.time", instant),
        patch("tidemark.services.contention.time", instant),
        patch.object(RetryQuota, "acquire", lambda _quota, _amount: True),
        mocked_aws(),
    ):
        clients.forget()
        settings.cache_clear()
        try:
            yield Stack()
        finally:
            clients.forget()
            settings.cache_clear()
            asyncio.set_event_loop(None)
            loop.close()
