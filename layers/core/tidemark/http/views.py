"""The routes that read dashboards."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import JSONResponse, Response

from tidemark.domain.credentials import Principal
from tidemark.domain.definitions import shipped
from tidemark.domain.errors import InvalidView
from tidemark.domain.snapshot import INSIGHTS
from tidemark.domain.views import DEFAULT_DAYS, View
from tidemark.http import schemas
from tidemark.http.authentication import bearer_principal
from tidemark.http.context import Services, received_at_of, request_id_of, services_of
from tidemark.observability import logger
from tidemark.services.authenticate import open_workspace
from tidemark.services.ports import Head

router = APIRouter(prefix="/v1/workspaces/{workspace}", tags=["views"])

_TAB = "tabs."


@router.get(
    "/snapshot",
    summary="The whole snapshot of a view",
    response_model=schemas.Snapshot,
    responses=schemas.errors(400, 401, 403, 404, 429, 503),
)
def snapshot(
    workspace: str,
    principal: Annotated[Principal, Depends(bearer_principal)],
    services: Annotated[Services, Depends(services_of)],
    now: Annotated[datetime, Depends(received_at_of)],
    request_id: Annotated[str, Depends(request_id_of)],
    dashboard: Annotated[str, Query(description="The name of an enabled dashboard.")] = "web",
    days: Annotated[int, Query(description="Local days of the workspace's timezone, 1 to 366.")] = DEFAULT_DAYS,
    to: Annotated[str | None, Query(description="The last day, such as 2015-05-21; today unless given.")] = None,
) -> JSONResponse:
    """Return the current state of a view, all its sections at once."""
    settings = open_workspace(services.directory, principal, workspace, "read")
    logger().info("snapshot requested", request_id=request_id, workspace=workspace, dashboard=dashboard, days=days)
    view = _view({"dashboard": dashboard, "days": days, "to": to})
    return JSONResponse(_snapshot(workspace, view, services.views.current(settings, view, now)))


@router.get(
    "/dashboards",
    summary="The enabled dashboards, as declared",
    response_model=schemas.Dashboards,
    responses=schemas.errors(401, 403, 429, 503),
)
def dashboards(
    workspace: str,
    principal: Annotated[Principal, Depends(bearer_principal)],
    services: Annotated[Services, Depends(services_of)],
    request_id: Annotated[str, Depends(request_id_of)],
    if_none_match: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Return what a client needs to show each dashboard: names, titles, units, charts and tabs."""
    settings = open_workspace(services.directory, principal, workspace, "read")
    logger().info("dashboards requested", request_id=request_id, workspace=workspace)
    known = shipped()
    declared = [known[name].as_dict() for name in settings.dashboards if name in known]
    answer = JSONResponse({"timezone": settings.timezone, "dashboards": declared})
    # A page that comes back asks whether anything changed, and mostly gets an empty answer.
    etag = f'"{sha256(bytes(answer.body)).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if etag in if_none_match:
        return Response(status_code=304, headers=headers)
    answer.headers.update(headers)
    return answer


def _view(raw: dict[str, Any]) -> View:
    try:
        return View.parse(raw)
    except InvalidView as error:
        # In a query string the fields stand by themselves.
        error.field = error.field.removeprefix("view.") if error.field else None
        raise


def _snapshot(workspace: str, view: View, head: Head) -> dict[str, Any]:
    sections = head.sections
    return {
        "workspace_id": workspace,
        "days": view.days,
        "timestamp": head.generated_at,
        "kpis": sections.get("kpis", {}),
        "charts": sections.get("charts", {}),
        "tabs": {name.removeprefix(_TAB): data for name, data in sections.items() if name.startswith(_TAB)},
        **({INSIGHTS: sections[INSIGHTS]} if INSIGHTS in sections else {}),
        "checksums": dict(head.checksums),
        "position": {"epoch": head.epoch, "seq": head.seq},
    }
