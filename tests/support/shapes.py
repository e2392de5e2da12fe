"""The events that Lambda gets, in the shapes of events/*.json."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

_requests = count(1)


def authorize(query: Mapping[str, str], headers: Mapping[str, str], connection: str) -> dict[str, Any]:
    """Return what a REQUEST authorizer of a WebSocket API gets."""
    return {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live/$connect",
        "headers": {"Host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", **headers},
        "queryStringParameters": dict(query),
        "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", **_context(connection)},
    }


def websocket(
    route: str, connection: str, authorizer: Mapping[str, Any] | None, body: str | None = None
) -> dict[str, Any]:
    """Return what a route of a WebSocket API gets."""
    kind = "MESSAGE" if body is not None else {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}[route]
    context = {"routeKey": route, "eventType": kind, **_context(connection)}
    if authorizer is not None:
        context["authorizer"] = {"integrationLatency": 21, **authorizer}
    event: dict[str, Any] = {"requestContext": context, "isBase64Encoded": False}
    if body is not None:
        event["body"] = body
    return event


def http(method: str, path: str, query: str, headers: Mapping[str, str], body: str) -> dict[str, Any]:
    """Return what an HTTP API gives to Lambda, in format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "h1j2k3l4m5.execute-api.us-east-1.amazonaws.com", **headers},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9"},
            "requestId": f"request-{next(_requests)}",
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def queue(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what an event source mapping makes of the messages of a queue."""
    return {"Records": list(records)}


def stream(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what an event source mapping makes of the records of a DynamoDB stream."""
    return {"Records": [_record(record) for record in records]}


def _record(record: Mapping[str, Any]) -> dict[str, Any]:
    created = int(record["dynamodb"]["ApproximateCreationDateTime"].timestamp())
    change = {**record["dynamodb"], "ApproximateCreationDateTime": created}
    for name in ("Keys", "NewImage"):
        change[name] = {key: _value(value) for key, value in change[name].items()}
    return {**record, "dynamodb": change, "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/s"}


def _value(value: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: b64encode(content).decode() if kind == "B" else content for kind, content in value.items()}


def _context(connection: str) -> dict[str, Any]:
    request_id = f"request-{next(_requests)}"
    return {
        "connectionId": connection,
        "requestId": request_id,
        "extendedRequestId": request_id,
        "stage": "live",
        "apiId": "a1b2c3d4e5",
        "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
        "identity": {"sourceIp": "203.0.113.7", "userAgent": "test"},
    }
