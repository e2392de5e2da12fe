"""A session's timeline on the deployed stack: whole after retries and repetitions, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.deployment import until
from tests.e2e.tenant import Tenant, patiently

LIFE = ("configured", "started", "leader_ready", "member_join", "member_leave", "ended")


def life(tenant: Tenant, session: str) -> list[dict[str, Any]]:
    """The events of a session, a second apart and numbered."""
    began = datetime.now(UTC) - timedelta(minutes=1)
    return [
        {
            "event_id": f"{tenant.name}-{session}-{number}",
            "type": kind,
            "timestamp": (began + timedelta(seconds=number)).isoformat(),
            "session_id": session,
            "user_id": "u1",
            "properties": {"sequence": number, "role": "student", "email": "ann@school.invalid"},
        }
        for number, kind in enumerate(LIFE, 1)
    ]


def told(tenant: Tenant, session: str, limit: int) -> Iterator[dict[str, Any]]:
    """The events of a timeline, page by page."""
    query: dict[str, Any] = {"limit": limit}
    while True:
        answer = patiently(lambda: tenant.get(f"sessions/{session}/timeline", **query))
        assert answer.status_code == 200, answer.text
        yield from answer.json()["events"]
        if "next_cursor" not in answer.json():
            assert answer.json()["gaps"] == []
            return
        query["cursor"] = answer.json()["next_cursor"]


def test_a_session_is_told_whole_in_order_and_once(make_tenant: Callable[..., Tenant]) -> None:
    school = make_tenant(dashboards=("classroom",))
    events = life(school, "lesson-1")
    for part in (events[3:], events[:4], events[3:], events, life(school, "lesson-2")):
        school.send(part)
    until(lambda: len(list(told(school, "lesson-1", 100))), lambda number: number >= len(LIFE))
    found = list(told(school, "lesson-1", 2))
    assert [(event["seq"], event["type"], event["sequence"]) for event in found] == [
        (number, kind, number) for number, kind in enumerate(LIFE, 1)
    ]
    assert found[3]["properties"] == {"role": "student"}
    assert "email" not in str(found)


def test_a_timeline_is_for_the_tokens_of_its_workspace_alone(make_tenant: Callable[..., Tenant]) -> None:
    school, stranger = (make_tenant(dashboards=("classroom",)) for _ in range(2))
    answer = school.get("sessions/lesson-1/timeline", token=stranger.read_token)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert list(told(stranger, "lesson-1", 100)) == []
