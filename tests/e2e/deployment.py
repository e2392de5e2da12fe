"""The deployed system as the tests see it: its sockets, its logs, and the operator's way in."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from local.deploy import ACCESS_KEY, SECRET_KEY
from local.emulator import Emulator
from local.outputs import Outputs, read_outputs
from local.temporary import temporary_system
from tidemark_cli.admin import Admin
from tidemark_cli.stack import Stack

OUTPUTS_VARIABLE = "TIDEMARK_OUTPUTS"
"""The environment variable with the path of an outputs.json: the tests then run on that stack, and start none."""
PATIENCE_SECONDS = 90.0
"""Generous: a cold start takes 1 s on an idle machine, and 10 s on a busy one."""

Answer = TypeVar("Answer")


def until(ask: Callable[[], Answer], is_good: Callable[[Answer], bool], seconds: float = PATIENCE_SECONDS) -> Answer:
    """Ask again and again; return the first good answer, or fail with the last one."""
    deadline = time.monotonic() + seconds
    while not is_good(answer := ask()):
        assert time.monotonic() < deadline, f"still after {seconds:.0f} s: {answer!r}"
        time.sleep(0.1)
    return answer


@dataclass
class Deployment:
    """One deployed stack, and what these tests made in it."""

    outputs: Outputs
    emulator: Emulator | None = None
    """The local AWS beneath it, if the tests started it."""
    credentials: set[str] = field(default_factory=set)
    """Every write key and token that was made here: no log line may hold one."""
    _kept_lines: list[tuple[str, str]] = field(default_factory=list)

    @cached_property
    def stack(self) -> Stack:
        urls = {"HttpUrl": self.outputs.http_url, "WebSocketUrl": self.outputs.websocket_url}
        return Stack(self.outputs.stack, self.outputs.region, endpoint_url=self.outputs.endpoint_url, urls=urls)

    @cached_property
    def admin(self) -> Admin:
        return Admin(self.stack.dynamodb, self.stack.directory_table)

    @cached_property
    def resources(self) -> dict[str, str]:
        """The physical id of everything in the stack, by its name in template.yaml."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack.name)
        found = [resource for page in pages for resource in page["StackResourceSummaries"]]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}

    def client(self, service: str, session: boto3.Session | None = None, address: str | None = None) -> Any:
        """An AWS client of the operator, or of another session; it never repeats a call by itself.

        `address` is the service's, where it has one of its own.
        """
        config = Config(connect_timeout=10, read_timeout=PATIENCE_SECONDS, retries={"total_max_attempts": 1})
        return (session or self._session).client(
            service, endpoint_url=address or self.outputs.endpoint_url or None, config=config
        )

    @cached_property
    def _session(self) -> boto3.Session:
        if self.outputs.endpoint_url:
            return boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=self.outputs.region)
        return boto3.Session(region_name=self.outputs.region)

    def log_lines(self) -> list[tuple[str, str]]:
        """(log group, line) of every function, from the beginning, also from before a kill."""
        return [*self._kept_lines, *self._read_logs()]

    def keep_logs(self) -> None:
        """Remember the lines so far: the emulator's logs do not outlive a kill."""
        self._kept_lines += self._read_logs()

    def _read_logs(self) -> list[tuple[str, str]]:
        groups = [name for logical_id, name in self.resources.items() if logical_id.endswith("Logs")]
        paginator = self.client("logs").get_paginator("filter_log_events")
        return [
            (group, event["message"])
            for group in groups
            for page in paginator.paginate(logGroupName=group)
            for event in page["events"]
        ]

    def items(self, table: str, prefix: str) -> list[dict[str, Any]]:
        """Every item of a table whose partition key begins with the prefix."""
        pages = (
            self.client("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=self.resources[table],
                FilterExpression="begins_with(pk, :prefix)",
                ExpressionAttributeValues={":prefix": {"S": prefix}},
                ConsistentRead=True,
            )
        )
        return [item for page in pages for item in page["Items"]]


@contextmanager
def deployed(directory: Path) -> Iterator[Deployment]:
    """The stack that the environment names, or else one of its own in `directory`, which leaves nothing running."""
    if path := os.environ.get(OUTPUTS_VARIABLE):
        outputs = read_outputs(Path(path))
        assert outputs is not None, f"{path} is no outputs.json"
        yield Deployment(outputs)
        return
    with temporary_system(directory, persist=True) as system:
        yield Deployment(system.outputs, system.emulator)
