"""Every AWS call that a handler makes, found by a botocore hook, and what may happen to it.

The hook stands where the network would: it gets the request as it would be sent and returns the response. So a call can
fail before it takes effect, lose its answer after it did, or be the last thing that its process does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse

Respond = Callable[[AWSPreparedRequest], AWSResponse]


class Died(BaseException):
    """The process of a handler has ended here; nothing that it would still do takes effect."""


@dataclass(frozen=True)
class Mode:
    """What befalls the attempts of one call, by their number; the last entry holds for all later attempts.

    A read leaves nothing behind, so losing its answer is the same as not reaching it; and to die after a call is to die
    before the next, save for the last. So `befalls` leaves out what another case has already shown.
    """

    name: str
    before: tuple[str, ...] = ("",)
    after: tuple[str, ...] = ("",)
    warm: bool = False
    """Whether a process that has died is asked again, as if only its work had been cut off."""

    def befalls(self, call: Call, last: bool) -> bool:
        """Whether the mode is a case of its own for this call, which may be the last of its run."""
        return self.after == ("",) or (last if "died" in self.after else call.writes)


MODES = {
    mode.name: mode
    for mode in (
        Mode("unreachable", before=("refused", "timeout")),
        Mode("throttled", before=("throttled",)),
        Mode("answer_lost", after=("lost", "")),
        Mode("every_answer_lost", after=("lost",)),
        Mode("died_before", before=("died",)),
        Mode("died_after", after=("died",)),
        Mode("cut_off_before", before=("died",), warm=True),
        Mode("cut_off_after", after=("died",), warm=True),
    )
}

READS = {"GetItem", "Query", "BatchGetItem", "GetSecretValue", "HeadObject", "GetObject", "ListObjectsV2"}

_THROTTLED = {
    "dynamodb": (400, "ProvisionedThroughputExceededException"),
    "secrets-manager": (400, "ThrottlingException"),
    "sqs": (400, "ThrottlingException"),
    "s3": (503, "SlowDown"),
    "apigatewaymanagementapi": (429, "LimitExceededException"),
}


@dataclass
class Call:
    """One call of the SDK with all its attempts; `target` is a table, a secret or a connection."""

    handler: str
    service: str
    operation: str
    target: str
    request: Any
    raw: AWSPreparedRequest
    invocation_id: str
    attempts: int = 0

    @property
    def writes(self) -> bool:
        """Whether the call may leave something behind."""
        return self.operation not in READS

    def __str__(self) -> str:
        return f"{self.handler}: {self.operation} {self.target}"


@dataclass
class Plan:
    """The fault of one run: `mode` befalls the `index`-th call of `handler`, or the first for which `when` holds.

    With neither it only counts.
    """

    handler: str
    index: int | None = None
    mode: Mode | None = None
    when: Callable[[Call], bool] | None = None
    calls: list[Call] = field(default_factory=list)
    hit: Call | None = None

    def take(self, call: Call) -> None:
        """Note a call, and whether it is the one."""
        chosen = self.when(call) if self.when is not None else self.index == len(self.calls)
        if chosen and self.hit is None:
            self.hit = call
        self.calls.append(call)

    def __str__(self) -> str:
        return f"{self.handler}, call {self.index} ({self.hit or 'never reached'}), {self.mode and self.mode.name}"


@dataclass
class Interleaving:
    """Something that happens once, just before a call for which `when` holds: what another process does meanwhile."""

    when: Callable[[Call], bool]
    happen: Callable[[], None]
    done: bool = False


class Invocation:
    """One run of one handler."""

    def __init__(self, handler: str) -> None:
        self.handler = handler
        self.dead = False


class Calls:
    """The hook, and the record of what came through it."""

    def __init__(self, respond: Callable[[str, AWSPreparedRequest], AWSResponse]) -> None:
        self._respond = respond
        self._lock = RLock()
        self._running: list[Invocation] = []
        self.log: list[Call] = []
        self.plan: Plan | None = None
        self.interleavings: list[Interleaving] = []
        self.mutate: Callable[[Call, AWSPreparedRequest], None] | None = None

    def __call__(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Serve one attempt of a call (the handler of botocore's `before-send`)."""
        _, service, operation = event_name.split(".")
        if not self._running:
            return self._respond(service, request)
        running = self._running[-1]
        call, mode = self._record(running, service, operation, request)
        attempt = call.attempts
        if running.dead:
            raise Died
        if mode is not None and (answer := self._befall(running, mode.before, attempt, call, request)) is not None:
            return answer
        for interleaving in self.interleavings:
            if not interleaving.done and attempt == 1 and interleaving.when(call):
                interleaving.done = True
                interleaving.happen()
        if self.mutate is not None:
            self.mutate(call, request)
        answer = self._respond(service, request)
        if mode is not None:
            self._befall(running, mode.after, attempt, call, request)
        return answer

    def forget(self) -> None:
        """Start a new record, without a plan."""
        self.log.clear()
        self.interleavings.clear()
        self.plan = None

    @property
    def cut_off(self) -> bool:
        """Whether processes outlive the deaths of the current plan."""
        return bool(self.plan and self.plan.mode and self.plan.mode.warm)

    def arrive_late(self, call: Call) -> None:
        """Have a call take effect that was held up on its way."""
        self._respond(call.service, call.raw)

    @contextmanager
    def of(self, handler: str) -> Iterator[Invocation]:
        """Attribute the calls inside to an invocation of `handler`; may be nested, as processes run side by side."""
        running = Invocation(handler)
        self._running.append(running)
        try:
            yield running
        finally:
            self._running.remove(running)

    def _record(
        self, running: Invocation, service: str, operation: str, request: AWSPreparedRequest
    ) -> tuple[Call, Mode | None]:
        with self._lock:
            invocation_id = _text(request.headers["amz-sdk-invocation-id"])
            call = next((call for call in reversed(self.log) if call.invocation_id == invocation_id), None)
            plan = self.plan if self.plan is not None and self.plan.handler == running.handler else None
            if call is None:
                body = _body(service, request)
                target = _target(service, request, body)
                call = Call(running.handler, service, operation, target, body, request, invocation_id)
                self.log.append(call)
                if plan is not None and not running.dead:
                    plan.take(call)
            call.attempts += 1
            return call, plan.mode if plan is not None and plan.hit is call else None

    def _befall(
        self, running: Invocation, entries: tuple[str, ...], attempt: int, call: Call, request: AWSPreparedRequest
    ) -> AWSResponse | None:
        match entries[min(attempt, len(entries)) - 1]:
            case "refused":
                raise EndpointConnectionError(endpoint_url=request.url)
            case "timeout":
                raise ConnectTimeoutError(endpoint_url=request.url)
            case "lost":
                raise ReadTimeoutError(endpoint_url=request.url)
            case "throttled":
                status, code = _THROTTLED[call.service]
                return (xml_error if call.service == "s3" else error_response)(request, status, code)
            case "died":
                running.dead = True
                raise Died
        return None


def error_response(request: AWSPreparedRequest, status: int, code: str) -> AWSResponse:
    """Return an AWS error as it comes over the wire, in the form that JSON and REST-JSON services share."""
    body = json.dumps({"__type": code, "message": "as the test wishes"})
    headers = {"x-amzn-errortype": code, "content-type": "application/json"}
    return AWSResponse(request.url, status, headers, MockRawResponse(body))


def xml_error(request: AWSPreparedRequest, status: int, code: str) -> AWSResponse:
    """Return an error as S3 answers it; to HEAD it says no more than the status."""
    body = (
        "" if request.method == "HEAD" else f"<Error><Code>{code}</Code><Message>as the test wishes</Message></Error>"
    )
    return AWSResponse(request.url, status, {"content-type": "application/xml"}, MockRawResponse(body))


def _body(service: str, request: AWSPreparedRequest) -> Any:
    if service == "apigatewaymanagementapi":
        return bytes(request.body or b"")
    if service == "s3":
        return {"Key": str(request.url).partition(".com/")[2]}
    return json.loads(request.body or b"{}")


def _target(service: str, request: AWSPreparedRequest, body: Any) -> str:
    if service == "apigatewaymanagementapi":
        return str(request.url).rpartition("/")[2]
    if "TransactItems" in body:
        return ",".join(sorted({put["TableName"] for item in body["TransactItems"] for put in item.values()}))
    if "RequestItems" in body:
        return ",".join(body["RequestItems"])
    named = ("TableName", "SecretId", "QueueUrl", "Key")
    return str(next(body[name] for name in named if name in body))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
