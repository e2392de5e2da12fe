"""The route of the hourly tables."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from tidemark.domain.credentials import Principal
from tidemark.domain.hourly import PLACE_COLUMNS, SOURCE_COLUMNS, HourlyQuery
from tidemark.http import schemas
from tidemark.http.authentication import bearer_principal
from tidemark.http.context import Services, received_at_of, request_id_of, services_of
from tidemark.http.metrics import parameters_of
from tidemark.http.parameters import HOURLY_PARAMETERS
from tidemark.observability import logger
from tidemark.services.authenticate import open_workspace
from tidemark.services.hourly import HourlyPage, HourlyRow
from tidemark.services.ports import Workspace

router = APIRouter(prefix="/v1/workspaces/{workspace}", tags=["metrics"])

_FORMULA = re.compile(r"\s*[=+\-@]")


@router.get(
    "/hourly",
    summary="The hourly table of a dashboard",
    response_model=schemas.HourlyTable,
    responses=schemas.errors(400, 401, 403, 404, 429, 503),
    openapi_extra={"parameters": HOURLY_PARAMETERS},
)
def hourly(
    workspace: str,
    principal: Annotated[Principal, Depends(bearer_principal)],
    raw: Annotated[Mapping[str, str], Depends(parameters_of)],
    services: Annotated[Services, Depends(services_of)],
    now: Annotated[datetime, Depends(received_at_of)],
    request_id: Annotated[str, Depends(request_id_of)],
) -> Response:
    """Return a row for every hour with events: each measure a column, and how the row came to be."""
    settings = open_workspace(services.directory, principal, workspace, "read")
    query = HourlyQuery.parse(raw, now.astimezone(ZoneInfo(settings.timezone)).date())
    # Who has read what of whom: the trace of every access to analytics.
    logger().info(
        "hourly table read",
        request_id=request_id,
        workspace=workspace,
        role=principal.role,
        dashboard=query.dashboard[:64],
        days=(query.last - query.first).days + 1,
        members=len(settings.members),
    )
    page = services.hourly_table(settings, query, now)
    answer = _csv(query, page) if query.form == "csv" else JSONResponse(_json(settings, query, page))
    answer.headers["Cache-Control"] = "private, no-store"
    if page.cursor is not None:
        answer.headers["Link"] = f'<?{urlencode(query.next_page(page.cursor))}>; rel="next"'
    return answer


def _json(settings: Workspace, query: HourlyQuery, page: HourlyPage) -> dict[str, Any]:
    return {
        "workspace_id": settings.workspace,
        "dashboard": query.dashboard,
        "timezone": settings.timezone,
        "from": query.first.isoformat(),
        "to": query.last.isoformat(),
        "columns": [column.as_dict() for column in page.columns],
        "rows": [_row(query, row) for row in page.rows],
        "left_out": list(page.left_out),
        "expired": list(page.expired),
        **({"next_cursor": page.cursor} if page.cursor is not None else {}),
    }


def _csv(query: HourlyQuery, page: HourlyPage) -> Response:
    """Return the page as CSV (RFC 4180)."""
    place = PLACE_COLUMNS if query.by_workspace else PLACE_COLUMNS[:1]
    names = [*place, *(column.name for column in page.columns), *SOURCE_COLUMNS]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    for row in page.rows:
        shown = _row(query, row)
        writer.writerow([_cell(shown[name]) for name in names])
    file = f"{query.dashboard}-{query.first}-{query.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "X-Left-Out": str(len(page.left_out))}
    headers["X-Expired"] = str(len(page.expired))
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


def _row(query: HourlyQuery, row: HourlyRow) -> dict[str, Any]:
    return {
        "hour": row.hour,
        **({"workspace_id": row.workspace} if query.by_workspace else {}),
        **row.values,
        "data_sources_count": row.sources,
        "calculation_method": row.method,
        "calculated_at": _instant(row.calculated_at),
        "created_at": _instant(row.created_at),
    }


def _cell(value: Any) -> Any:
    """Return a value for a spreadsheet, which would run a text that looks like a formula (OWASP, "CSV Injection")."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
