"""What every request carries: its id and the time of its receipt; and what happens when a route has a defect."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidemark.domain.hourly import HourlyQuery
from tidemark.domain.messages import Delivery, Notice
from tidemark.domain.views import View
from tidemark.http.errors import internal_error
from tidemark.observability import logger
from tidemark.services.data_health import DataReport
from tidemark.services.health import Probes, Reports
from tidemark.services.hourly import HourlyPage
from tidemark.services.insights import InsightPage
from tidemark.services.ports import Directory, EventLog, Head, TokenKeys, Workspace
from tidemark.services.query import Page as MetricsPage
from tidemark.services.timeline import Page


class Views(Protocol):
    """The current state of a view."""

    def current(self, workspace: Workspace, view: View, now: datetime) -> Head:
        """Return the head of `view`, rendered for the hour of `now`; raises `UnknownDashboard`."""


class Metrics(Protocol):
    """The query router."""

    def ask(self, workspace: Workspace, raw: Mapping[str, str], now: datetime) -> MetricsPage:
        """Return what the parameters of a request ask for; raises `UnknownDashboard`, `InvalidQuery`."""


class HourlyTable(Protocol):
    """The hourly tables of dashboards."""

    def __call__(self, workspace: Workspace, query: HourlyQuery, now: datetime) -> HourlyPage:
        """Return a page of a table; raises `UnknownDashboard`."""


class Timelines(Protocol):
    """The timelines of sessions."""

    def __call__(self, workspace: Workspace, session_id: str, limit: int, cursor: str | None) -> Page:
        """Return a page of a timeline; raises `InvalidRequest`, `UnknownDashboard` and `RequestTooLarge`."""


class InsightTimeline(Protocol):
    """The insights of workspaces."""

    def __call__(self, workspace: Workspace, raw: Mapping[str, str]) -> InsightPage:
        """Return the page that the parameters of a request ask for; raises `InvalidQuery`."""


class Messenger(Protocol):
    """The way of a message to a user."""

    def notify(self, workspace: str, notice: Notice, now: datetime) -> Delivery:
        """Store and push a message; return where it went. Raises `Undeliverable`."""


class DataHealth(Protocol):
    """The health of the data."""

    def __call__(self, workspace: Workspace, now: datetime) -> DataReport:
        """Return the health of tables and rollup, and that of the last hours of `workspace`."""


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
    def data_health(self) -> DataHealth:
        """What tells the health of the data."""

    @property
    def websocket_url(self) -> str:
        """Where clients open WebSockets."""

    @property
    def views(self) -> Views:
        """What dashboards show."""

    @property
    def metrics(self) -> Metrics:
        """What answers queries of metrics."""

    @property
    def hourly_table(self) -> HourlyTable:
        """What reads hourly tables."""

    @property
    def timelines(self) -> Timelines:
        """What reads the timelines of sessions."""

    @property
    def insight_timeline(self) -> InsightTimeline:
        """What tells the insights of a workspace."""

    @property
    def messenger(self) -> Messenger:
        """What brings messages to users."""


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


async def services_of(request: Request) -> Services:
    """Return the services of the application.

    A FastAPI dependency; they are `async` where they do not wait, since FastAPI runs any other in a thread of a pool.
    """
    services: Services = request.app.state.services
    return services


async def request_id_of(request: Request) -> str:
    """Return the id of the request (a FastAPI dependency)."""
    request_id: str = request.state.request_id
    return request_id


async def received_at_of(request: Request) -> datetime:
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
