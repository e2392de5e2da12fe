"""`GET /v1/admin/…`: what there is to be seen of batches, jobs, breakers, workspaces and of who has looked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from tidemark.domain.pipeline_query import ListQuery
from tidemark.http import administration_schemas as described
from tidemark.http import schemas
from tidemark.http.administration import Caller, answer
from tidemark.http.pipeline_bodies import batch_body, breaker_body, entry_body, report_body
from tidemark.services.pipeline import BATCH_STATES, JOB_STATES
from tidemark.services.pipeline_ports import Found

router = APIRouter(prefix="/v1/admin", tags=["administration"])

Asked = Annotated[Caller, Depends()]
Route = Callable[..., JSONResponse]


def _get(
    path: str, summary: str, model: Any, *, states: tuple[str, ...] = (), paged: bool = False
) -> Callable[[Route], Route]:
    """Return the decorator of a route that reads."""
    return router.get(
        path,
        summary=summary,
        response_model=model,
        responses=schemas.errors(400, 401, 403, 404, 429, 503),
        openapi_extra={"parameters": described.parameters(states, paged=paged)},
    )


@_get("/metrics", "How does the pipeline do?", described.PipelineMetrics)
def pipeline_metrics(caller: Asked) -> JSONResponse:
    """Return what is counted of batches and jobs, the breakers, and the alarms."""
    workspace = caller.scope()
    caller.query("metrics")
    caller.read(workspace, "read metrics")
    name = workspace.workspace if workspace else None
    return answer(report_body(caller.administration.health(name, caller.now), name, caller.now))


@_get("/batches", "Batches", described.Batches, states=BATCH_STATES, paged=True)
def batches(caller: Asked) -> JSONResponse:
    """Return batches, in one state or all."""
    workspace = caller.scope()
    query = caller.query("batches", BATCH_STATES, paged=True)
    caller.read(workspace, "list batches")
    found = caller.administration.views.batches(workspace.workspace if workspace else None, query)
    return _listed("batches", query, found)


@_get("/jobs", "Jobs", described.Jobs, states=JOB_STATES, paged=True)
def jobs(caller: Asked) -> JSONResponse:
    """Return batches that have a job, in one state or all."""
    workspace = caller.scope()
    query = caller.query("jobs", JOB_STATES, paged=True)
    caller.read(workspace, "list jobs")
    found = caller.administration.views.jobs(workspace.workspace if workspace else None, query)
    return _listed("jobs", query, found)


@_get("/dead-letters", "Jobs that failed for good", described.DeadLetters, paged=True)
def dead_letters(caller: Asked) -> JSONResponse:
    """Return batches whose job was given up, with error, input and trace."""
    workspace = caller.scope()
    query = caller.query("dead letters", paged=True)
    caller.read(workspace, "list dead letters")
    found = caller.administration.views.dead_letters(workspace.workspace if workspace else None, query)
    return _listed("dead_letters", query, found, with_forensics=True)


@_get("/batches/{batch}", "A batch", described.Batch)
def batch(batch: str, caller: Asked) -> JSONResponse:
    """Return one batch with its job and its insight."""
    workspace = caller.one(batch)
    caller.query("batch")
    caller.read(workspace, "read batch", batch)
    return answer(batch_body(caller.administration.views.find(workspace.workspace, batch), with_forensics=True))


@_get("/batches/{batch}/events", "The events of a batch", described.BatchEvents, paged=True)
def batch_events(batch: str, caller: Asked) -> JSONResponse:
    """Return the events that a batch holds, by time: what its insight speaks of."""
    workspace = caller.one(batch)
    query = caller.query(f"events of {batch}", paged=True)
    caller.read(workspace, "read events", batch)
    page = caller.administration.views.events(workspace.workspace, batch, query)
    body = {"workspace_id": workspace.workspace, "batch_id": batch, "events": page.events, "missing": page.missing}
    return answer(body | _next(page.next_cursor))


@_get("/breaker", "The circuit breakers", described.Breakers)
def breakers(caller: Asked) -> JSONResponse:
    """Return the breaker of each provider."""
    workspace = caller.scope()
    caller.query("breaker")
    caller.read(workspace, "read breaker")
    found = caller.administration.breakers.read()
    return answer({"breakers": [breaker_body(provider, breaker) for provider, breaker in found.items()]})


@_get("/insights", "Insights", described.AdminInsights, paged=True)
def admin_insights(caller: Asked) -> JSONResponse:
    """Return the insights of a workspace, newest hour first."""
    workspace = caller.one()
    caller.read(workspace, "list insights")
    asked = {name: value for name, value in caller.raw.items() if name != "workspace"}
    page = caller.services.insight_timeline(workspace, asked)
    body = {"workspace_id": workspace.workspace, "timezone": workspace.timezone, "insights": page.insights}
    return answer(body | _next(page.next_cursor))


@_get("/workspaces", "Workspaces", described.Workspaces, paged=True)
def workspaces(caller: Asked) -> JSONResponse:
    """Return the workspaces that the token may see."""
    own = caller.scope()
    query = caller.query("workspaces", paged=True)
    caller.read(own, "list workspaces")
    if own is not None:
        return answer({"workspaces": [described.workspace_body(own)]})
    found, end = caller.administration.workspaces.page(query.limit, query.after)
    told = [described.workspace_of(item) for item in found]
    return answer({"workspaces": told} | _next(query.cursor(end) if end else None))


@_get("/keys", "Write keys", described.Keys)
def keys(caller: Asked) -> JSONResponse:
    """Return the write keys of a workspace, revoked ones included; never a key itself, nor its hash."""
    workspace = caller.one()
    caller.query("keys")
    caller.read(workspace, "list keys")
    found = caller.administration.workspaces.keys(workspace.workspace)
    return answer({"workspace_id": workspace.workspace, "keys": [described.key_body(key) for key in found]})


@_get("/audit", "Who has looked, and done what", described.Audit, paged=True)
def audit_trail(caller: Asked) -> JSONResponse:
    """Return the accesses to a workspace by way of the administration, newest first."""
    workspace = caller.one()
    query = caller.query("audit", paged=True)
    caller.read(workspace, "read audit")
    entries, end = caller.administration.audit_trail.entries(workspace.workspace, query.limit, query.after)
    return answer({"entries": [entry_body(entry) for entry in entries]} | _next(query.cursor(end) if end else None))


def _listed(name: str, query: ListQuery, found: Found, *, with_forensics: bool = False) -> JSONResponse:
    records = [batch_body(record, with_forensics=with_forensics) for record in found.records]
    return answer({name: records} | _next(query.cursor(found.end) if found.end else None))


def _next(cursor: str | None) -> dict[str, str]:
    return {"next_cursor": cursor} if cursor else {}
