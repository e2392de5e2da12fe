"""Insights reach those who watch and those who ask: in snapshots, in deltas and as a timeline, by the real handlers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.checks import check_error, check_viewer, check_world
from tests.support.clients import Producer, Viewer
from tests.support.connections import Response
from tests.support.data import page
from tests.support.deployed import World
from tests.support.insights import insight, put_insight
from tests.support.stack import Stack
from tidemark.aws.insights import FIRST_READ, MAX_REQUESTS, NEXT_READ, DynamoInsights
from tidemark.bootstrap import Container
from tidemark.domain.events import format_timestamp

HOUR = "2026-11-22T10:00Z"


def put(world: World, number: int, hour: str = HOUR, **changed: Any) -> str:
    """Store the analysed batch of that number; return its id."""
    name = f"{hour}.00.{number:06d}"
    at = datetime.fromisoformat(hour) + timedelta(minutes=number % 30)
    told = insight(f"Found in {number}.", format_timestamp(at))
    put_insight(world.stack, world.workspace, name, told, **changed)
    return name


def show(world: World) -> None:
    """Do what the worker of a job does after it has stored its insight."""
    container = Container()
    settings = container.directory.latest(world.workspace)
    assert settings is not None
    container.views.refresh_insights(settings, world.now)


def ask(world: World, query: str = "", token: str | None = None, **headers: str) -> Response:
    """Ask for the insights, by a read token unless another one is given."""
    path = f"/v1/workspaces/{world.workspace}/insights"
    return world.http("GET", path, query=query, headers={"authorization": f"Bearer {token or world.token()}"} | headers)


def reads(world: World) -> list[str]:
    """Return which handlers have read insights so far, one for each request."""
    made = world.stack.calls.log
    return [call.handler for call in made if ":success" in str(call.request) and call.operation == "Query"]


def told(answer: Response) -> list[str]:
    assert answer.status == 200, answer.body
    return [found["insight_id"] for found in answer.json()["insights"]]


def test_an_insight_appears_at_those_who_watch(world: World) -> None:
    Producer(world).send([page(world.now)])
    world.deliver()
    viewer = Viewer(world, {"dashboard": "web", "days": 2})
    viewer.follow()
    assert viewer.sections["insights"] == {}
    position = viewer.position
    names = [put(world, number) for number in range(7)]
    show(world)
    world.deliver()
    viewer.follow()
    assert sorted(viewer.sections["insights"]) == names[2:]
    assert viewer.sections["insights"][names[-1]]["summary"] == "Found in 6."
    assert position is not None
    assert viewer.position is not None
    assert (viewer.position["epoch"], viewer.position["seq"]) == (position["epoch"], position["seq"] + 1)
    check_world(world, viewer)


def test_a_fold_keeps_the_insights_and_reads_none(world: World) -> None:
    viewer = Viewer(world, {"dashboard": "web", "days": 2})
    viewer.follow()
    name = put(world, 1)
    show(world)
    before = len(reads(world))
    for _ in range(2):
        Producer(world).send([page(world.now)])
        world.deliver()
    assert len(reads(world)) == before
    viewer.follow()
    assert list(viewer.sections["insights"]) == [name]
    check_world(world, viewer)


def test_only_a_render_of_a_dashboard_that_shows_them_reads_them_and_once(world: World) -> None:
    Viewer(world, {"dashboard": "meetings", "days": 2}).bootstrap()
    assert reads(world) == []
    viewer = Viewer(world, {"dashboard": "web", "days": 2})
    viewer.bootstrap()
    assert reads(world) == ["ws_bootstrap"]
    viewer.follow()
    before = len(reads(world))
    viewer.bootstrap()
    assert len(reads(world)) == before


def test_to_show_the_same_again_writes_nothing(world: World) -> None:
    viewer = Viewer(world, {"dashboard": "web", "days": 2})
    viewer.follow()
    put(world, 1)
    show(world)
    show(world)
    world.deliver()
    viewer.follow()
    assert viewer.deltas == 1


def test_a_view_of_the_past_shows_no_later_insights(world: World) -> None:
    earlier, later = put(world, 3, "2026-11-21T23:00Z"), put(world, 1, "2026-11-22T00:00Z")
    past = Viewer(world, {"dashboard": "web", "days": 1, "to": "2026-11-21"})
    past.bootstrap()
    assert list(past.sections["insights"]) == [earlier]
    check_viewer(world, past)
    now = Viewer(world, {"dashboard": "web", "days": 1})
    now.follow()
    assert sorted(now.sections["insights"]) == [earlier, later]


def test_a_dashboard_without_them_has_no_section(world: World) -> None:
    put(world, 1)
    viewer = Viewer(world, {"dashboard": "meetings", "days": 2})
    viewer.follow()
    show(world)
    world.deliver()
    viewer.follow()
    assert "insights" not in viewer.sections
    assert viewer.deltas == 0


def test_the_snapshot_over_http_has_them(world: World) -> None:
    name = put(world, 1)
    path, headers = f"/v1/workspaces/{world.workspace}/snapshot", {"authorization": f"Bearer {world.token()}"}
    web = world.http("GET", path, query="dashboard=web", headers=headers).json()
    assert (list(web["insights"]), "insights" in web["checksums"]) == ([name], True)
    assert "insights" not in world.http("GET", path, query="dashboard=meetings", headers=headers).json()


def test_the_timeline_tells_all_newest_first_page_by_page(world: World) -> None:
    names = [put(world, number) for number in range(3)] + [put(world, 0, "2026-11-22T11:00Z")]
    put(world, 3, job="PENDING")
    put(world, 4, insight=b"corrupt")
    assert told(ask(world)) == names[::-1]
    assert told(ask(world, token=world.token("admin"))) == names[::-1]
    found: list[str] = []
    query = "limit=1"
    while True:
        answer = ask(world, query)
        found += told(answer)
        cursor = answer.json().get("next_cursor")
        if cursor is None:
            break
        query = f"limit=1&cursor={cursor}"
    assert found == names[::-1]
    whole = ask(world).json()
    assert whole["timezone"] == "UTC"
    assert whole["insights"][-1] == {
        "insight_id": names[0],
        "analysed_at": "2026-11-22T10:30:00Z",
        **insight_as_told(),
    }


def insight_as_told() -> dict[str, Any]:
    """Return what there is to be told of the first one."""
    return {
        "first_event_at": "2026-11-22T10:00:00.000Z",
        "last_event_at": "2026-11-22T10:00:00.000Z",
        "events": 100,
        "provider": "statistical",
        "model": "statistical/1",
        "summary": "Found in 0.",
        "confidence": 1,
        "patterns": [
            {
                "kind": "anomaly",
                "text": "Four times as many errors as usual.",
                "confidence": 0.93,
                "figures": [
                    {"name": "errors", "value": 42, "usual": 10.5, "unit": "count"},
                    {"name": "error_rate", "value": 12, "unit": "percent"},
                ],
            }
        ],
        "recommendations": ["Look at the pages that fail."],
    }


def test_the_timeline_of_some_days(stack: Stack) -> None:
    with World(stack, timezone="Asia/Kolkata") as world:
        names = [put(world, 0, hour) for hour in ("2026-11-20T17:30Z", "2026-11-20T18:30Z", "2026-11-21T18:30Z")]
        assert told(ask(world, "from=2026-11-21")) == [names[2], names[1]]
        assert told(ask(world, "from=2026-11-21&to=2026-11-21")) == [names[1]]
        assert told(ask(world, "to=2026-11-20")) == [names[0]]


def test_days_that_were_skipped_have_no_insights(stack: Stack) -> None:
    with World(stack, timezone="Pacific/Apia") as world:
        put(world, 0)
        assert told(ask(world, "from=2011-12-30&to=2011-12-30")) == []


def test_what_has_not_changed_is_not_sent_again(world: World) -> None:
    put(world, 1)
    etag = ask(world).headers["etag"]
    assert ask(world, **{"if-none-match": etag}).status == 304
    put(world, 2)
    assert ask(world, **{"if-none-match": etag}).status == 200


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ("days=3", 400, "invalid_query", "days"),
        ("limit=1&limit=2", 400, "invalid_query", "limit"),
        ("limit=101", 400, "invalid_query", "limit"),
        ("from=yesterday", 400, "invalid_query", "from"),
        ("cursor=x", 400, "invalid_cursor", "cursor"),
    ],
)
def test_a_bad_request_is_told_why(world: World, query: str, status: int, code: str, field: str) -> None:
    answer = ask(world, query)
    assert (answer.status, answer.json()["code"], answer.json()["field"]) == (status, code, field)
    check_error(answer.json())


def test_nobody_else_is_told(world: World, stack: Stack) -> None:
    put(world, 1)
    with World(stack) as other:
        assert ask(world, token=other.token("admin")).status == 403
        assert told(ask(other)) == []
    assert ask(world, token="none").status == 401


def test_one_request_finds_the_last_insights_behind_some_unfinished_batches(world: World) -> None:
    names = [put(world, number) for number in range(5)]
    for number in range(5, 5 + FIRST_READ):
        put(world, number, job="RUNNING")
    store = DynamoInsights("WorkTable")
    with world.stack.calls.of("reader"):
        found = store.latest(world.workspace, 5)
    assert [one.insight_id for one in found] == names[::-1]
    assert reads(world) == ["reader"]


def test_a_read_is_bounded_and_a_page_goes_on_where_it_ended(world: World) -> None:
    most = 5 + FIRST_READ + (MAX_REQUESTS - 1) * NEXT_READ
    name = put(world, 0)
    for number in range(1, most + 1):
        put(world, number, job="PENDING")
    store = DynamoInsights("WorkTable")
    assert store.latest(world.workspace, 5) == []
    first = ask(world, "limit=5")
    assert told(first) == []
    assert told(ask(world, f"limit=5&cursor={first.json()['next_cursor']}")) == [name]
