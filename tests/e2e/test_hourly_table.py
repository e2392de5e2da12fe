"""The hourly table on the deployed stack: of schools, of their district, and of nobody else."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.deployment import until
from tests.e2e.tenant import Tenant, patiently
from tests.support.lessons import LESSON, PERSONAL, lesson


def ask(tenant: Tenant, day: datetime, **query: Any) -> Any:
    """Return the answer for the day."""
    given = {"dashboard": "classroom", "from": f"{day:%Y-%m-%d}", "to": f"{day:%Y-%m-%d}", **query}
    answer = patiently(lambda: tenant.get("hourly", **given))
    assert answer.status_code == 200, answer.text
    assert PERSONAL not in answer.text
    return answer


def rows(tenant: Tenant, day: datetime, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(tenant, day, **query).json()["rows"]
    return found


def test_a_district_sees_the_hours_of_its_schools_together_and_apart(make_tenant: Callable[..., Tenant]) -> None:
    schools = [make_tenant(dashboards=("classroom",)) for _ in range(2)]
    office = make_tenant(dashboards=("classroom",), members=[school.name for school in schools])
    at = (datetime.now(UTC) - timedelta(minutes=5)).replace(second=0, microsecond=0)  # a lesson takes half a minute
    for school in schools:
        school.send(lesson(at))
    (together,) = until(lambda: rows(office, at), lambda them: bool(them) and them[0]["data_sources_count"] == 2)
    assert together["hour"] == f"{at:%Y-%m-%dT%H}:00Z"
    assert (together["students_active"], together["avg_latency_ms"], together["error_rate"]) == (3, 40, 25)
    assert (together["total_requests"], together["total_transcription_minutes"]) == (8, 39)
    apart = rows(office, at, by="workspace")
    assert [row["workspace_id"] for row in apart] == sorted(school.name for school in schools)
    for row in [*apart, *rows(schools[0], at)]:
        assert {name: row[name] for name in LESSON} == LESSON
    page = ask(office, at, by="workspace", limit=1, format="csv")
    assert [row["workspace_id"] for row in csv.DictReader(io.StringIO(page.text))] == [min(s.name for s in schools)]
    assert 'rel="next"' in page.headers["link"]


def test_a_district_reads_nothing_else_of_its_schools_and_they_nothing_of_it(
    make_tenant: Callable[..., Tenant],
) -> None:
    school = make_tenant(dashboards=("classroom",))
    office = make_tenant(dashboards=("classroom",), members=[school.name])
    for path in ("hourly", "snapshot", "metrics", "dashboards"):
        for owner, stranger in ((school, office), (office, school)):
            answer = owner.get(path, token=stranger.token("admin"), dashboard="classroom")
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
