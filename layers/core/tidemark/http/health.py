"""`GET /health`: what the last health check found, for anyone; and more for an operator."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from tidemark.domain.credentials import require
from tidemark.domain.errors import Unavailable
from tidemark.domain.health import Step, ratios
from tidemark.http import schemas
from tidemark.http.authentication import header_credential
from tidemark.http.context import Services, received_at_of, request_id_of, services_of
from tidemark.http.errors import error_response
from tidemark.observability import log_unanswered, logger
from tidemark.services.authenticate import authenticate
from tidemark.services.health import Health, deep_health, health_of

router = APIRouter(tags=["operation"])


@router.get(
    "/health",
    summary="Is it well?",
    response_model=schemas.Health,
    response_model_exclude_unset=True,
    responses=schemas.errors(400, 401, 403, 429, 503),
)
def health(
    services: Annotated[Services, Depends(services_of)],
    now: Annotated[datetime, Depends(received_at_of)],
    request_id: Annotated[str, Depends(request_id_of)],
    credential: Annotated[str | None, Depends(header_credential)],
    deep: Annotated[bool, Query(description="Ask the dependencies now, and tell all; for an admin token.")] = False,
) -> JSONResponse:
    """Return the state of every component; 503 only when the service is down."""
    logger().info("health requested", request_id=request_id, deep=deep)
    if deep:
        principal = authenticate(credential, directory=services.directory, token_keys=services.token_keys, now=now)
        require(principal, principal.workspace, "administer")
        found = deep_health(services.health_reports, services.health_probes, now, time.monotonic, log_unanswered)
    else:
        found = health_of(services.health_reports, now)
    body = _body(found, now) | (_details(found) if deep else {})
    if found.status == "down":
        return error_response(Unavailable("the service is down"), request_id, extra=body)
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _body(found: Health, now: datetime) -> dict[str, Any]:
    return {
        "status": found.status,
        "components": {name: {"state": state} | _checked_at(found, name, now) for name, state in found.states.items()},
    }


def _checked_at(found: Health, component: str, now: datetime) -> dict[str, str]:
    if component in found.asked:
        return {"checked_at": _time(int(now.timestamp()))}
    return {"checked_at": _time(found.report.run.started_at)} if found.report else {}


def _details(found: Health) -> dict[str, Any]:
    checks = {name: _outcome(answer.milliseconds, answer.code) for name, answer in found.probed.items()}
    if found.report is None:
        return {"checks": checks}
    run = found.report.run
    return {
        "checks": checks,
        "run": {
            "started_at": _time(run.started_at),
            "milliseconds": run.milliseconds,
            "startup_milliseconds": run.startup_milliseconds(),
            "period_seconds": run.period_seconds,
        },
        "steps": {step.name: {"component": step.component} | _step(step) for step in run.steps},
        "ratios": {"runs": len(found.report.history), **ratios(found.report.history)},
    }


def _step(step: Step) -> dict[str, Any]:
    return {"skipped": True} if step.skipped else _outcome(step.milliseconds, step.code)


def _outcome(milliseconds: int, code: str | None) -> dict[str, Any]:
    return {"milliseconds": milliseconds, "ok": code is None} | ({"code": code} if code else {})


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
