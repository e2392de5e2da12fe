"""The routes that read the timeline of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from tidemark.domain.credentials import Principal
from tidemark.domain.timeline import session_key
from tidemark.http import schemas
from tidemark.http.authentication import bearer_principal
from tidemark.http.context import Services, request_id_of, services_of
from tidemark.observability import audit
from tidemark.services.authenticate import open_workspace
from tidemark.services.timeline import MAX_LIMIT

router = APIRouter(prefix="/v1/workspaces/{workspace}", tags=["timelines"])

DEFAULT_LIMIT = 100


class TimelineEvent(BaseModel):
    """An event of a timeline: its place, what every event has, and the declared fields."""

    model_config = ConfigDict(extra="allow")

    seq: int
    event_id: str
    type: str
    timestamp: str
    sequence: int | None = None
    properties: dict[str, Any]


class Timeline(BaseModel):
    """A page of a session's timeline; `gaps` are ranges of missing sequence numbers, of all pages so far."""

    workspace_id: str
    session_id: str
    events: list[TimelineEvent]
    gaps: list[tuple[int, int]]
    more_gaps: bool
    next_cursor: str | None = None


_Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Events of a page, at most.")]
_Cursor = Annotated[str | None, Query(description="The `next_cursor` of the page before.")]
_RESPONSES = schemas.errors(400, 401, 403, 404, 413, 429, 503)


@dataclass(frozen=True)
class _Reader:
    """Who asks, and for what (a FastAPI dependency)."""

    workspace: str
    principal: Annotated[Principal, Depends(bearer_principal)]
    services: Annotated[Services, Depends(services_of)]
    request_id: Annotated[str, Depends(request_id_of)]
    limit: _Limit = DEFAULT_LIMIT
    cursor: _Cursor = None

    def read(self, session_id: str) -> JSONResponse:
        """Return a page of the timeline, and keep who has read it."""
        settings = open_workspace(self.services.directory, self.principal, self.workspace, "read")
        page = self.services.timelines(settings, session_id, self.limit, self.cursor)
        audit(
            "timeline read",
            request_id=self.request_id,
            workspace=self.workspace,
            role=self.principal.role,
            user=self.principal.user,
            session=session_key(session_id),
            events=len(page.events),
        )
        answer = {
            "workspace_id": self.workspace,
            "session_id": session_id,
            "events": page.events,
            "gaps": page.gaps,
            "more_gaps": page.more_gaps,
            **({"next_cursor": page.next_cursor} if page.next_cursor else {}),
        }
        return JSONResponse(answer, headers={"Cache-Control": "private, no-store"})


@router.get(
    # `path`: an id may hold a slash, which comes decoded.
    "/sessions/{session_id:path}/timeline",
    summary="The timeline of a session, a page at a time",
    response_model=Timeline,
    responses=_RESPONSES,
)
def timeline(
    session_id: Annotated[str, Path(description="The `session_id` of its events.")],
    reader: Annotated[_Reader, Depends()],
) -> JSONResponse:
    """Return the events of declared types that a session had, in order, each once, with their declared fields."""
    return reader.read(session_id)


@router.get(
    "/timeline",
    summary="The same, for a session id with characters that do not survive in a path",
    response_model=Timeline,
    responses=_RESPONSES,
)
def timeline_of(
    reader: Annotated[_Reader, Depends()],
    # Not required here: whether it is one is seen after whether the caller may ask.
    session: Annotated[str, Query(description="The `session_id` of its events; required.")] = "",
) -> JSONResponse:
    """Return what the route with the id in its path does; API Gateway decodes a path, and cuts it at a `?`."""
    return reader.read(session)
