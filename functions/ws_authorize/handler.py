"""`$connect`, before it: whom a credential stands for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidemark.bootstrap import container
from tidemark.domain.errors import Unauthorized
from tidemark.observability import logger
from tidemark.services.authenticate import authenticate


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer API Gateway with a policy, and with the workspace, role and user that every later message will carry.

    The credential stands in `?token=` or in `Sec-WebSocket-Protocol`. A refusal is a Deny (403); what could not be
    looked up is raised (500), so that a client knows to retry.
    """
    token = (event.get("queryStringParameters") or {}).get("token")
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    credential = token or headers.get("sec-websocket-protocol", "").split(",")[-1].strip()
    request_id = event["requestContext"]["requestId"]
    try:
        principal = authenticate(
            credential,
            directory=container().directory,
            token_keys=container().token_keys,
            now=datetime.now(UTC),
            tickets=True,
        )
    except Unauthorized as error:
        logger().warning("refused", extra={"request_id": request_id, "code": error.code, "reason": error.message})
        return _policy(event, "Deny", "nobody", {"code": error.code})
    logger().info("authorized", extra={"request_id": request_id, "workspace": principal.workspace})
    found = {
        "workspace": principal.workspace,
        "role": principal.role,
        "expires_at": str(principal.expires_at or 0),
    }
    if principal.user is not None:
        found["user"] = principal.user
    return _policy(event, "Allow", principal.workspace, found)


def _policy(event: dict[str, Any], effect: str, principal_id: str, context: dict[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": principal_id, "policyDocument": policy, "context": context}
