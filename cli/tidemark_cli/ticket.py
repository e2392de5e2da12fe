"""Connecting with a ticket: the token goes in a header to `POST /v1/ticket`, and only the ticket into an address.

An address ends up in logs; a ticket in it is worth nothing a minute later. Every connection has one of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tidemark_cli.client import REFUSED, Connection, DisconnectedError, RefusedError, ServerError, open_connection

TIMEOUT = httpx.Timeout(35, connect=10)
"""API Gateway answers within 30 s, be it with 503."""


@asynccontextmanager
async def open_with_ticket(http_url: str, token: str) -> AsyncIterator[Connection]:
    """Exchange a token for a ticket and connect with that; raises what `exchange` and `open_connection` do."""
    websocket_url, ticket = await exchange(http_url, token)
    async with open_connection(websocket_url, ticket) as connection:
        yield connection


async def exchange(http_url: str, token: str) -> tuple[str, str]:
    """Return where to connect, and a ticket of one minute to do it with.

    Raises `RefusedError` if the token is not accepted, `ServerError` for what trying again does not mend, and
    `DisconnectedError` if nobody answers, or with 429 or 5xx.
    """
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT) as http:
            response = await http.post(f"{http_url}/v1/ticket", headers={"Authorization": f"Bearer {token}"})
    except httpx.TransportError as error:
        raise DisconnectedError(f"no ticket from {http_url}: {str(error) or type(error).__name__}") from None
    status = response.status_code
    if status in REFUSED:
        raise RefusedError(f"the credential was refused (status {status})")
    if status == 429 or status >= 500:
        raise DisconnectedError(f"the server gave no ticket (status {status})")
    try:
        answer = response.json()
    except ValueError:
        answer = None
    match answer:
        case {"websocket_url": str(websocket_url), "ticket": str(ticket)} if status == 200:
            return websocket_url.rstrip("/"), ticket
    told = f"{http_url} answered a request for a ticket with status {status}, not as Tidemark does"
    raise ServerError("unexpected_answer", told)
