"""The health check on the deployed stack: it visits, tells what it found, and finds a route without a handler."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.deployment import OUTPUTS_VARIABLE, Deployment, until
from tests.e2e.tenant import Tenant
from tidemark.domain.health import COMPONENTS, STEPS
from tidemark.services.canary import CANARY

OURS = [] if os.environ.get(OUTPUTS_VARIABLE) else ["ping"]
"""Only in a stack that the tests have deployed may they take a route away."""
PATIENCE_SECONDS = 240
"""The first visits meet fifteen cold starts, each of which may take longer than a step on a busy machine."""
Body = dict[str, Any]


def deep(tenant: Tenant) -> Body:
    """What an operator sees."""
    headers = {"Authorization": f"Bearer {tenant.token('admin')}"}
    body: Body = tenant.http.get("/health", params={"deep": "true"}, headers=headers).json()
    return body


def visit(deployment: Deployment, tenant: Tenant) -> Body:
    """Run the check now; return what an operator sees of it."""
    before = deep(tenant).get("run", {}).get("started_at", "")
    time.sleep(1)  # runs are told apart by their second
    function = deployment.resources["CronHealthFunction"]
    deployment.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")
    return until(lambda: deep(tenant), lambda body: body.get("run", {}).get("started_at", "") > before, seconds=150)


def failed(body: Body) -> dict[str, str]:
    """The steps that did not hold, and why."""
    return {name: step.get("code", "skipped") for name, step in body["steps"].items() if not step.get("ok")}


@pytest.fixture
def well(deployment: Deployment, tenant: Tenant) -> Body:
    """What an operator sees of a visit on which every step held."""
    return until(lambda: visit(deployment, tenant), lambda body: not failed(body), PATIENCE_SECONDS)


def test_a_visit_goes_through_all_that_a_user_does_and_leaves_nothing(
    deployment: Deployment, tenant: Tenant, well: Body
) -> None:
    assert well["steps"].keys() == STEPS.keys()
    assert all(step["milliseconds"] >= 0 for step in well["steps"].values())
    assert {check["ok"] for check in well["checks"].values()} == {True}
    assert well["ratios"]["runs"] >= 1
    assert well["ratios"]["delivery"] > 0

    def left() -> list[Body]:
        prefixes = (f"U#{CANARY}#", f"W#{CANARY}", f"{CANARY}#")
        found = [item for prefix in prefixes for item in deployment.items("ConnectionsTable", prefix)]
        messages = deployment.items("InboxTable", f"{CANARY}#")
        return found + [item for item in messages if item["sk"]["S"].startswith("M#")]

    until(left, lambda items: items == [])


def test_anyone_sees_the_states_and_nothing_else(tenant: Tenant, well: Body) -> None:
    answer = tenant.http.get("/health")
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"status", "components"}
    assert body["status"] in ("ok", "degraded")  # slow, where many share the machine
    assert body["components"].keys() == set(COMPONENTS)
    assert {frozenset(component) for component in body["components"].values()} == {frozenset({"state", "checked_at"})}
    refused = tenant.http.get("/health", params={"deep": "true"})
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    read_only = {"Authorization": f"Bearer {tenant.read_token}"}
    refused = tenant.http.get("/health", params={"deep": "true"}, headers=read_only)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_the_check_is_on_a_schedule(deployment: Deployment) -> None:
    events = deployment.client("events")
    arn = deployment.client("lambda").get_function(FunctionName=deployment.resources["CronHealthFunction"])
    target = arn["Configuration"]["FunctionArn"]
    (name,) = events.list_rule_names_by_target(TargetArn=target)["RuleNames"]
    rule = events.describe_rule(Name=name)
    assert rule["State"] == "ENABLED"
    assert rule["ScheduleExpression"].startswith("rate(")


@pytest.fixture(params=OURS)
def without_route(deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[str]:
    """A stack of which one WebSocket route has no handler."""
    api, gateway = deployment.resources["WebSocketApi"], deployment.client("apigatewayv2")
    routes = {route["RouteKey"]: route for route in gateway.get_routes(ApiId=api)["Items"]}
    route = routes[request.param]
    gateway.delete_route(ApiId=api, RouteId=route["RouteId"])
    yield request.param
    gateway.create_route(ApiId=api, RouteKey=request.param, Target=route["Target"])


def test_a_route_without_a_handler_is_found_and_the_service_is_down(
    deployment: Deployment, tenant: Tenant, without_route: str
) -> None:
    def is_found(body: Body) -> bool:  # not by a run of the schedule that had begun before
        return failed(body).get("routes") == "unknown_action"

    body = until(lambda: visit(deployment, tenant), is_found, PATIENCE_SECONDS)
    assert body["components"]["websocket"]["state"] == "down"
    # Each process of the HTTP API keeps the report for a few seconds.
    answer = until(lambda: tenant.http.get("/health"), lambda answer: answer.status_code != 200)
    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    assert int(answer.headers["retry-after"]) > 0
