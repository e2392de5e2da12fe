"""The HTTP API, put together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from tidemark.http import (
    admin,
    assets,
    errors,
    health,
    hourly,
    ingest,
    insights,
    metrics,
    notify,
    pipeline,
    pipeline_actions,
    ticket,
    timeline,
    views,
)
from tidemark.http.administration import Administration
from tidemark.http.context import RequestContext, Services, utc_now


def create_app(
    services: Services, clock: Callable[[], datetime] = utc_now, administration: Administration | None = None
) -> FastAPI:
    """Return the application over `services`; `clock` gives the time of each request's receipt, in UTC.

    Without `administration` it has no routes to administer the pipeline with.
    """
    app = FastAPI(
        title="Tidemark",
        summary="Events in, live dashboards out.",
        version=_version(),
        # Locally the API lives under a path of the gateway that requests do not show: every address is relative.
        servers=[{"url": "."}],
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.add_middleware(RequestContext, clock=clock)
    errors.install(app)
    app.include_router(ingest.router)
    app.include_router(views.router)
    app.include_router(metrics.router)
    app.include_router(hourly.router)
    app.include_router(timeline.router)
    app.include_router(insights.router)
    app.include_router(ticket.router)
    app.include_router(notify.router)
    app.include_router(assets.router)
    app.include_router(health.router)
    app.include_router(admin.router)
    if administration is not None:
        app.state.administration = administration
        app.include_router(pipeline.router)
        app.include_router(pipeline_actions.router)
    app.add_api_route("/docs", _docs, include_in_schema=False)
    return app


def _docs() -> HTMLResponse:
    return get_swagger_ui_html(openapi_url="openapi.json", title="Tidemark")


def _version() -> str:
    try:
        return version("tidemark")
    except PackageNotFoundError:
        # A Lambda layer holds the package without its metadata.
        return "0"
