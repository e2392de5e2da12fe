"""The routes that read: snapshot, dashboards, the description; and errors of every kind as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.fakes import MemoryDirectory, MemoryEventLog, MemoryTokenKeys
from tests.gateway import Answer, Gateway
from tidemark.domain import errors
from tidemark.domain.credentials import TokenRole, issue_token
from tidemark.domain.definitions import shipped
from tidemark.domain.errors import TidemarkError, UnknownDashboard
from tidemark.domain.views import View
from tidemark.http.app import create_app
from tidemark.http.errors import status_of
from tidemark.services.ports import Head, Workspace

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
KEY = "tmk_" + "a" * 32
SECRET = "1" * 64
HEAD = Head(
    epoch="e",
    seq=17,
    hour="2026-11-22T10:00Z",
    basis=0,
    definition="d",
    generated_at="2026-11-22T10:00:00.000Z",
    sections={"kpis": {"pageviews": 5}, "charts": {"c": {}}, "tabs.overview": {"t": 1}, "tabs.more": {}},
    checksums={"kpis": "1" * 64, "full": "2" * 64},
)


class Views:
    """Answers with one head, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, View, datetime]] = []

    def current(self, workspace: Workspace, view: View, now: datetime) -> Head:
        self.asked.append((workspace.workspace, view, now))
        if view.dashboard not in workspace.dashboards:
            raise UnknownDashboard("no such dashboard", field="view.dashboard")
        return HEAD


class Services:
    """What the routes need, in memory."""

    def __init__(self) -> None:
        self.directory = MemoryDirectory(Workspace("demo", dashboards=("web",)), Workspace("other"), keys={KEY: "demo"})
        self.event_log = MemoryEventLog()
        self.token_keys = MemoryTokenKeys({"k1": SECRET})
        self.views = Views()
        self.websocket_url = "wss://live.invalid/live"


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def api(services: Services) -> Iterator[Gateway]:
    gateway = Gateway(create_app(services, clock=lambda: NOW))
    yield gateway
    gateway.close()


def bearer(role: TokenRole = "read", workspace: str = "demo", lifetime: timedelta = timedelta(hours=1)) -> str:
    issued_at = NOW - timedelta(minutes=30)
    token = issue_token(workspace, role, kid="k1", secret=SECRET, issued_at=issued_at, lifetime=lifetime)
    return f"Bearer {token}"


def fails(answer: Answer, status: int, code: str, field: str | None = None) -> None:
    body = answer.json()
    assert (answer.status, body["code"], body.get("field")) == (status, code, field)
    assert answer.headers["content-type"] == "application/json"
    assert body["message"]
    assert body["request_id"] == answer.headers["x-request-id"]


def test_a_snapshot_has_the_fields_of_the_protocol(api: Gateway, services: Services) -> None:
    answer = api.get("/v1/workspaces/demo/snapshot?dashboard=web&days=5&to=2015-05-21", authorization=bearer())
    assert answer.status == 200
    assert answer.json() == {
        "workspace_id": "demo",
        "days": 5,
        "timestamp": "2026-11-22T10:00:00.000Z",
        "kpis": {"pageviews": 5},
        "charts": {"c": {}},
        "tabs": {"overview": {"t": 1}, "more": {}},
        "checksums": {"kpis": "1" * 64, "full": "2" * 64},
        "position": {"epoch": "e", "seq": 17},
    }
    assert services.views.asked == [("demo", View("web", 5, date(2015, 5, 21)), NOW)]


def test_a_snapshot_is_of_web_and_30_days_unless_asked(api: Gateway, services: Services) -> None:
    assert api.get("/v1/workspaces/demo/snapshot", authorization=bearer("admin")).json()["days"] == 30
    assert services.views.asked == [("demo", View("web", 30), NOW)]


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ("days=0", 400, "invalid_view", "days"),
        ("days=367", 400, "invalid_view", "days"),
        ("days=x", 400, "invalid_request", "days"),
        ("to=tomorrow", 400, "invalid_view", "to"),
        ("dashboard=..%2F", 400, "invalid_view", "dashboard"),
    ],
)
def test_a_view_out_of_bounds_is_named(api: Gateway, query: str, status: int, code: str, field: str) -> None:
    fails(api.get(f"/v1/workspaces/demo/snapshot?{query}", authorization=bearer()), status, code, field)


def test_a_dashboard_that_is_not_enabled_is_unknown(api: Gateway) -> None:
    answer = api.get("/v1/workspaces/demo/snapshot?dashboard=meetings", authorization=bearer())
    assert (answer.status, answer.json()["code"]) == (404, "unknown_dashboard")


def test_the_enabled_dashboards_come_as_declared(api: Gateway) -> None:
    answer = api.get("/v1/workspaces/demo/dashboards", authorization=bearer())
    assert answer.json() == {"timezone": "UTC", "dashboards": [shipped()["web"].as_dict()]}


def test_the_dashboards_travel_again_only_when_they_changed(api: Gateway) -> None:
    path = "/v1/workspaces/demo/dashboards"
    etag = api.get(path, authorization=bearer()).headers["etag"]
    known = api.get(path, authorization=bearer(), if_none_match=etag)
    assert (known.status, known.content, known.headers["etag"]) == (304, b"", etag)
    assert api.get(path, authorization=bearer(), if_none_match='"older"').status == 200
    fails(api.get(path, if_none_match=etag), 401, "unauthorized")


@pytest.mark.parametrize("route", ["snapshot", "dashboards"])
def test_a_workspace_reads_nothing_of_another_and_a_write_key_reads_nothing(
    api: Gateway, services: Services, route: str
) -> None:
    path = f"/v1/workspaces/demo/{route}"
    fails(api.get(path, authorization=bearer("admin", workspace="other")), 403, "forbidden")
    fails(api.get(path, authorization=f"Bearer {KEY}"), 403, "forbidden")
    fails(api.get(path), 401, "unauthorized")
    fails(api.get(path, authorization="Basic dG1rOg=="), 401, "unauthorized")
    fails(api.get(path, authorization=bearer(lifetime=timedelta(minutes=30))), 401, "token_expired")
    assert services.views.asked == []


def test_what_is_not_there_and_what_cannot_be_done_are_json_too(api: Gateway) -> None:
    for path in (
        "/",
        "/v1",
        "/v1/nothing",
        "/dashboard/",
        "/dashboard/nothing.js",
        "/dashboard/..%2Fapp.py",
        "/health/",
    ):
        fails(api.get(path), 404, "not_found")
    fails(api.get("/v1/batch"), 405, "method_not_allowed")
    answer = api.post("/health", {})
    fails(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


def test_the_description_is_right_under_any_path(api: Gateway) -> None:
    description = api.get("/openapi.json").json()
    assert description["servers"] == [{"url": "."}]
    paths = {f"/v1/{call}" for call in ("batch", "track", "page", "screen", "identify", "group", "alias")}
    routes = {"snapshot", "dashboards", "notify", "hourly", "metrics", "insights", "timeline"}
    routes |= {"sessions/{session_id}/timeline"}
    paths |= {f"/v1/workspaces/{{workspace}}/{route}" for route in routes}
    paths |= {"/v1/ticket", "/health", "/v1/admin/health"}
    assert set(description["paths"]) == paths
    assert set(description["components"]["securitySchemes"]) == {"write_key", "bearer"}
    for operations in description["paths"].values():
        for operation in operations.values():
            statuses = operation["responses"]
            assert "422" not in statuses
            assert all(
                statuses[status]["content"]["application/json"]["schema"]["$ref"].endswith("/Error")
                for status in statuses
                if status != "200"
            )
    assert b"url: 'openapi.json'" in api.get("/docs").content


def test_every_error_has_its_status() -> None:
    def subclasses(kind: type[TidemarkError]) -> set[type[TidemarkError]]:
        return {kind}.union(*(subclasses(sub) for sub in kind.__subclasses__()))

    named: dict[str, Any] = {
        kind.__name__: status_of(kind("x")) for kind in subclasses(TidemarkError) if kind.__module__ == errors.__name__
    }
    assert named == {
        "TidemarkError": 500,
        "Conflict": 500,
        "DefinitionError": 500,
        "InvalidRequest": 400,
        "InvalidView": 400,
        "RangeExpired": 400,
        "InvalidQuery": 400,
        "UnknownDashboard": 404,
        "NotFound": 404,
        "RequestTooLarge": 413,
        "Unauthorized": 401,
        "Forbidden": 403,
        "TooManyViews": 429,
        "Undeliverable": 409,
        "WrongState": 409,
        "Throttled": 429,
        "Unavailable": 503,
    }


def test_an_error_that_no_status_stands_for_is_a_defect(api: Gateway, services: Services) -> None:
    def current(workspace: Workspace, view: View, now: datetime) -> Head:
        raise errors.Conflict("internal words")

    services.views.current = current
    answer = api.get("/v1/workspaces/demo/snapshot", authorization=bearer())
    fails(answer, 500, "internal")
    assert "internal words" not in json.dumps(answer.json())


def test_too_many_views_says_when_to_retry(api: Gateway, services: Services) -> None:
    def current(workspace: Workspace, view: View, now: datetime) -> Head:
        raise errors.TooManyViews("32 views")

    services.views.current = current
    answer = api.get("/v1/workspaces/demo/snapshot", authorization=bearer())
    fails(answer, 429, "too_many_views")
    assert int(answer.headers["retry-after"]) > 0
