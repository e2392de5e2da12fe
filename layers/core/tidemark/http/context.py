"""What every request carries: its id and the time of its receipt; and what happens when a route has a defect."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidemark.domain.messages import Delivery, Notice
from tidemark.domain.views import View
from tidemark.http.errors import internal_error
from tidemark.observability import logger
from tidemark.services.health import Probes, Reports
from tidemark.services.ports import Directory, EventLog, Head, TokenKeys, Workspace


class Views(Protocol):
    """The current state of a view."""

    def current(self, workspace: Workspace, view: View, now: datetime) -> Head:
        """Return the head of `view`, rendered for the hour of `now`; raises `UnknownDashboard`."""


class Messenger(Protocol):
    """The way of a message to a user."""

    def notify(self, workspace: str, notice: Notice, now: datetime) -> Delivery:
        """Store and push a message; return where it went. Raises `Undeliverable`."""


class Services(Protocol):
    """What the routes need; the composition root, `tidemark.bootstrap.Container`, has it."""

    @property
    def directory(self) -> Directory:
        """Workspaces and write keys."""

    @property
    def event_log(self) -> EventLog:
        """Where chunks are stored."""

    @property
    def token_keys(self) -> TokenKeys:
        """What tokens are signed with."""

    @property
    def health_reports(self) -> Reports:
        """What the health check has found."""

    @property
    def health_probes(self) -> Probes:
        """The dependencies, to be asked."""

    @property
    def websocket_url(self) -> str:
        """Where clients open WebSockets."""

    @property
    def views(self) -> Views:
        """What dashboards show."""

    @property
    def messenger(self) -> Messenger:
        """What brings messages to users."""


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def services_of(request: Request) -> Services:
    """Return the services of the application (a FastAPI dependency)."""
    services: Services = request.app.state.services
    return services


def request_id_of(request: Request) -> str:
    """Return the id of the request (a FastAPI dependency)."""
    request_id: str = request.state.request_id
    return request_id


def received_at_of(request: Request) -> datetime:
    """Return when the request came, in UTC (a FastAPI dependency): the clock is read once a request."""
    received_at: datetime = request.state.received_at
    return received_at


class RequestContext:
    """ASGI middleware: gives each request its id, repeats it in the answer, and turns a defect into a plain 500."""

    def __init__(self, app: ASGIApp, clock: Callable[[], datetime] = utc_now) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _gateway_request_id(scope) or secrets.token_hex(16)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["received_at"] = self._clock()
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            logger().exception("request failed", request_id=request_id, method=scope["method"], path=scope["path"])
            if started:
                raise
            await internal_error(request_id)(scope, receive, send_with_id)


def _gateway_request_id(scope: Scope) -> str | None:
    """Return the id that API Gateway gave the request, by which its own log names it."""
    context = scope.get("aws.event", {}).get("requestContext", {})
    request_id = context.get("requestId")
    return request_id if isinstance(request_id, str) else None
