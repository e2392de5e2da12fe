"""One workspace of the deployed system: its handlers as Lambda runs them, its gateway and its streams."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol, Self
from unittest.mock import patch

import tidemark.analysis
import tidemark.http.context
import tidemark.websocket
from tests.support import shapes
from tests.support.calls import Call, Died, Interleaving, Plan
from tests.support.connections import Refused, Response
from tests.support.jobs import Job
from tests.support.processes import SLOW_STARTERS, Process, clock_of
from tests.support.stack import TOKEN_KEY_ID, TOKEN_SECRET, Stack
from tests.template import RESOURCES
from tidemark import bootstrap
from tidemark.aws.items import encode
from tidemark.domain.credentials import TokenRole, hash_write_key, issue_token, new_write_key
from tidemark.domain.definitions import Dashboard, shipped
from tidemark.domain.hours import hour_of

START = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
ROUTES = RESOURCES["WebSocketApi"]["Properties"]["Routes"]
"""The gateway's own too: the emulator takes a message there whose action is the name of one."""
REDELIVERIES = 4
SETTLING_ROUNDS = 5
DEAD_AFTER = 5
"""Attempts at a job, as in template.yaml."""

_numbers = count(1)


class Follower(Protocol):
    """A client that follows a view."""

    def follow(self) -> None: ...


class World:
    """A workspace with a write key and tokens, and the whole system around it.

    `now` is the time that handlers read. `acked` holds the ids of all events that a response acknowledged.
    """

    def __init__(
        self,
        stack: Stack,
        timezone: str = "UTC",
        dashboards: Sequence[str] = ("web", "meetings"),
        definitions: Mapping[str, Dashboard] | None = None,
    ) -> None:
        self.stack = stack
        self.timezone = timezone
        self.dashboards = tuple(dashboards)
        self.definitions = definitions or shipped()
        self.workspace = f"w{next(_numbers)}"
        self.now = START
        self.acked: set[str] = set()
        self.fold_queue: list[dict[str, Any]] = []
        self.broadcast_queue: list[dict[str, Any]] = []
        self.chunk_partitions: set[str] = set()
        self.write_key = new_write_key(lambda size: next(_numbers).to_bytes(size, "big"))
        self._processes: dict[str, Process] = {}
        self._contexts: dict[str, dict[str, Any]] = {}
        self._read = {table: len(stack.records(table, 0)) for table in ("EventsTable", "SnapshotsTable")}
        self._clock = clock_of(lambda: self.now)
        self._exits = ExitStack()
        stack.calls.forget()
        self.settings(dashboards=list(dashboards))
        self.put_directory(f"KEY#{hash_write_key(self.write_key)}", "KEY", workspace=self.workspace, key_id="k")

    def __enter__(self) -> Self:
        self._processes |= self.stack.warm
        for module in (tidemark.websocket, tidemark.http.context):
            self._exits.enter_context(patch.object(module, "datetime", self._clock))
        for module in (bootstrap, tidemark.analysis):
            self._exits.enter_context(patch.object(module, "shipped", lambda: self.definitions))
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.warm |= {name: self._processes[name] for name in SLOW_STARTERS & self._processes.keys()}
        self._exits.close()

    @property
    def hour(self) -> str:
        """The current hour of the workspace."""
        return hour_of(self.now, self.timezone)

    # ── Configuration ────────────────────────────────────────────────────────────────────────────────────────────────

    def settings(self, **changed: Any) -> None:
        """Write the settings of the workspace."""
        attributes = {
            "workspace": self.workspace,
            "name": "Test",
            "timezone": self.timezone,
            "dashboards": list(self.dashboards),
            "shards": [[0, 1]],
            "retention_days": 90,
            "created_at": "2026-11-01T00:00:00Z",
            "batch_events": 0,
        }
        self.put_directory(f"WORKSPACE#{self.workspace}", "SETTINGS", **(attributes | changed))

    def put_directory(self, pk: str, sk: str, **attributes: Any) -> None:
        item = encode({"pk": pk, "sk": sk, **attributes})
        self.stack.dynamodb.put_item(TableName="DirectoryTable", Item=item)

    def token(self, role: TokenRole = "read", lifetime: timedelta = timedelta(days=7), user: str | None = None) -> str:
        return issue_token(
            self.workspace,
            role,
            kid=TOKEN_KEY_ID,
            secret=TOKEN_SECRET,
            issued_at=self.now,
            lifetime=lifetime,
            user=user,
        )

    # ── Processes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def invoke(self, handler: str, event: Mapping[str, Any]) -> Any:
        """Invoke a handler in its warm process; a process that dies is gone, and the next starts cold."""
        process = self._processes.setdefault(handler, Process(handler))
        process.clock = self._clock
        with self.stack.calls.of(handler) as running:
            try:
                answer = process.invoke(event)
            finally:
                if running.dead and not self.stack.calls.cut_off:
                    self.restart(handler)
            if running.dead:  # Mangum answers whatever happens, a death too
                raise Died
            return answer

    def restart(self, *handlers: str) -> None:
        """Have the next invocation of the handlers start cold."""
        for handler in handlers:
            self._processes.pop(handler, None)

    @contextmanager
    def another_process(self, *handlers: str) -> Iterator[None]:
        """Have handlers run in processes of their own, side by side with those that are running."""
        held = {handler: self._processes.pop(handler) for handler in handlers if handler in self._processes}
        try:
            yield
        finally:
            self.restart(*handlers)
            self._processes |= held

    def meanwhile(self, when: Callable[[Call], bool], happen: Callable[[], None]) -> Interleaving:
        """Have something happen once, just before a call."""
        interleaving = Interleaving(when, happen)
        self.stack.calls.interleavings.append(interleaving)
        return interleaving

    @contextmanager
    def armed(self, plan: Plan) -> Iterator[None]:
        """Have the fault of a plan happen inside."""
        self.stack.calls.plan = plan
        try:
            yield
        finally:
            self.stack.calls.plan = None

    # ── The gateway ──────────────────────────────────────────────────────────────────────────────────────────────────

    def connect(self, credential: str | None, *, subprotocol: bool = False) -> str:
        """Open a connection and return its id; raises `Refused`."""
        connection = f"{self.workspace}-c{next(_numbers)}="
        query = {"token": credential} if credential is not None and not subprotocol else {}
        headers = {"Sec-WebSocket-Protocol": str(credential)} if subprotocol else {}
        try:
            found = self.invoke("ws_authorize", shapes.authorize(query, headers, connection))
        except (Exception, Died) as error:
            raise Refused(500) from error
        if found["policyDocument"]["Statement"][0]["Effect"] != "Allow":
            raise Refused(403)
        context = {**found["context"], "principalId": found["principalId"]}
        try:
            answer = self.invoke("ws_connect", shapes.websocket("$connect", connection, context))
        except (Exception, Died) as error:
            raise Refused(500) from error
        assert answer == {"statusCode": 200}
        self._contexts[connection] = context
        self.stack.connections.open(connection)
        return connection

    def send(self, connection: str, message: Mapping[str, Any] | str) -> None:
        """Send a frame; what a handler raises reaches the client as the gateway's own words, a death as silence."""
        body = message if isinstance(message, str) else json.dumps(message)
        route = self._route(body)
        event = shapes.websocket(route, connection, self._contexts[connection], body)
        try:
            answer = self.invoke(f"ws_{route.removeprefix('$')}", event)
        except Died:
            return
        except Exception:  # noqa: BLE001 - whatever it is, this is what the gateway makes of it
            words = {"message": "Internal server error", "connectionId": connection, "requestId": "gateway"}
            self.stack.connections.push(connection, words)
            return
        assert answer == {"statusCode": 200}

    def disconnect(self, connection: str, *, told: bool = True) -> None:
        """Close a connection; `told` if `$disconnect` comes at all. It comes once, whatever becomes of it."""
        self.stack.connections.close(connection)
        if told:
            event = shapes.websocket("$disconnect", connection, self._contexts[connection])
            with suppress(Exception, Died):
                self.invoke("ws_disconnect", event)

    def http(
        self, method: str, path: str, *, query: str = "", headers: Mapping[str, str] | None = None, body: Any = None
    ) -> Response:
        """Send an HTTP request; whatever Lambda raises becomes the gateway's own 500."""
        text = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        try:
            answer = self.invoke("http_api", shapes.http(method, path, query, headers or {}, text))
        except (Exception, Died):  # noqa: BLE001 - whatever it is, this is what the gateway makes of it
            return Response(500, {}, '{"message":"Internal Server Error"}')
        return Response(answer["statusCode"], answer["headers"], answer["body"])

    # ── Streams ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def poll(self) -> bool:
        """Move new records, filtered as in the template, into the queues; answer whether any came."""
        chunks = self._inserted("EventsTable")
        self.chunk_partitions |= {record["dynamodb"]["Keys"]["pk"]["S"] for record in chunks}
        deltas = [
            record
            for record in self._inserted("SnapshotsTable")
            if record["dynamodb"]["Keys"]["sk"]["S"].startswith("D#")
        ]
        self.fold_queue += chunks
        self.broadcast_queue += deltas
        return bool(chunks or deltas)

    def fold(self, *, batch_size: int = 100) -> list[dict[str, Any]]:
        """Deliver the queued chunks, each batch until it is taken; return the records."""
        self.poll()
        records, self.fold_queue = self.fold_queue, []
        self.deliver_to("stream_fold", records, batch_size)
        return records

    def broadcast(self, *, batch_size: int = 100) -> list[dict[str, Any]]:
        """Deliver the queued deltas, each batch until it is taken; return the records."""
        self.poll()
        records, self.broadcast_queue = self.broadcast_queue, []
        self.deliver_to("stream_broadcast", records, batch_size)
        return records

    def roll_up(self) -> None:
        """Have the jobs that are queued done, in batches of 10; what fails comes again, at most 5 times."""
        self._work_off("queue_rollup", self.stack.jobs.of(self.workspace), 10, _fail)

    def archive(self) -> None:
        """Have the hours that are queued archived; what fails comes again, at most 5 times."""
        self._work_off("queue_archive", self.stack.archive_jobs.of(self.workspace), 1, _fail)

    def analyse(self) -> None:
        """Have the batches that are queued analysed; what fails comes again at once, then becomes a dead letter."""
        self._work_off(
            "queue_analysis", self.stack.analysis_jobs.of(self.workspace), 10, self.stack.analysis_dead_letters.queue
        )

    def bury(self) -> None:
        """Have the dead letters of the analysis taken in."""
        self._work_off("queue_deadletter", self.stack.analysis_dead_letters.of(self.workspace), 10, _fail)

    def _work_off(self, handler: str, jobs: list[Job], batch_size: int, give_up: Callable[[list[Job]], None]) -> None:
        while jobs:
            batch, jobs = jobs[:batch_size], jobs[batch_size:]
            try:
                answer = self.invoke(handler, shapes.queue([job.record() for job in batch]))
                failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            except (Exception, Died):  # noqa: BLE001 - whatever it is, all messages of the batch come again
                failed = {job.message_id for job in batch}
            again = [job for job in batch if job.message_id in failed]
            dead = [job for job in again if job.attempts >= DEAD_AFTER]
            if dead:
                give_up(dead)
            jobs += [job for job in again if job not in dead]

    def deliver(self) -> None:
        """Deliver until both streams and the queue are empty."""
        while self.poll() or self.fold_queue or self.broadcast_queue:
            self.fold()
            self.roll_up()
            self.broadcast()

    def settle(self, *viewers: Follower) -> None:
        """Deliver, and have every viewer do what the protocol asks for, until all is at rest."""
        self.deliver()
        for _ in range(SETTLING_ROUNDS):
            for viewer in viewers:
                viewer.follow()
            if not self.poll():
                return
            self.deliver()
        raise AssertionError("the world never comes to rest")

    def deliver_to(self, handler: str, records: Sequence[Mapping[str, Any]], batch_size: int = 100) -> None:
        """Deliver records in batches; one that fails comes again, to the same process if that is alive."""
        for start in range(0, len(records), batch_size):
            event = shapes.stream(records[start : start + batch_size])
            for attempt in range(REDELIVERIES):
                try:
                    self.invoke(handler, event)
                    break
                except (Exception, Died) as error:
                    if attempt == REDELIVERIES - 1:
                        raise AssertionError(f"{handler} fails on a batch for good: {error!r}") from error

    def _inserted(self, table: str) -> list[dict[str, Any]]:
        records = self.stack.records(table, self._read[table])
        self._read[table] += len(records)
        mine = f"{self.workspace}#"
        return [
            record
            for record in records
            if record["eventName"] == "INSERT" and record["dynamodb"]["Keys"]["pk"]["S"].startswith(mine)
        ]

    def _route(self, body: str) -> str:
        try:
            action = json.loads(body).get("action")
        except (ValueError, AttributeError, RecursionError):
            action = None
        return action if isinstance(action, str) and action in ROUTES else "$default"


def _fail(jobs: list[Job]) -> None:
    raise AssertionError(f"jobs fail for good: {[job.body for job in jobs]}")
