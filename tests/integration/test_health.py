"""The health check over the real handlers: a visit that holds, and for all that may break the step that says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from tests.support import deployed
from tests.support.calls import Call
from tests.support.deployed import World
from tests.support.outside import WorldSocket, last_report, left_of_the_canary, visited
from tests.support.stack import Stack
from tidemark.aws import clients
from tidemark.aws.health import DynamoCanary
from tidemark.domain.health import COMPONENTS, STEPS
from tidemark.services.canary import CANARY, USER, WORKSPACE


@pytest.fixture(autouse=True)
def without_reports(stack: Stack) -> None:
    """The canary's workspace is the same for all worlds of a stack, and so is the report."""
    stack.clear()


def visit(world: World) -> dict[str, str]:
    """Run the check; return the code of every step that did not hold, `skipped` for those that were not tried."""
    with visited(world):
        world.invoke("cron_health", {})
    return {
        step["name"]: "skipped" if step["skipped"] else step["code"]
        for step in last_report(world)["steps"]
        if step["skipped"] or step["code"]
    }


def admin(world: World) -> dict[str, str]:
    return {"authorization": f"Bearer {world.token('admin')}"}


def test_a_visit_holds_leaves_nothing_and_is_told(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert visit(world) == {}
    assert left_of_the_canary(world) == {}
    (settings,) = world.stack.items("DirectoryTable", f"WORKSPACE#{CANARY}")
    assert (settings["retention_days"], settings["dashboards"]) == (1, ["web"])
    metrics = [json.loads(line) for line in capfd.readouterr().out.splitlines() if "_aws" in line]
    assert {line["Step"] for line in metrics if "HealthStepMilliseconds" in line} == set(STEPS)
    assert [line["HealthFailures"] for line in metrics if "HealthFailures" in line] == [0]

    world.restart("http_api")
    answer = world.http("GET", "/health")
    assert answer.status == 200
    body = answer.json()
    assert body["status"] == "ok"
    assert body["components"].keys() == set(COMPONENTS)
    told = world.http("GET", "/health", query="deep=true", headers=admin(world)).json()
    assert {check["ok"] for check in told["checks"].values()} == {True}
    assert set(told["checks"]) == {
        "events",
        "cells",
        "snapshots",
        "connections",
        "directory",
        "inbox",
        "work",
        "secret",
    }
    assert told["ratios"]["delivery"] == 1


def test_a_second_visit_meets_the_first_ones_workspace_and_counts_on(world: World) -> None:
    assert visit(world) == {}
    assert visit(world) == {}
    assert len(last_report(world)["history"]) == 2


def test_a_route_without_a_handler_is_found(world: World) -> None:
    with patch.dict(deployed.ROUTES):
        del deployed.ROUTES["ping"]
        assert visit(world) == {"routes": "unknown_action"}


@pytest.mark.parametrize("route", ["bootstrap", "reconcile", "notify"])
def test_a_handler_that_does_not_start_is_found(world: World, route: str) -> None:
    invoke = world.invoke

    def broken(handler: str, event: Any) -> Any:
        if handler == f"ws_{route}":
            raise ImportError(handler)
        return invoke(handler, event)

    world.invoke = broken
    assert visit(world)[route] == "internal"


def test_a_connection_that_is_refused_skips_what_needs_it_and_nothing_else(world: World) -> None:
    with patch.object(World, "connect", side_effect=deployed.Refused(403)):
        found = visit(world)
    assert found.pop("connect") == "http_403"
    assert set(found.values()) == {"skipped"}
    assert found.keys() == STEPS.keys() - {"workspace", "token", "ticket", "connect"}


def test_events_that_are_not_folded_are_found(world: World) -> None:
    world.deliver = lambda: None
    assert visit(world) == {"delta": "timeout"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda delta: delta["patch"]["kpis"].update(pageviews=7), "checksum_mismatch"),
        (lambda delta: delta.update(base=delta["seq"]), "gap"),
        (lambda delta: delta.update(epoch="another"), "gap"),
    ],
)
def test_a_delta_that_does_not_lead_to_its_checksum_or_leaves_a_gap_is_found(
    world: World, change: Callable[[dict[str, Any]], None], code: str
) -> None:
    receive = WorldSocket.receive

    def changed(self: WorldSocket, seconds: float) -> dict[str, Any]:
        message = receive(self, seconds)
        if message["type"] == "delta" and "pageviews" in message["patch"].get("kpis", {}):
            change(message)
        return message

    with patch.object(WorldSocket, "receive", changed):
        assert visit(world)["delta"] == code


def test_a_message_that_is_not_pushed_is_found(world: World) -> None:
    receive = WorldSocket.receive

    def without_messages(self: WorldSocket, seconds: float) -> dict[str, Any]:
        while (message := receive(self, seconds))["type"] == "message":
            pass
        return message

    with patch.object(WorldSocket, "receive", without_messages):
        assert visit(world) == {"message": "timeout"}


def test_a_message_that_an_earlier_visit_left_is_taken(world: World) -> None:
    with visited(world):
        DynamoCanary("DirectoryTable").ensure_workspace(WORKSPACE)
        left = {"user": USER, "body": {}, "message_id": "left"}
        answer = world.http("POST", f"/v1/workspaces/{CANARY}/notify", headers=admin(world), body=left)
        assert (answer.status, answer.json()["delivery"]) == (200, "inbox")
        assert left_of_the_canary(world)["messages"]
    assert visit(world) == {}
    assert left_of_the_canary(world) == {}


def test_what_a_close_leaves_behind_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    disconnect = world.disconnect

    def leave(connection: str, *, told: bool = True) -> None:
        disconnect(connection, told=False)
        monkeypatch.setattr("tidemark.services.health.DEADLINE_MILLISECONDS", 500)  # of the step that now waits in vain

    world.disconnect = leave
    assert visit(world) == {"cleanup": "left_over"}
    assert left_of_the_canary(world)


def test_the_connection_is_closed_when_the_check_itself_dies(world: World) -> None:
    with visited(world) as outside:
        with (
            patch("tidemark.services.canary.Visit.track", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            world.invoke("cron_health", {})
        (socket,) = outside.sockets
        assert not world.stack.connections.is_open(socket.connection)


def test_a_secret_that_cannot_be_read_is_found_though_the_process_is_warm(world: World) -> None:
    assert visit(world) == {}

    def refuse(call: Call, request: Any) -> None:
        if (call.handler, call.operation) == ("cron_health", "GetSecretValue"):
            raise clients.BotocoreConnectionError(error="injected")

    world.stack.calls.mutate = refuse
    try:
        assert visit(world)["token"] == "unavailable"
    finally:
        world.stack.calls.mutate = None
