"""What the OpenAPI description says of the administration, and how workspaces and keys are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from tidemark.domain.pipeline_query import DEFAULT_ROWS, MAX_ROWS
from tidemark.domain.workspace import Workspace
from tidemark.services.pipeline_ports import WriteKey

MAX_TARGET_CHARACTERS = 1000
"""Of the target of an action, in the audit trail."""


class Batch(BaseModel):
    """A batch of events with its job and, where it was asked for alone, its insight."""

    workspace_id: str
    batch_id: str
    state: str
    events: int
    opened_at: str
    sealed_at: str | None = None
    sealed_by: str | None = None
    job: dict[str, Any] | None = None
    insight: dict[str, Any] | None = None


class Batches(BaseModel):
    """A page of batches."""

    batches: list[Batch]
    next_cursor: str | None = None


class Jobs(BaseModel):
    """A page of batches that have a job."""

    jobs: list[Batch]
    next_cursor: str | None = None


class DeadLetters(BaseModel):
    """A page of batches whose job failed for good."""

    dead_letters: list[Batch]
    next_cursor: str | None = None


class BatchEvents(BaseModel):
    """A page of the events of a batch; `missing` of the batch have expired or were erased."""

    workspace_id: str
    batch_id: str
    events: list[dict[str, Any]]
    missing: int
    next_cursor: str | None = None


class BatchAction(BaseModel):
    """A batch after an action, and whether it was this that changed it."""

    changed: bool
    batch: Batch


class Redrive(BaseModel):
    """What came of a redrive; with `more`, repeat it with `failed_before`."""

    redriven: list[dict[str, str]]
    skipped: list[dict[str, str]]
    more: bool
    failed_before: str | None = None


class Breaker(BaseModel):
    """The circuit breaker of a provider."""

    provider: str
    state: str
    failures: int
    since: str | None = None
    until: str | None = None


class Breakers(BaseModel):
    """The circuit breakers."""

    breakers: list[Breaker]


class BreakerAction(BaseModel):
    """A breaker after an action, and whether it was this that changed its state."""

    changed: bool
    breaker: Breaker


class PipelineMetrics(BaseModel):
    """How the pipeline does."""

    workspace_id: str | None = None
    checked_at: str
    batches: dict[str, int]
    jobs: dict[str, int]
    dead_letters: int
    is_all: bool
    breakers: list[Breaker]
    alarms: list[dict[str, Any]]


class AdminInsights(BaseModel):
    """A page of insights, newest first."""

    workspace_id: str
    timezone: str
    insights: list[dict[str, Any]]
    next_cursor: str | None = None


class Workspaces(BaseModel):
    """A page of workspaces."""

    workspaces: list[dict[str, Any]]
    next_cursor: str | None = None


class Keys(BaseModel):
    """The write keys of a workspace."""

    workspace_id: str
    keys: list[dict[str, Any]]


class Audit(BaseModel):
    """A page of the audit trail."""

    entries: list[dict[str, Any]]
    next_cursor: str | None = None


_TEXT = {"type": "string"}


def _body(title: str, properties: dict[str, Any], *, required: bool) -> dict[str, Any]:
    schema = {"type": "object", "title": title, "properties": properties}
    return {"required": required, "content": {"application/json": {"schema": schema}}}


REDRIVE_BODY = _body(
    "Redrive",
    {
        "jobs": {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": MAX_ROWS},
        "all": {"type": "boolean"},
        "failed_before": {**_TEXT, "format": "date-time"},
    },
    required=True,
)
PROVIDER_BODY = _body("Provider", {"provider": _TEXT}, required=False)


def parameters(states: Sequence[str], *, paged: bool) -> list[dict[str, Any]]:
    """Return the description of a route's parameters; the domain checks them, not these."""
    described: list[tuple[str, dict[str, Any], str]] = [
        ("workspace", _TEXT, "Of which workspace; the operator's tokens may name any, others their own.")
    ]
    if states:
        described.append(("state", {**_TEXT, "enum": list(states)}, "Only those in this state."))
    if paged:
        rows = {"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "default": DEFAULT_ROWS}
        described += [("limit", rows, "To a page."), ("cursor", _TEXT, "The `next_cursor` of the page before.")]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema, "description": text}
        for name, schema, text in described
    ]


def workspace_body(workspace: Workspace) -> dict[str, Any]:
    """Return a workspace as it is told."""
    return {
        "workspace_id": workspace.workspace,
        "name": workspace.name,
        "timezone": workspace.timezone,
        "dashboards": list(workspace.dashboards),
        "retention_days": workspace.retention_days,
        "created_at": workspace.created_at,
    }


def workspace_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a workspace as it is told, from its stored settings."""
    told = ("name", "timezone", "dashboards", "retention_days", "created_at")
    return {"workspace_id": item["workspace"], **{name: item[name] for name in told if name in item}}


def key_body(key: WriteKey) -> dict[str, Any]:
    """Return a write key as it is told."""
    revoked = {"revoked_at": key.revoked_at} if key.revoked_at else {}
    return {"key_id": key.key_id, "label": key.label, "created_at": key.created_at, **revoked}
