"""The system in one process, as the injection harness has it (tests/support), with a meter at all that AWS bills."""

from __future__ import annotations

import copy
import gc
import io
import json
import os
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto.dynamodb.models.table import Table

from benchmarks.support import units
from benchmarks.support.meter import Key, Meter
from benchmarks.support.prices import Use, add
from tests.support.connections import Response
from tests.support.deployed import World
from tests.support.stack import Stack, running_stack
from tests.template import RESOURCES, TEMPLATE
from tidemark.aws import clients
from tidemark.bootstrap import Container
from tidemark.observability import logger


def memory_mb(handler: str) -> int:
    """Return the memory of a handler's function, by template.yaml."""
    logical_id = "".join(part.capitalize() for part in handler.split("_")) + "Function"
    default: int = TEMPLATE["Globals"]["Function"]["MemorySize"]
    found: int = RESOURCES[logical_id]["Properties"].get("MemorySize", default)
    return found


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a handler: its AWS requests by operation, the CPU time that was its own, what it would have waited."""

    handler: str
    calls: Counter[str]
    computing_seconds: float
    waiting_seconds: float


class MeteredWorld(World):
    """A world that adds what it uses to `use`, as long as that is not None, and remembers its last invocation."""

    def __init__(self, stack: Stack, logs: io.StringIO, **settings: Any) -> None:
        super().__init__(stack, **settings)
        self.use: Use | None = None
        self.last: Invocation | None = None
        self._logs = logs

        def read_item(key: Key) -> Mapping[str, Any]:
            table, pk, sk = key
            found = stack.dynamodb.get_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": sk}})
            item: Mapping[str, Any] = found.get("Item", {})
            return item

        self.meter = Meter(clients.session().events, stack.calls, read_item)

    @contextmanager
    def metering(self) -> Iterator[Use]:
        """Yield what is used inside."""
        before, self.use = self.use, {}
        try:
            yield self.use
        finally:
            self.use = before

    @property
    def fold_worker(self) -> Container:
        """What the running worker of the fold uses."""
        return self._processes["stream_fold"].container

    def invoke(self, handler: str, event: Mapping[str, Any]) -> Any:
        """Invoke a handler and bill the invocation."""
        self.meter.read()
        self._logs.seek(0)
        self._logs.truncate()
        gc.disable()  # it would go through all that the fakes hold, which no worker has
        started = time.process_time()
        try:
            return super().invoke(handler, event)
        finally:
            self._bill(handler, time.process_time() - started)
            gc.enable()
            self.stack.calls.log.clear()

    def http(
        self, method: str, path: str, *, query: str = "", headers: Mapping[str, str] | None = None, body: Any = None
    ) -> Response:
        """Send an HTTP request and bill it."""
        text = json.dumps(body, separators=(",", ":"))
        response = super().http(method, path, query=query, headers=headers, body=text)
        self._add("HTTP API", "requests", units.blocks(len(text.encode()), units.HTTP_BYTES))
        sent = sum(len(name) + len(value) + 4 for name, value in response.headers.items()) + len(response.body)
        self._add("Transfer out", "responses", sent)
        return response

    def send(self, connection: str, message: Mapping[str, Any] | str) -> None:
        """Send a frame and bill it."""
        text = message if isinstance(message, str) else json.dumps(message)
        self._add("WebSocket messages", "from viewers", units.blocks(len(text.encode()), units.MESSAGE_BYTES))
        super().send(connection, text)

    def post_events(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Send one request of events with the write key; raises if it is not acknowledged in full."""
        credential = b64encode(f"{self.write_key}:".encode()).decode()
        headers = {"authorization": f"Basic {credential}", "content-type": "application/json"}
        response = self.http("POST", "/v1/batch", headers=headers, body={"batch": list(events)})
        if response.status != 200 or response.json()["accepted"] != len(events):
            raise RuntimeError(f"the events were answered {response.status}: {response.body[:500]}")

    def _bill(self, handler: str, cpu_seconds: float) -> None:
        reading = self.meter.read()
        computing = max(0.0, cpu_seconds - reading.fake_seconds)
        self.last = Invocation(handler, reading.calls, computing, reading.waiting_seconds)
        if self.use is None:
            return
        memory = memory_mb(handler)
        seconds = units.billed_seconds(computing, reading.waiting_seconds, memory)
        add(self.use, reading.use)
        self._add("Lambda requests", handler, 1)
        self._add("Lambda time", handler, units.gb_seconds(seconds, memory))
        lines = self._logs.getvalue().encode().splitlines()
        logged = sum(len(line) + units.LOG_EVENT_BYTES for line in lines)
        self._add("CloudWatch Logs", handler, logged)
        self._add("CloudWatch Logs storage", handler, logged)

    def _add(self, line: str, what: str, quantity: float) -> None:
        if self.use is not None:
            add(self.use, {(line, what): quantity})


@contextmanager
def metered_world(**settings: Any) -> Iterator[MeteredWorld]:
    """Yield a world whose handlers log as they do when deployed; the lines are counted, not printed."""
    logs = io.StringIO()
    with running_stack() as stack:
        logger.cache_clear()
        with patch.dict(os.environ, {"POWERTOOLS_LOG_LEVEL": "INFO"}), redirect_stdout(logs):
            logger()
        # Before a transaction moto copies whole tables with all stream records that they ever had, to undo it.
        cheap = patch("moto.dynamodb.models.copy", SimpleNamespace(deepcopy=_copy))
        with cheap, MeteredWorld(stack, logs, **settings) as world:
            yield world


def _copy(value: Any) -> Any:
    """Copy anything but a table. No transaction fails here (the meter raises if one does), so none is undone."""
    return value if isinstance(value, Table) else copy.deepcopy(value)
