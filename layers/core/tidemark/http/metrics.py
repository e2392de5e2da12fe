"""The route of the query router: measures over any days, by grain, compared, broken down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response

from tidemark.domain.credentials import Principal
from tidemark.domain.errors import InvalidQuery
from tidemark.domain.events import compact_json, format_timestamp
from tidemark.domain.query import MetricsQuery
from tidemark.http import schemas
from tidemark.http.authentication import bearer_principal
from tidemark.http.conditional import is_named
from tidemark.http.context import Services, received_at_of, request_id_of, services_of
from tidemark.observability import logger
from tidemark.services.authenticate import open_workspace
from tidemark.services.query import Page

router = APIRouter(prefix="/v1/workspaces/{workspace}", tags=["metrics"])


async def parameters_of(request: Request) -> Mapping[str, str]:
    """Return the parameters as they were given, each once (a FastAPI dependency); the domain checks them."""
    given = request.query_params.multi_items()
    repeated = next((name for name, times in Counter(name for name, _ in given).items() if times > 1), None)
    if repeated is not None:
        shown = repeated[:64].encode(errors="replace").decode()
        raise InvalidQuery(f"{shown!r} is given more than once", field=shown)
    return dict(given)


@router.get(
    "/metrics",
    summary="Measures over days",
    response_model=schemas.Metrics,
    responses=schemas.errors(400, 401, 403, 404, 429, 503),
    openapi_extra={"parameters": schemas.METRICS_PARAMETERS},
)
def metrics(
    workspace: str,
    principal: Annotated[Principal, Depends(bearer_principal)],
    raw: Annotated[Mapping[str, str], Depends(parameters_of)],
    services: Annotated[Services, Depends(services_of)],
    now: Annotated[datetime, Depends(received_at_of)],
    request_id: Annotated[str, Depends(request_id_of)],
    if_none_match: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Return the measures of a dashboard, a row for each period, from the cheapest sources that are complete."""
    settings = open_workspace(services.directory, principal, workspace, "read")
    page = services.metrics.ask(settings, raw, now)
    query = page.query
    logger().info(
        "metrics read",
        request_id=request_id,
        workspace=workspace,
        role=principal.role,
        dashboard=query.dashboard.name,
        days=query.days,
        grain=query.grain,
        rows=len(page.rows),
        day_cells=page.sources.day_cells,
        hour_cells=page.sources.hour_cells,
        log_hours=page.sources.log_hours,
        left_out_hours=page.freshness.left_out_hours,
    )
    body = compact_json(_body(workspace, page))
    content = body.removesuffix(b"}") + b',"fresh_at":"' + format_timestamp(now).encode() + b'"}'
    if page.freshness.left_out_hours:  # the same question gets another answer as soon as the cells are there
        headers = {"Cache-Control": "private, no-store", "Vary": "Authorization"}
        return Response(content, media_type="application/json", headers=headers)
    # Weak: when the answer was computed is not part of what it says.
    etag = f'W/"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if is_named(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def _body(workspace: str, page: Page) -> dict[str, Any]:
    query, fresh = page.query, page.freshness
    return {
        "workspace_id": workspace,
        "dashboard": query.dashboard.name,
        "timezone": query.timezone,
        "from": query.first.isoformat(),
        "to": query.last.isoformat(),
        "grain": query.grain,
        "measures": [{**measure.as_dict(), "kind": measure.kind} for measure in query.shown],
        **({"group_by": _group_by(query)} if query.group_by else {}),
        "rows": page.rows,
        **({"previous": _previous(query, page)} if query.compare else {}),
        "sources": {
            "day_cells": page.sources.day_cells,
            "hour_cells": page.sources.hour_cells,
            "log_hours": page.sources.log_hours,
        },
        "freshness": {
            "final_until": fresh.final_until.isoformat(),
            "live_hours": fresh.live_hours,
            "incomplete_hours": fresh.incomplete_hours,
            "expired_days": fresh.expired_days,
            "left_out_hours": fresh.left_out_hours,
            **({"retry_at": fresh.retry_at.isoformat(timespec="seconds")} if fresh.retry_at else {}),
        },
        **({"next_cursor": page.next_cursor} if page.next_cursor else {}),
    }


def _group_by(query: MetricsQuery) -> dict[str, Any]:
    return query.dashboard.measures[str(query.group_by)].as_dict()


def _previous(query: MetricsQuery, page: Page) -> dict[str, Any]:
    first, last = query.previous
    return {"from": first.isoformat(), "to": last.isoformat(), "rows": page.previous}
