"""The route that makes a ticket of a token."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from tidemark.domain.credentials import TICKET_LIFETIME, Principal, issue_ticket
from tidemark.http import schemas
from tidemark.http.authentication import bearer_principal
from tidemark.http.context import Services, received_at_of, request_id_of, services_of
from tidemark.observability import logger
from tidemark.services.authenticate import open_workspace

router = APIRouter(prefix="/v1", tags=["views"])


@router.post(
    "/ticket",
    summary="A ticket, to open a WebSocket with",
    response_model=schemas.Ticket,
    responses=schemas.errors(401, 403, 429, 503),
)
def ticket(
    principal: Annotated[Principal, Depends(bearer_principal)],
    services: Annotated[Services, Depends(services_of)],
    now: Annotated[datetime, Depends(received_at_of)],
    request_id: Annotated[str, Depends(request_id_of)],
) -> JSONResponse:
    """Exchange a token for a ticket of one minute, so that no token need stand in an address.

    The ticket opens WebSockets only; the connection lasts as long as the token.
    """
    workspace = open_workspace(services.directory, principal, principal.workspace, "read").workspace
    logger().info("ticket requested", request_id=request_id, workspace=workspace)
    kid, secret = services.token_keys.current()
    body = {
        "ticket": issue_ticket(principal, kid=kid, secret=secret, issued_at=now),
        "expires_in_seconds": int(TICKET_LIFETIME.total_seconds()),
        "websocket_url": services.websocket_url,
    }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
