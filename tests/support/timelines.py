"""The timelines of a world, read as a client would, against the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.support.checks import check_response, log_of

if TYPE_CHECKING:
    from tests.support.deployed import World

ATTEMPTS = 4


def in_session(event: Mapping[str, Any], session: str) -> dict[str, Any]:
    """Return an event as part of a session."""
    return {**event, "session_id": session}


def told(world: World, session: str, limit: int = 1000) -> list[dict[str, Any]]:
    """Read the timeline of a session to its end, repeating each request until it is answered for good."""
    events: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = _page(world, session, f"limit={limit}{cursor}")
        events += page["events"]
        if "next_cursor" not in page:
            return events
        cursor = f"&cursor={page['next_cursor']}"


def check_timelines(world: World) -> None:
    """Every event in the log that a timeline shows stands in that of its session, in order and once."""
    types = {name for dashboard in world.definitions.values() for name in dashboard.timelines}
    expected: dict[str, list[tuple[str, str]]] = {}
    for (_, event_id), event in log_of(world).items():
        if event["type"] in types and "session_id" in event:
            expected.setdefault(event["session_id"], []).append((event["timestamp"], event_id))
    assert expected, "no event has a session"
    for session, events in expected.items():
        found = told(world, session)
        assert sorted((event["timestamp"], event["event_id"]) for event in found) == sorted(events)
        assert [event["timestamp"] for event in found] == sorted(event["timestamp"] for event in found)
        assert [event["seq"] for event in found] == list(range(1, len(found) + 1))


def _page(world: World, session: str, query: str) -> dict[str, Any]:
    for _ in range(ATTEMPTS):
        answer = world.http(
            "GET",
            f"/v1/workspaces/{world.workspace}/sessions/{quote(session, safe='')}/timeline",
            query=query,
            headers={"authorization": f"Bearer {world.token()}"},
        )
        check_response(answer)
        if answer.status == 200:
            page: dict[str, Any] = answer.json()
            return page
        assert answer.status in (429, 500, 503), f"{answer.status}: {answer.body}"
    raise AssertionError("the timeline is never told")
