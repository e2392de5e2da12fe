"""The route that sends messages to users."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from tidemark import wire
from tidemark.domain.credentials import Principal
from tidemark.domain.messages import Notice
from tidemark.http import schemas
from tidemark.http.authentication import bearer_principal
from tidemark.http.body import parse_object, read_body
from tidemark.http.context import Services, received_at_of, request_id_of, services_of
from tidemark.observability import logger
from tidemark.services.authenticate import open_workspace

router = APIRouter(prefix="/v1/workspaces/{workspace}", tags=["messages"])


@router.post(
    "/notify",
    summary="Send a message to a user",
    response_model=schemas.Notified,
    responses=schemas.errors(400, 401, 403, 409, 413, 429, 503),
    openapi_extra={"requestBody": schemas.NOTIFY_BODY},
)
def notify(
    workspace: str,
    body: Annotated[bytes, Depends(read_body)],
    principal: Annotated[Principal, Depends(bearer_principal)],
    services: Annotated[Services, Depends(services_of)],
    now: Annotated[datetime, Depends(received_at_of)],
    request_id: Annotated[str, Depends(request_id_of)],
) -> JSONResponse:
    """Store a message, push it to the connections on which its user listens, and say where it went."""
    open_workspace(services.directory, principal, workspace, "administer")
    logger().info("message received", request_id=request_id, workspace=workspace, payload_bytes=len(body))
    notice = Notice.parse(parse_object(body), now, lambda: secrets.token_hex(16))
    delivery = services.messenger.notify(workspace, notice, now)
    return JSONResponse(wire.notified(notice.message_id, delivery))
