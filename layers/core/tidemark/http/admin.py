"""`GET /v1/admin/health`: the health of the data, for an operator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from tidemark.domain.credentials import Principal
from tidemark.domain.workspace import Workspace
from tidemark.http import schemas
from tidemark.http.authentication import bearer_principal
from tidemark.http.context import Services, received_at_of, request_id_of, services_of
from tidemark.observability import logger
from tidemark.services.authenticate import open_workspace
from tidemark.services.data_health import DataReport, HourRate, RollupHealth, TableHealth, WorkspaceHealth
from tidemark.services.record import PastClosing, PastRun

router = APIRouter(prefix="/v1/admin", tags=["operation"])


class DataHealthAnswer(BaseModel):
    """The health of the data: of the whole system's tables and rollup, and of the token's own workspace."""

    status: Literal["ok", "degraded", "down", "unknown"]
    checked_at: str
    tables: dict[str, dict[str, Any]]
    rollup: dict[str, Any]
    workspace: dict[str, Any]


@router.get(
    "/health",
    summary="Is the data well?",
    response_model=DataHealthAnswer,
    responses=schemas.errors(401, 403, 429, 503),
)
def data_health(
    principal: Annotated[Principal, Depends(bearer_principal)],
    services: Annotated[Services, Depends(services_of)],
    now: Annotated[datetime, Depends(received_at_of)],
    request_id: Annotated[str, Depends(request_id_of)],
) -> JSONResponse:
    """Return the state of tables, rollup and the workspace's last hours; 200 in any state, since it is an answer."""
    workspace = open_workspace(services.directory, principal, principal.workspace, "administer")
    logger().info("data health requested", request_id=request_id, workspace=workspace.workspace)
    report = services.data_health(workspace, now)
    return JSONResponse(_body(report, workspace, now), headers={"Cache-Control": "no-store"})


def _body(report: DataReport, workspace: Workspace, now: datetime) -> dict[str, Any]:
    return {
        "status": report.status,
        "checked_at": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "tables": {name: _table(table) for name, table in report.tables.items()},
        "rollup": _rollup(report.rollup),
        "workspace": {
            "workspace_id": workspace.workspace,
            "keeps": _keeps(workspace, now),
            **_workspace(report.workspace),
        },
    }


def _keeps(workspace: Workspace, now: datetime) -> dict[str, Any]:
    kept_from = workspace.kept_from(now)
    return {
        "retention_days": workspace.retention_days,
        "recovery_hours": workspace.recovery_hours,
        **_given(history_days=workspace.history_days),
        **_given(history_from=kept_from.isoformat() if kept_from > date.min else None),
    }


def _table(table: TableHealth) -> dict[str, Any]:
    found: dict[str, Any] = {"state": table.state}
    if table.facts is not None:
        found |= {"status": table.facts.status, "items": table.facts.items, "bytes": table.facts.size_bytes}
    return found | _given(code=table.code)


def _rollup(rollup: RollupHealth) -> dict[str, Any]:
    if not rollup.runs:
        return {"state": rollup.state, **_given(code=rollup.code)}
    return {
        "state": rollup.state,
        "lag_seconds": rollup.lag_seconds,
        "backlog": {"periods": rollup.due, "is_all": rollup.is_all, **_given(oldest_slot=rollup.oldest_due)},
        "runs": [_run(run) for run in rollup.runs],
    }


def _run(run: PastRun) -> dict[str, Any]:
    return {"slot": run.slot, "at": run.at, "periods": run.periods, "milliseconds": run.milliseconds}


def _workspace(found: WorkspaceHealth) -> dict[str, Any]:
    if found.code is not None:
        return {"state": found.state, "code": found.code}
    return {
        "state": found.state,
        "drift": found.drift,
        "slowest_milliseconds": found.slowest_milliseconds,
        "failed": [_failed(closing) for closing in found.failed],
        **_given(last_day=_day(found.last_day)),
        "insertion": _insertion(found.rates),
    }


def _failed(closing: PastClosing) -> dict[str, Any]:
    return {
        "period": closing.period,
        "slot": closing.slot,
        "at": closing.at,
        "error": closing.error,
        "attempts": closing.attempts,
    }


def _day(closing: PastClosing | None) -> dict[str, Any] | None:
    if closing is None:
        return None
    return {"day": closing.period, "slot": closing.slot, "at": closing.at, "milliseconds": closing.milliseconds}


def _insertion(rates: Sequence[HourRate]) -> dict[str, Any]:
    """Return the hours, and sums over those of which both numbers are known, so that the sums compare."""
    both = [(rate.events, rate.week_before) for rate in rates if None not in (rate.events, rate.week_before)]
    return {
        "hours": [{"hour": rate.hour, **_given(events=rate.events, week_before=rate.week_before)} for rate in rates],
        "compared_hours": len(both),
        "events": sum(events or 0 for events, _ in both),
        "week_before": sum(before or 0 for _, before in both),
    }


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
