"""`tidemark erase` on the deployed stack: nothing is left of a person, wherever one looks, and all of the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tests.e2e.console import tidemark
from tests.e2e.deployment import until
from tests.e2e.tenant import Tenant, patiently
from tidemark.aws.archive import object_prefix
from tidemark.aws.items import decode
from tidemark.domain import chunks

THEN = datetime.now(UTC).replace(hour=8, minute=7, second=0, microsecond=0) - timedelta(days=2)
"""On a day that has closed: that of yesterday has not until five minutes after midnight."""


def lesson(tenant: Tenant, user: str) -> list[dict[str, Any]]:
    """What a person did yesterday: a page view and a lesson, in two hours."""
    return [
        tenant.page_view(role="student") | named
        for named in (
            {"type": "page", "timestamp": THEN.isoformat(), "user_id": user, "anonymous_id": f"anon-{user}"},
            *(
                {"type": kind, "timestamp": at.isoformat(), "user_id": user, "session_id": f"lesson-{user}"}
                for kind, at in (("member_join", THEN), ("member_leave", THEN + timedelta(hours=1)))
            ),
        )
    ]


def people_in_the_log(tenant: Tenant) -> set[str | None]:
    items = (decode(item) for item in tenant.deployment.items("EventsTable", f"{tenant.name}#"))
    return {event.get("user_id") for item in items for event in chunks.decode(item["events"])}


def archive(tenant: Tenant, folder: Path) -> list[tuple[Any, ...]]:
    """All rows of all objects that the archive has of a workspace, by id, which comes first."""
    s3, bucket = tenant.deployment.client("s3"), tenant.deployment.resources["ArchiveBucket"]
    rows: list[tuple[Any, ...]] = []
    for found in s3.list_objects_v2(Bucket=bucket, Prefix=object_prefix(tenant.name)).get("Contents", []):
        s3.download_file(bucket, found["Key"], str(folder / "hour.parquet"))
        rows += duckdb.read_parquet(str(folder / "hour.parquet")).fetchall()
    return sorted(rows)


def numbers(tenant: Tenant, dashboard: str, measure: str) -> int:
    """A measure of that day by the query router, which must read cells that are final."""
    day = THEN.date().isoformat()
    query = {"dashboard": dashboard, "measures": measure, "from": day, "to": day}
    answer = patiently(lambda: tenant.get("metrics", **query))
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["rows"]
    assert (row["state"], answer.json()["sources"]["log_hours"]) == ("final", 0)
    found: int = row["values"][measure]
    return found


def session_of(tenant: Tenant, user: str) -> list[str]:
    answer = patiently(lambda: tenant.get(f"sessions/lesson-{user}/timeline"))
    assert answer.status_code == 200, answer.text
    return [event["type"] for event in answer.json()["events"]]


def test_a_person_is_gone_from_everywhere_and_that_is_proved(
    make_tenant: Callable[..., Tenant], tmp_path: Path
) -> None:
    # GIVEN Ann and Bob in hours that are final and archived, and a viewer's snapshot of them
    school = make_tenant(dashboards=("web", "classroom", "meetings"))
    everything = [*lesson(school, "ann"), *lesson(school, "bob")]
    school.send(everything)
    school.drain()
    until(lambda: session_of(school, "ann"), lambda found: len(found) == 2)
    tidemark(school, "backfill", school.name, "--last", "3d")
    assert numbers(school, "web", "pageviews") == 2
    assert numbers(school, "classroom", "students_active") == 2
    assert school.kpi("pageviews") == 2
    rows = until(lambda: archive(school, tmp_path), lambda found: len(found) == len(everything))
    of_bob = [row for row in rows if "ann" not in str(row)]
    assert len(of_bob) == 3
    # WHEN Ann is erased
    said = tidemark(school, "erase", school.name, "--user", "ann", "--yes")
    # THEN that is proved, hour by hour
    assert "3 events of user ann in 2 hours" in said
    assert "none of user ann" in said
    assert "what others have there is unchanged" in said
    # AND no object of the archive has her any more, and all that Bob did is there as it was
    assert archive(school, tmp_path) == of_bob
    # AND log, cells, days, timelines and snapshots have Bob alone
    assert "ann" not in people_in_the_log(school)
    assert "bob" in people_in_the_log(school)
    assert numbers(school, "web", "pageviews") == 1
    assert numbers(school, "classroom", "students_active") == 1
    assert school.kpi("pageviews") == 1
    assert (session_of(school, "ann"), session_of(school, "bob")) == ([], ["member_join", "member_leave"])
    # AND the same request, sent once more, brings nothing back
    school.send(everything)
    school.drain()
    assert "0 events of user ann" in tidemark(school, "erase", school.name, "--user", "ann", "--dry-run")
    assert archive(school, tmp_path) == of_bob
