"""`tidemark backfill` and the health of the data on the deployed stack: real queues, real permissions."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.e2e.deployment import until
from tests.e2e.tenant import Tenant

BACKFILL_SECONDS = 240
TABLES = {"events", "cells", "snapshots", "connections", "directory", "inbox", "work"}


def tidemark(tenant: Tenant, *args: str) -> str:
    """Run the console script, which must end well; return what it says."""
    stack = tenant.deployment.stack
    where = ["--stack", stack.name, "--region", stack.region or "us-east-1"]
    if stack.endpoint_url:
        where += ["--endpoint-url", stack.endpoint_url]
    done = subprocess.run(
        [Path(sys.executable).parent / "tidemark", *where, *args],
        capture_output=True,
        text=True,
        timeout=BACKFILL_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def yesterday(tenant: Tenant, count: int) -> list[dict[str, Any]]:
    """Page views of yesterday, one an hour."""
    start = datetime.now(UTC).replace(hour=3, minute=7, second=0, microsecond=0) - timedelta(days=1)
    stamps = [(start + timedelta(hours=hour)).isoformat() for hour in range(count)]
    return [tenant.page_view() | {"timestamp": stamp} for stamp in stamps]


def data_health(tenant: Tenant) -> dict[str, Any]:
    answer = tenant.http.get("/v1/admin/health", headers={"Authorization": f"Bearer {tenant.token('admin')}"})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_backfill_makes_lost_hours_of_the_log_and_the_same_numbers(tenant: Tenant) -> None:
    # GIVEN events of yesterday, which are shown
    assert tenant.send(yesterday(tenant, 5)).status_code == 200
    until(lambda: tenant.kpi("pageviews"), lambda found: found == 5)
    before = tenant.snapshot()["checksums"]["full"]
    # WHEN every cell is deleted by hand, and the agenda forgets the hours
    table = tenant.deployment.resources["CellsTable"]
    work = tenant.deployment.resources["WorkTable"]
    dynamodb = tenant.deployment.client("dynamodb")
    for name, logical, prefix in ((table, "CellsTable", f"{tenant.name}#"), (work, "WorkTable", f"H#{tenant.name}")):
        for item in tenant.deployment.items(logical, prefix):
            dynamodb.delete_item(TableName=name, Key={"pk": item["pk"], "sk": item["sk"]})
    # THEN a backfill makes them anew
    said = tidemark(tenant, "backfill", tenant.name, "--last", "3d", "--all-hours")
    assert "found 5 hours with events that were not known of" in said
    assert "5 recomputed" in said
    cells = [item for item in tenant.deployment.items("CellsTable", f"{tenant.name}#") if item["sk"]["S"] == "00"]
    assert len(cells) == 5
    assert all(cell["final"]["BOOL"] for cell in cells)
    assert tenant.snapshot()["checksums"]["full"] == before
    assert "queue:" in tidemark(tenant, "rollup", "status")
    tidemark(tenant, "rollup", "redrive", "--workspace", tenant.name)


def test_the_health_of_the_data_is_told_with_the_permissions_of_the_function(tenant: Tenant) -> None:
    body = data_health(tenant)
    assert {name: table["state"] for name, table in body["tables"].items()} == dict.fromkeys(TABLES, "ok")
    assert "code" not in body["rollup"]
    assert body["workspace"]["workspace_id"] == tenant.name
    assert len(body["workspace"]["insertion"]["hours"]) == 24


def test_the_dashboard_of_the_stack_is_there(tenant: Tenant) -> None:
    name = tenant.deployment.resources["OperationsDashboard"]
    found = tenant.deployment.client("cloudwatch").get_dashboard(DashboardName=name)
    assert "RollupDrift" in found["DashboardBody"]
    assert "${" not in found["DashboardBody"]
