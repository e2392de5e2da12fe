"""`POST /v1/admin/…`: what operators do to batches, jobs, dead letters and breakers by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from tidemark.domain.events import format_timestamp
from tidemark.domain.workspace import Workspace
from tidemark.http import administration_schemas as described
from tidemark.http import schemas
from tidemark.http.administration import Caller, answer
from tidemark.http.body import parse_object, read_body
from tidemark.http.pipeline_bodies import RedriveBody, batch_body, breaker_body, provider_of
from tidemark.services.administration import one, require_operator
from tidemark.services.breakers import Moved
from tidemark.services.pipeline_actions import Action, Redriven

router = APIRouter(prefix="/v1/admin", tags=["administration"])

Asked = Annotated[Caller, Depends()]
Route = Callable[..., JSONResponse]
Body = Annotated[bytes, Depends(read_body)]


def _post(path: str, summary: str, model: Any, body: dict[str, Any] | None = None) -> Callable[[Route], Route]:
    """Return the decorator of a route that does something."""
    extra = {"parameters": described.parameters((), paged=False), **({"requestBody": body} if body else {})}
    return router.post(
        path,
        summary=summary,
        response_model=model,
        responses=schemas.errors(400, 401, 403, 404, 409, 413, 429, 503),
        openapi_extra=extra,
    )


@_post("/batches/{batch}/seal", "Seal a batch", described.BatchAction)
def seal(batch: str, caller: Asked) -> JSONResponse:
    """Close an open batch before it is full or old, so that its analysis begins."""
    return _done(caller, batch, "seal batch", caller.administration.actions.seal)


@_post("/batches/{batch}/analyse", "Analyse a batch again", described.BatchAction)
def analyse(batch: str, caller: Asked) -> JSONResponse:
    """Have a batch analysed again whose job has ended, well or not."""
    return _done(caller, batch, "analyse batch", caller.administration.actions.analyse)


@_post("/batches/{batch}/restore", "Restore a batch", described.BatchAction)
def restore(batch: str, caller: Asked) -> JSONResponse:
    """Bring an analysed batch back that has expired, from cold storage."""
    workspace = _acting(caller, batch, "restore batch")
    return _acted(caller.administration.restore(workspace, batch, caller.now))


@_post("/jobs/{batch}/cancel", "Cancel a job", described.BatchAction)
def cancel(batch: str, caller: Asked) -> JSONResponse:
    """End a job that waits or runs."""
    return _done(caller, batch, "cancel job", caller.administration.actions.cancel)


@_post("/dead-letters/redrive", "Try dead letters again", described.Redrive, described.REDRIVE_BODY)
def redrive(caller: Asked, body: Body) -> JSONResponse:
    """Begin failed jobs anew: those that are named, or a hundred of all of them."""
    workspace = caller.scope()
    caller.query("redrive")
    wanted = RedriveBody.parse(parse_object(body), caller.now)
    actions, name = caller.administration.actions, workspace.workspace if workspace else None
    if wanted.jobs is not None:
        name = one(workspace).workspace
        caller.act(workspace, "redrive dead letters", ", ".join(wanted.jobs)[: described.MAX_TARGET_CHARACTERS])
        return _redriven(actions.redrive(name, wanted.jobs, caller.request_id, caller.now), wanted)
    caller.act(workspace, "redrive dead letters", "all")
    return _redriven(actions.redrive_all(name, wanted.failed_before, caller.request_id, caller.now), wanted)


@_post("/breaker/trip", "Open a circuit breaker", described.BreakerAction, described.PROVIDER_BODY)
def trip(caller: Asked, body: Body) -> JSONResponse:
    """Give a provider a rest, for as long as failures would."""
    provider = _provider(caller, body)
    caller.act(caller.scope(), "trip breaker", provider or "")
    return _moved(caller.administration.breakers.trip(provider, caller.request_id, caller.now))


@_post("/breaker/reset", "Close a circuit breaker", described.BreakerAction, described.PROVIDER_BODY)
def reset(caller: Asked, body: Body) -> JSONResponse:
    """Let everything through to a provider again."""
    provider = _provider(caller, body)
    caller.act(caller.scope(), "reset breaker", provider or "")
    return _moved(caller.administration.breakers.reset(provider, caller.request_id, caller.now))


def _provider(caller: Caller, body: bytes) -> str | None:
    require_operator(caller.principal)
    caller.query("breaker")
    return provider_of(parse_object(body) if body else {})


def _done(caller: Caller, batch: str, what: str, do: Callable[[str, str, str, datetime], Action]) -> JSONResponse:
    workspace = _acting(caller, batch, what)
    return _acted(do(workspace.workspace, batch, caller.request_id, caller.now))


def _acting(caller: Caller, batch: str, what: str) -> Workspace:
    workspace = caller.one(batch)
    caller.query(what)
    caller.act(workspace, what, batch)
    return workspace


def _acted(action: Action) -> JSONResponse:
    return answer({"changed": action.changed, "batch": batch_body(action.batch)})


def _redriven(redriven: Redriven, wanted: RedriveBody) -> JSONResponse:
    skipped = [{"workspace_id": name, "batch_id": each, "code": code} for (name, each), code in redriven.skipped]
    body = {
        "redriven": [{"workspace_id": name, "batch_id": each} for name, each in redriven.done],
        "skipped": skipped,
        "more": redriven.more,
    }
    return answer(body | ({} if wanted.jobs is not None else {"failed_before": format_timestamp(wanted.failed_before)}))


def _moved(moved: Moved) -> JSONResponse:
    return answer({"changed": moved.changed, "breaker": breaker_body(moved.provider, moved.breaker)})
