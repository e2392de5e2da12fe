"""Who may administer what: an admin token its own workspace, one of the workspace `operations` all of them."""

from __future__ import annotations

from tidemark.domain.credentials import Principal, require
from tidemark.domain.errors import Forbidden, InvalidQuery, NotFound
from tidemark.domain.workspace import OPERATIONS, Workspace
from tidemark.services.ports import Directory


def scope(directory: Directory, principal: Principal, requested: str | None) -> Workspace | None:
    """Return the workspace that a request is about, by what it names; None for all of them, which is the operator's.

    Raises
    ------
    Forbidden
        The credential is no admin token, or may not see the workspace that is named.
    NotFound
        The operator names one that does not exist (code `unknown_workspace`).
    """
    require(principal, principal.workspace, "administer")
    if is_operator(principal) and requested is None:
        return None
    if not is_operator(principal) and requested not in (None, principal.workspace):
        raise Forbidden("the credential belongs to another workspace")
    found = directory.workspace(requested or principal.workspace)
    if found is None and is_operator(principal):
        raise NotFound("there is no such workspace", code="unknown_workspace", field="workspace")
    if found is None:
        raise Forbidden("the workspace does not exist")
    return found


def is_operator(principal: Principal) -> bool:
    """Answer whether an admin token is the operator's."""
    return principal.workspace == OPERATIONS


def require_operator(principal: Principal) -> None:
    """Raise `Forbidden` unless the credential is the operator's."""
    require(principal, principal.workspace, "administer")
    if not is_operator(principal):
        raise Forbidden("this is for the operator: an admin token of the workspace operations")


def one(workspace: Workspace | None) -> Workspace:
    """Return the one workspace that a request is about; raises `InvalidQuery` if it is about all."""
    if workspace is None:
        raise InvalidQuery("name a workspace", code="workspace_required", field="workspace")
    return workspace
