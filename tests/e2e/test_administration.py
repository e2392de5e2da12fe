"""The administration on the deployed stack: real permissions, the schedule, the system's own events."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.deployment import until
from tests.e2e.operators import Operator
from tests.e2e.tenant import Tenant
from tidemark.domain.workspace import OPERATIONS


def test_an_operator_sees_and_steers_the_batches_of_a_workspace(make_tenant: Callable[..., Tenant]) -> None:
    tenant = make_tenant(batch_events=100)
    operator, name = Operator(tenant), {"workspace": tenant.name}
    operator.is_there()
    tenant.send([tenant.page_view() for _ in range(3)])
    (batch,) = until(lambda: operator.get("batches", state="OPEN", **name)["batches"], bool)
    where = f"batches/{batch['batch_id']}"
    assert operator.post(f"{where}/seal", **name)["changed"]
    analysed = until(lambda: operator.get(where, **name), lambda found: found["state"] == "ANALYZED")
    assert (analysed["job"]["state"], analysed["insight"]["events"]) == ("SUCCESS", 3)
    assert len(operator.get(f"{where}/events", **name)["events"]) == 3
    assert [each["insight_id"] for each in operator.get("insights", **name)["insights"]] == [batch["batch_id"]]
    assert operator.post(f"{where}/analyse", **name)["changed"]
    cancelled = operator.ask("POST", f"jobs/{batch['batch_id']}/cancel", {}, **name)
    assert cancelled.status_code in (200, 409)  # it may have been quicker
    assert operator.post("dead-letters/redrive", {"jobs": [batch["batch_id"]]}, **name)["more"] is False
    assert operator.post("dead-letters/redrive", {"all": True}, **name)["skipped"] == []
    metrics = operator.get("metrics")
    assert {alarm["name"] for alarm in metrics["alarms"] if alarm["state"] == "unknown"} == set()
    assert tenant.name in {each["workspace_id"] for each in operator.get("workspaces", limit="100")["workspaces"]}
    assert [key["key_id"] for key in operator.get("keys", **name)["keys"]] == [tenant.key_id]
    for path in ("batches", "jobs", "dead-letters", "breaker"):
        operator.get(path)
    actions = {(each["action"], each["by"]["user"]) for each in operator.get("audit", **name)["entries"]}
    assert {("seal batch", "eve"), ("analyse batch", "eve"), ("list keys", "eve")} <= actions


def test_a_breaker_is_moved_and_the_dashboard_of_operations_shows_it(tenant: Tenant) -> None:
    operator = Operator(tenant)
    operator.is_there()
    other = {"provider": "bedrock"}  # which nothing here uses
    assert operator.post("breaker/trip", other)["breaker"]["state"] == "OPEN"
    assert operator.post("breaker/reset", other)["breaker"]["state"] == "CLOSED"

    def opened() -> int:
        path, headers = f"/v1/workspaces/{OPERATIONS}/snapshot", {"Authorization": f"Bearer {operator.token}"}
        shown = tenant.http.get(path, params={"dashboard": "operations", "days": 1}, headers=headers).json()
        found: int = shown["tabs"]["breaker"]["breaker_opened"]
        return found

    assert until(opened, lambda count: count >= 1)
