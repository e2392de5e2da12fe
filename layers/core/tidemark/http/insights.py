"""The route that tells the insights of a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from tidemark.domain.credentials import Principal
from tidemark.domain.events import compact_json
from tidemark.domain.insight_query import DEFAULT_ROWS, MAX_ROWS
from tidemark.http import schemas
from tidemark.http.authentication import bearer_principal
from tidemark.http.conditional import is_named
from tidemark.http.context import Services, request_id_of, services_of
from tidemark.http.metrics import parameters_of
from tidemark.observability import logger
from tidemark.services.authenticate import open_workspace

router = APIRouter(prefix="/v1/workspaces/{workspace}", tags=["insights"])


class InsightFigure(BaseModel):
    """A number that a pattern rests on, and what it usually is where that is known."""

    name: str
    value: float
    usual: float | None = None
    unit: str


class InsightPattern(BaseModel):
    """One thing that was found; `confidence` is the probability that it is so."""

    kind: str
    text: str
    confidence: float = Field(ge=0, le=1)
    figures: list[InsightFigure]


class Insight(BaseModel):
    """What the analysis of a batch of events found."""

    model_config = ConfigDict(protected_namespaces=())

    insight_id: str
    analysed_at: str
    first_event_at: str
    last_event_at: str
    events: int
    provider: str
    model: str
    summary: str
    confidence: float = Field(ge=0, le=1)
    patterns: list[InsightPattern]
    recommendations: list[str]


class Insights(BaseModel):
    """A page of insights, newest first."""

    workspace_id: str
    timezone: str
    insights: list[Insight]
    next_cursor: str | None = None


_TEXT = {"type": "string"}
_PARAMETERS: list[dict[str, Any]] = [
    {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
    for name, schema, description in (
        ("from", {**_TEXT, "format": "date"}, "The first local day of the events; open unless given."),
        ("to", {**_TEXT, "format": "date"}, "The last local day of the events; open unless given."),
        ("limit", {"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "default": DEFAULT_ROWS}, "To a page."),
        ("cursor", _TEXT, "The `next_cursor` of the page before."),
    )
]


@router.get(
    "/insights",
    summary="What the analysis of batches of events found",
    response_model=Insights,
    responses=schemas.errors(400, 401, 403, 429, 503),
    openapi_extra={"parameters": _PARAMETERS},
)
def insights(
    workspace: str,
    principal: Annotated[Principal, Depends(bearer_principal)],
    raw: Annotated[Mapping[str, str], Depends(parameters_of)],
    services: Annotated[Services, Depends(services_of)],
    request_id: Annotated[str, Depends(request_id_of)],
    if_none_match: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Return the insights of a workspace, newest first: each with the figures behind what it claims."""
    settings = open_workspace(services.directory, principal, workspace, "read")
    page = services.insight_timeline(settings, raw)
    logger().info(
        "insights read",
        request_id=request_id,
        workspace=workspace,
        role=principal.role,
        insights=len(page.insights),
    )
    answer = {
        "workspace_id": workspace,
        "timezone": settings.timezone,
        "insights": page.insights,
        **({"next_cursor": page.next_cursor} if page.next_cursor else {}),
    }
    body = compact_json(answer)
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if is_named(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
