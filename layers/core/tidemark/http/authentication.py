"""Credentials in HTTP requests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer

from tidemark.domain.credentials import Principal
from tidemark.http.context import Services, received_at_of, services_of
from tidemark.services.authenticate import authenticate

_basic = HTTPBasic(auto_error=False, scheme_name="write_key", description="The write key is the user name.")
_bearer = HTTPBearer(auto_error=False, scheme_name="bearer", description="A token, or for ingest a write key.")


async def header_credential(
    basic: Annotated[HTTPBasicCredentials | None, Security(_basic)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> str | None:
    """Return the credential of the Authorization header, if there is one (a FastAPI dependency)."""
    if bearer is not None:
        return bearer.credentials
    return (basic.username or None) if basic is not None else None


def bearer_principal(
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    services: Annotated[Services, Depends(services_of)],
    now: Annotated[datetime, Depends(received_at_of)],
) -> Principal:
    """Return whom the bearer credential stands for (a FastAPI dependency)."""
    credential = bearer.credentials if bearer is not None else None
    return authenticate(credential, directory=services.directory, token_keys=services.token_keys, now=now)
