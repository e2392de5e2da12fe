"""`tidemark backfill` and the health of the data on the deployed stack: real queues, real permissions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tests.e2e.console import tidemark
from tests.e2e.deployment import until
from tests.e2e.tenant import Tenant
from tidemark.domain import chunks

TABLES = {"events", "cells", "snapshots", "connections", "directory", "inbox", "work"}


def yesterday(tenant: Tenant, count: int) -> list[dict[str, Any]]:
    """Page views of yesterday, one an hour."""
    start = datetime.now(UTC).replace(hour=3, minute=7, second=0, microsecond=0) - timedelta(days=1)
    stamps = [(start + timedelta(hours=hour)).isoformat() for hour in range(count)]
    return [tenant.page_view() | {"timestamp": stamp} for stamp in stamps]


def events_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    return chunks.decode(item["events"]["B"])


def archived(tenant: Tenant, folder: Path) -> list[tuple[str, ...]]:
    """Return id, time and properties of what the workspace has in the archive."""
    glue = tenant.deployment.client("glue")
    database = tenant.deployment.resources["ArchiveDatabase"]
    table = glue.get_table(DatabaseName=database, Name="events")["Table"]
    bucket, _, template = table["Parameters"]["storage.location.template"].removeprefix("s3://").partition("/")
    prefix = template.partition("${date}")[0].replace("${workspace}", tenant.name)
    s3 = tenant.deployment.client("s3")
    for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        (folder / each["Key"]).parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, each["Key"], str(folder / each["Key"]))
    files = [str(path) for path in folder.rglob("*.parquet")]
    names = ", ".join(column["Name"] for column in table["StorageDescriptor"]["Columns"])
    instant = "strftime(timestamp AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ')"
    query = f"SELECT event_id, {instant}, properties FROM (SELECT {names} FROM read_parquet($files)) ORDER BY event_id"
    return duckdb.execute(query, {"files": files}).fetchall() if files else []


def data_health(tenant: Tenant) -> dict[str, Any]:
    answer = tenant.http.get("/v1/admin/health", headers={"Authorization": f"Bearer {tenant.token('admin')}"})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_backfill_makes_lost_hours_of_the_log_and_the_same_numbers(tenant: Tenant, tmp_path: Path) -> None:
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
    # AND DuckDB finds the events of the log in the archive, where the Glue table says that it is
    stored = [event for item in tenant.deployment.items("EventsTable", f"{tenant.name}#") for event in events_of(item)]
    assert len(stored) == 5
    found = until(lambda: archived(tenant, tmp_path), lambda rows: len(rows) == 5)
    assert found == sorted(
        (event["event_id"], event["timestamp"], json.dumps(event["properties"], separators=(",", ":")))
        for event in stored
    )


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
