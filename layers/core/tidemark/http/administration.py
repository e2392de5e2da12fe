"""What the routes of the administration share: who asks, about which workspace, and that it is recorded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request
from fastapi.responses import JSONResponse

from tidemark.domain.audit import Access
from tidemark.domain.batches import parse_batch_id
from tidemark.domain.credentials import Principal
from tidemark.domain.pipeline_query import ListQuery
from tidemark.domain.workspace import OPERATIONS, Workspace
from tidemark.http.authentication import bearer_principal
from tidemark.http.context import Services, received_at_of, request_id_of, services_of
from tidemark.http.metrics import parameters_of
from tidemark.observability import audit
from tidemark.services.administration import one, scope
from tidemark.services.breakers import Breakers
from tidemark.services.pipeline import PipelineViews
from tidemark.services.pipeline_actions import ManualActions
from tidemark.services.pipeline_health import PipelineHealth
from tidemark.services.pipeline_ports import AuditTrail, Workspaces
from tidemark.services.restore import RestoreBatch


class Administration(Protocol):
    """What the routes need; the composition root, `tidemark.administration.Administration`, has it."""

    @property
    def views(self) -> PipelineViews:
        """Batches and jobs to be seen."""

    @property
    def actions(self) -> ManualActions:
        """What is done by hand."""

    @property
    def restore(self) -> RestoreBatch:
        """What brings batches back from cold storage."""

    @property
    def breakers(self) -> Breakers:
        """The circuit breakers."""

    @property
    def health(self) -> PipelineHealth:
        """How the pipeline does."""

    @property
    def workspaces(self) -> Workspaces:
        """All workspaces, and their keys."""

    @property
    def audit_trail(self) -> AuditTrail:
        """Who has looked, and done what."""


async def administration_of(request: Request) -> Administration:
    """Return what the application administers with (a FastAPI dependency)."""
    found: Administration = request.app.state.administration
    return found


@dataclass(frozen=True)
class Caller:
    """Who asks, with which parameters (a FastAPI dependency)."""

    principal: Annotated[Principal, Depends(bearer_principal)]
    services: Annotated[Services, Depends(services_of)]
    administration: Annotated[Administration, Depends(administration_of)]
    now: Annotated[datetime, Depends(received_at_of)]
    request_id: Annotated[str, Depends(request_id_of)]
    raw: Annotated[Mapping[str, str], Depends(parameters_of)]

    def scope(self) -> Workspace | None:
        """Return the workspace that is asked about, None for all of them; raises `Forbidden`, `NotFound`."""
        return scope(self.services.directory, self.principal, self.raw.get("workspace"))

    def one(self, batch: str | None = None) -> Workspace:
        """Return the one workspace that is asked about, and check the id of its `batch`, if it is about one.

        Raises also `InvalidQuery` where an operator names no workspace, and `InvalidRequest` for what is no id.
        """
        workspace = one(self.scope())
        if batch is not None:
            parse_batch_id(workspace.workspace, batch)
        return workspace

    def query(self, name: str, states: Collection[str] = (), *, paged: bool = False) -> ListQuery:
        """Return what the parameters ask for of the list `name`; raises `InvalidQuery`."""
        return ListQuery.parse(name, self.raw, states, paged=paged)

    def read(self, workspace: Workspace | None, action: str, target: str = "") -> None:
        """Record that something is read, before it is."""
        self._record(workspace, action, target, is_reading=True)

    def act(self, workspace: Workspace | None, action: str, target: str = "") -> None:
        """Record that something is done, before it is."""
        self._record(workspace, action, target, is_reading=False)

    def _record(self, workspace: Workspace | None, action: str, target: str, *, is_reading: bool) -> None:
        about = workspace.workspace if workspace else OPERATIONS
        access = Access(about, self.principal, action, target, self.request_id, is_reading)
        audit(
            action,
            request_id=self.request_id,
            workspace=about,
            by=self.principal.workspace,
            role=self.principal.role,
            user=self.principal.user,
            target=target or None,
        )
        self.administration.audit_trail.record(access, self.now)


def answer(body: Mapping[str, Any]) -> JSONResponse:
    """Return an answer that is kept nowhere."""
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
