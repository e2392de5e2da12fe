"""The frame of every WebSocket handler: receive, log, answer, and turn whatever goes wrong into an error message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from tidemark import wire
from tidemark.bootstrap import container
from tidemark.domain.credentials import Action, Principal, Role
from tidemark.domain.errors import InvalidRequest, TidemarkError, Unauthorized
from tidemark.observability import count, logger
from tidemark.services.authenticate import open_workspace
from tidemark.services.ports import Workspace

Event = Mapping[str, Any]
Handler = Callable[[Event, object], dict[str, Any]]
OK = {"statusCode": 200}


@dataclass(frozen=True, slots=True)
class Request:
    """One message of a client; `principal` is whom the connection was opened by."""

    connection: str
    principal: Principal
    message: wire.Message
    message_id: str
    now: datetime

    def open(self, action: Action) -> Workspace:
        """Return the connection's workspace if its credential allows `action`; raises `Forbidden`."""
        return open_workspace(container().directory, self.principal, self.principal.workspace, action)


Answer = Callable[[Request], Iterable[wire.Message]]


def route(answer: Answer) -> Handler:
    """Return the Lambda handler of a route that `answer`s a request with messages."""

    def handler(event: Event, context: object) -> dict[str, Any]:
        now = datetime.now(UTC)
        received = event["requestContext"]
        connection, request_id = received["connectionId"], received["requestId"]
        found: dict[str, Any] = {"route": received["routeKey"], "connection": connection, "request_id": request_id}
        client_id: str | None = None
        workspace: str | None = None
        try:
            authorized = received.get("authorizer") or {}
            workspace = authorized.get("workspace")
            logger().info("received", extra=found | {"workspace": workspace, "role": authorized.get("role")})
            message = wire.parse(event.get("body"))
            client_id = wire.message_id(message)  # before the credential is judged: a refusal repeats it too
            principal = principal_of(event, now)
            _send(connection, answer(Request(connection, principal, message, client_id, now)))
        except TidemarkError as error:
            logger().warning(
                "refused", extra=found | {"workspace": workspace, "code": error.code, "reason": error.message}
            )
            _send(connection, [wire.error(client_id, error.as_dict(), request_id, workspace)])
        except Exception:  # noqa: BLE001  # logged; the client gets an error, not a stack
            logger().exception("failed", extra=found | {"workspace": workspace})
            count("InternalErrors")
            body = {"code": "internal", "message": "the request failed; the request id finds it in our logs"}
            _send(connection, [wire.error(client_id, body, request_id, workspace)])
        return OK

    return handler


def unknown(request: Request) -> Iterable[wire.Message]:
    """Raise what a client is told whose message no route takes."""
    action = request.message.get("action")
    if not isinstance(action, str):
        raise InvalidRequest("a message has an action, like 'bootstrap'", field="action")
    raise InvalidRequest(f"there is no action {action[:64]!r}", code="unknown_action", field="action")


refuse = route(unknown)


def lifecycle(kind: str, handler: Handler) -> Handler:
    """Return the Lambda handler of `$connect` (`kind` CONNECT) or `$disconnect` (DISCONNECT).

    A gateway that routes by the message's action can bring a message there, too, whose action is the route's name.
    That is an action like any other that does not exist.
    """

    def guarded(event: Event, context: object) -> dict[str, Any]:
        return (handler if event["requestContext"]["eventType"] == kind else refuse)(event, context)

    return guarded


def principal_of(event: Event, now: datetime) -> Principal:
    """Return whom a connection was opened by, as the authorizer found; raises `Unauthorized` when its time is over."""
    context = event["requestContext"].get("authorizer") or {}
    if "workspace" not in context:
        raise Unauthorized("the connection has no credential")
    expires_at = int(context.get("expires_at") or 0) or None
    if expires_at is not None and expires_at <= now.timestamp():
        raise Unauthorized("the token has expired", code="token_expired")
    return Principal(context["workspace"], cast(Role, context["role"]), expires_at, context.get("user"))


def _send(connection: str, messages: Iterable[wire.Message]) -> None:
    for message in messages:
        if not container().sockets.send(connection, wire.encode(message)):
            return  # gone; the lease ends by $disconnect or by its time
