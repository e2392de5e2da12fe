"""Which stack a command speaks to, and how to reach it.

By default the one that `.local/outputs.json` describes, in the current directory or the nearest parent; with a stack
name, the CloudFormation stack of that name. Both are then the same: AWS clients, two URLs, a table and a secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ProfileNotFound

from tidemark.aws import clients
from tidemark_cli.errors import CliError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

OUTPUTS_FILE = Path(".local") / "outputs.json"
LOCAL_REGION = "us-east-1"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Local:
    """What a local run wrote down about itself, besides the URLs; all empty for a deployed stack."""

    workspace: str | None = None
    write_key: str | None = None
    read_token: str | None = None
    admin_token: str | None = None
    dashboard_url: str | None = None


@dataclass(frozen=True)
class Stack:
    """One deployment of Tidemark."""

    name: str
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    urls: Mapping[str, str] = field(default_factory=dict)
    """HttpUrl and WebSocketUrl where they are known without asking CloudFormation."""
    local: Local = field(default_factory=Local)

    @property
    def http_url(self) -> str:
        """The base URL of the HTTP API, without a slash at the end."""
        return self._output("HttpUrl").rstrip("/")

    @property
    def websocket_url(self) -> str:
        """The URL of the WebSocket API, stage included."""
        return self._output("WebSocketUrl").rstrip("/")

    @property
    def directory_table(self) -> str:
        """The name of the table of workspaces and keys."""
        return self._output("DirectoryTable")

    @property
    def events_table(self) -> str:
        """The name of the table of chunks."""
        return self._output("EventsTable")

    @property
    def cells_table(self) -> str:
        """The name of the table of cells."""
        return self._output("CellsTable")

    @property
    def work_table(self) -> str:
        """The name of the table of what is to be done."""
        return self._output("WorkTable")

    @property
    def inbox_table(self) -> str:
        """The name of the table of messages to users."""
        return self._output("InboxTable")

    @property
    def archive_bucket(self) -> str:
        """The name of the bucket of archived hours."""
        return self._output("ArchiveBucket")

    @property
    def rollup_queue_url(self) -> str:
        """The queue of the rollup's jobs."""
        return self._output("RollupQueueUrl")

    @property
    def rollup_dead_letter_queue_url(self) -> str:
        """Where the rollup's jobs go that have failed too often."""
        return self._output("RollupDeadLetterQueueUrl")

    @property
    def token_secret_arn(self) -> str:
        """The ARN of the secret that signs tokens."""
        return self._output("TokenSecretArn")

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """A DynamoDB client for this stack."""
        return self._session.client("dynamodb", **self._client_options)

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        """A Secrets Manager client for this stack."""
        return self._session.client("secretsmanager", **self._client_options)

    def lend(self) -> None:
        """Have the adapters of `tidemark.aws` speak to this stack, with the operator's credentials."""
        clients.use(self._session, self.endpoint_url)

    def _output(self, name: str) -> str:
        value = self.urls.get(name) or self._outputs.get(name)
        if not value:
            raise CliError(f"stack {self.name} has no output {name}", "is it a Tidemark stack, deployed completely?")
        return value

    @cached_property
    def _outputs(self) -> dict[str, str]:
        client: CloudFormationClient = self._session.client("cloudformation", **self._client_options)
        try:
            stacks = client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ValidationError":
                raise
            where = self.endpoint_url or self._session.region_name
            raise CliError(f"no stack named {self.name} at {where}", "check --stack, --region and --profile") from None
        return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}

    @cached_property
    def _session(self) -> boto3.Session:
        if self.endpoint_url and urlsplit(self.endpoint_url).hostname in LOOPBACK:
            # An emulator: it is never shown the operator's real credentials.
            return boto3.Session("test", "test", region_name=self.region or LOCAL_REGION)
        try:
            session = boto3.Session(profile_name=self.profile, region_name=self.region)
        except ProfileNotFound as error:
            raise UsageError(str(error), "`aws configure list-profiles` shows those there are") from None
        if session.region_name is None:
            raise UsageError("no AWS region is set", "name one with --region")
        return session

    @property
    def _client_options(self) -> dict[str, Any]:
        config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
        return {"endpoint_url": self.endpoint_url, "config": config}


def find_stack(
    name: str | None, region: str | None, profile: str | None, endpoint_url: str | None, start: Path | None = None
) -> Stack:
    """Return the named stack, or else the local one of `start` (by default the current directory) or its parents."""
    if name:
        return Stack(name, region, profile, endpoint_url)
    directory = (start or Path.cwd()).resolve()
    for folder in (directory, *directory.parents):
        if (folder / OUTPUTS_FILE).is_file():
            return _local_stack(folder / OUTPUTS_FILE, region, profile, endpoint_url)
    raise CliError(
        f"no stack found: there is no {OUTPUTS_FILE} here or above",
        "start the local one with `make up`, or name a deployed one with --stack",
    )


def _local_stack(path: Path, region: str | None, profile: str | None, endpoint_url: str | None) -> Stack:
    try:
        outputs = json.loads(path.read_text("utf-8"))
        urls = {"HttpUrl": outputs["http_url"], "WebSocketUrl": outputs["websocket_url"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise CliError(f"{path} is damaged", "`make up` writes it again") from None
    local = Local(**{name: outputs.get(name) for name in Local.__dataclass_fields__})
    parts = urlsplit(urls["HttpUrl"])
    return Stack(
        name=outputs.get("stack", "tidemark"),
        region=region or outputs.get("region", LOCAL_REGION),
        profile=profile,
        endpoint_url=endpoint_url or outputs.get("endpoint_url") or f"{parts.scheme}://{parts.netloc}",
        urls=urls,
        local=local,
    )
