"""From a credential to the workspace and the role that it stands for."""

from __future__ import annotations

from datetime import datetime

from tidemark.domain.credentials import (
    WRITE_KEY_CHARACTERS,
    WRITE_KEY_PREFIX,
    Action,
    Principal,
    hash_write_key,
    require,
    verify_token,
)
from tidemark.domain.errors import Forbidden, Unauthorized
from tidemark.services.ports import Directory, TokenKeys, Workspace


def authenticate(
    credential: str | None, *, directory: Directory, token_keys: TokenKeys, now: datetime, tickets: bool = False
) -> Principal:
    """Return whom `credential`, a write key, a token or (where `tickets` are taken) a ticket, stands for.

    Raises
    ------
    Unauthorized
        There is none, or it is malformed, unknown, revoked or (code `token_expired`) expired.
    Throttled, Unavailable
        It could not be looked up.
    """
    if not credential:
        raise Unauthorized("a credential is required: a write key or a token")
    if credential.startswith(WRITE_KEY_PREFIX):
        return _write_key(credential, directory)
    return verify_token(credential, secret_of=token_keys.secret, now=now, tickets=tickets)


def open_workspace(directory: Directory, principal: Principal, workspace: str, action: Action) -> Workspace:
    """Return the settings of `workspace` if `principal` may do `action` there; raises `Forbidden`."""
    require(principal, workspace, action)
    settings = directory.workspace(workspace)
    if settings is None:
        raise Forbidden("the workspace does not exist")
    return settings


def _write_key(write_key: str, directory: Directory) -> Principal:
    # A look-up by hash needs no comparison in constant time: what its timing tells is about the hash, not the key.
    if len(write_key) == WRITE_KEY_CHARACTERS:
        workspace = directory.workspace_of_key(hash_write_key(write_key))
        if workspace is not None:
            return Principal(workspace, "write")
    raise Unauthorized("the write key is unknown or revoked")
