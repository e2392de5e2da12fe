"""The query router through the real handlers: from whatever source, the numbers are those of the log."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.calls import MODES, Call, Plan
from tests.support.checks import check_error, check_response
from tests.support.clients import Producer
from tests.support.connections import Response
from tests.support.data import page, pages
from tests.support.deployed import World
from tests.support.stack import Stack
from tidemark.services.sources import LogBudget

DAY_MINUTES = 24 * 60
DAYS = {"from": "2026-11-19", "to": "2026-11-22"}


@pytest.fixture
def closed(world: World) -> World:
    """A workspace with page views of four days, of which every hour and day that is over is closed."""
    for days_ago, number in ((0, 2), (1, 5), (2, 3), (3, 4)):
        Producer(world).send(pages(world.now, number, days_ago * DAY_MINUTES + 60))
        Producer(world).send(pages(world.now, 1, days_ago * DAY_MINUTES))
    world.deliver()
    roll_up(world)
    return world


def roll_up(world: World) -> None:
    """Have the next hourly run come, and do what is due."""
    world.now = world.now.replace(minute=5, second=0) + timedelta(hours=1)
    world.invoke("cron_rollup", {})
    world.roll_up()


def ask(
    world: World, *, token: str | None = None, of: str | None = None, headers: Any = None, **query: Any
) -> Response:
    return world.http(
        "GET",
        f"/v1/workspaces/{of or world.workspace}/metrics",
        query=urlencode({name.rstrip("_"): value for name, value in query.items()}),
        headers={"authorization": f"Bearer {token or world.token()}", **(headers or {})},
    )


def answer(world: World, **query: Any) -> dict[str, Any]:
    response = ask(world, **query)
    assert response.status == 200, response.body
    body: dict[str, Any] = response.json()
    return body


def pageviews(body: Mapping[str, Any]) -> list[int]:
    return [row["values"]["pageviews"] for row in body["rows"]]


def forget_cells(world: World) -> None:
    """Delete every cell of the workspace, as somebody with the console might."""
    for pk in world.stack.partitions("CellsTable"):
        if pk.startswith(f"{world.workspace}#"):
            for item in world.stack.items("CellsTable", pk):
                key = {"pk": {"S": pk}, "sk": {"S": item["sk"]}}
                world.stack.dynamodb.delete_item(TableName="CellsTable", Key=key)


def spoil(world: World, sk: str, attribute: str, value: Any) -> int:
    """Write nonsense into an attribute, or into all that a map holds, of every cell of that sort key; count them."""
    spoilt = 0
    for pk in [pk for pk in world.stack.partitions("CellsTable") if pk.startswith(f"{world.workspace}#")]:
        for item in [item for item in world.stack.items("CellsTable", pk) if item["sk"] == sk]:
            nonsense = {"M": dict.fromkeys(item[attribute], value)} if isinstance(item[attribute], dict) else value
            world.stack.dynamodb.update_item(
                TableName="CellsTable",
                Key={"pk": {"S": pk}, "sk": {"S": sk}},
                UpdateExpression="SET #a = :v",
                ExpressionAttributeNames={"#a": attribute},
                ExpressionAttributeValues={":v": nonsense},
            )
            spoilt += 1
    return spoilt


def test_days_that_are_over_come_from_day_cells_and_today_from_its_hours(closed: World) -> None:
    body = answer(closed, **DAYS)
    assert body["sources"] == {"day_cells": 3, "hour_cells": 2, "log_hours": 0}
    assert pageviews(body) == [5, 4, 6, 3]
    assert [row["state"] for row in body["rows"]] == ["final"] * 3 + ["live"]
    assert body["rows"][0]["start"] == "2026-11-19T00:00:00+00:00"
    assert body["rows"][0]["end"] == "2026-11-20T00:00:00+00:00"
    assert body["freshness"] == {
        "final_until": "2026-11-22T11:00:00+00:00",
        "live_hours": 0,
        "incomplete_hours": 0,
        "expired_days": 0,
        "left_out_hours": 0,
    }
    assert {name: body[name] for name in ("workspace_id", "dashboard", "timezone", "from", "to", "grain")} == {
        "workspace_id": closed.workspace,
        "dashboard": "web",
        "timezone": "UTC",
        "grain": "day",
        **DAYS,
    }
    assert {"name": "pageviews", "unit": "count", "kind": "count"}.items() <= body["measures"][0].items()
    assert body["fresh_at"] == "2026-11-22T11:05:00.000Z"
    assert "next_cursor" not in body


@pytest.mark.parametrize(
    ("grain", "expected"),
    [("day", [5, 4, 6, 3]), ("week", [18]), ("month", [18]), ("all", [18])],
)
def test_every_grain_adds_up(closed: World, grain: str, expected: list[int]) -> None:
    assert pageviews(answer(closed, grain=grain, **DAYS)) == expected


def test_hours_come_from_hour_cells_also_those_without_events(closed: World) -> None:
    body = answer(closed, grain="hour", **DAYS)
    assert len(body["rows"]) == 3 * 24 + 12
    assert {row["start"][:13]: row["values"]["pageviews"] for row in body["rows"] if row["values"]["pageviews"]} == {
        "2026-11-19T09": 4,
        "2026-11-19T10": 1,
        "2026-11-20T09": 3,
        "2026-11-20T10": 1,
        "2026-11-21T09": 5,
        "2026-11-21T10": 1,
        "2026-11-22T09": 2,
        "2026-11-22T10": 1,
    }
    assert body["sources"] == {"day_cells": 0, "hour_cells": 8, "log_hours": 0}


def test_a_month_of_one_workspace_is_what_its_snapshot_shows(closed: World) -> None:
    shown = closed.http(
        "GET",
        f"/v1/workspaces/{closed.workspace}/snapshot",
        query="dashboard=web&days=30",
        headers={"authorization": f"Bearer {closed.token()}"},
    ).json()
    (row,) = answer(closed, grain="all")["rows"]
    for part in (shown["kpis"], *shown["tabs"].values()):
        assert {name: row["values"][name] for name in part} == part


def test_cells_that_are_deleted_by_hand_are_read_from_the_log_and_built_again(closed: World) -> None:
    before = answer(closed, compare="previous", **DAYS)
    forget_cells(closed)
    without = answer(closed, compare="previous", **DAYS)
    assert without["sources"] == {"day_cells": 0, "hour_cells": 0, "log_hours": 8}
    assert [row["values"] for row in without["rows"]] == [row["values"] for row in before["rows"]]
    assert [row["state"] for row in without["rows"]] == ["final"] * 3 + ["live"]
    roll_up(closed)
    after = answer(closed, compare="previous", **DAYS)
    assert after["sources"] == before["sources"]
    assert after["rows"] == before["rows"]


def test_day_cells_alone_that_are_deleted_are_built_again(closed: World) -> None:
    for day in ("19", "20", "21"):
        key = {"pk": {"S": f"{closed.workspace}#2026-11-{day}"}, "sk": {"S": "DAY"}}
        closed.stack.dynamodb.delete_item(TableName="CellsTable", Key=key)
    assert answer(closed, **DAYS)["sources"] == {"day_cells": 0, "hour_cells": 8, "log_hours": 0}
    roll_up(closed)
    assert answer(closed, **DAYS)["sources"] == {"day_cells": 3, "hour_cells": 2, "log_hours": 0}


@pytest.mark.parametrize("nonsense", [{"B": b"nonsense"}, {"S": "nonsense"}, {"NULL": True}])
def test_corrupt_cells_cost_time_and_no_answer(closed: World, nonsense: Any) -> None:
    before = answer(closed, **DAYS)
    assert spoil(closed, "DAY", "states", nonsense) == 3
    by_hours = answer(closed, **DAYS)
    assert by_hours["rows"] == before["rows"]
    assert by_hours["sources"] == {"day_cells": 0, "hour_cells": 8, "log_hours": 0}
    assert spoil(closed, "00", "state", nonsense) == 8
    from_log = answer(closed, **DAYS)
    assert [row["values"] for row in from_log["rows"]] == [row["values"] for row in before["rows"]]
    assert from_log["sources"] == {"day_cells": 0, "hour_cells": 0, "log_hours": 8}


def throttled(table: str, operation: str) -> Plan:
    def hit(call: Call) -> bool:
        return (call.operation, call.target) == (operation, table)

    return Plan("http_api", mode=MODES["throttled"], when=hit)


@pytest.mark.parametrize(
    ("grain", "table", "operation", "sources"),
    [
        ("day", "CellsTable", "BatchGetItem", (0, 8, 0)),  # the days: their hours are read
        ("hour", "CellsTable", "BatchGetItem", (0, 0, 8)),
        ("day", "WorkTable", "Query", (0, 8, 3 * 24 + 12 - 8)),  # every hour may have events
        ("hour", "WorkTable", "Query", (0, 8, 3 * 24 + 12 - 8)),
    ],
)
def test_what_is_throttled_is_read_elsewhere(
    closed: World, grain: str, table: str, operation: str, sources: tuple[int, int, int]
) -> None:
    before = answer(closed, grain=grain, **DAYS)
    plan = throttled(table, operation)
    with closed.armed(plan):
        body = answer(closed, grain=grain, **DAYS)
    assert plan.hit
    assert [row["values"] for row in body["rows"]] == [row["values"] for row in before["rows"]]
    assert [row["state"] for row in body["rows"]] == [row["state"] for row in before["rows"]]
    assert body["freshness"]["incomplete_hours"] == 0
    assert tuple(body["sources"].values()) == sources


def test_only_a_log_that_does_not_answer_fails_a_query(closed: World) -> None:
    forget_cells(closed)
    with closed.armed(throttled("EventsTable", "Query")):
        response = ask(closed, **DAYS)
    assert (response.status, response.json()["code"]) == (503, "unavailable")
    assert int(response.headers["retry-after"]) > 0
    check_error(response.json())
    with closed.armed(throttled("WorkTable", "PutItem")):
        assert pageviews(answer(closed, **DAYS)) == [5, 4, 6, 3], "what cannot be scheduled fails nothing"


@pytest.mark.parametrize("mode", [name for name, mode in MODES.items() if not mode.warm])
def test_whatever_befalls_a_call_the_numbers_are_right_or_there_are_none(closed: World, mode: str) -> None:
    for sk, pk in (("DAY", "2026-11-20"), ("DAY", "2026-11-21"), ("00", "2026-11-21T09:00Z")):
        key = {"pk": {"S": f"{closed.workspace}#{pk}"}, "sk": {"S": sk}}
        closed.stack.dynamodb.delete_item(TableName="CellsTable", Key=key)
    plan = Plan("http_api")
    with closed.armed(plan):
        expected = answer(closed, **DAYS)
    assert expected["sources"] == {"day_cells": 1, "hour_cells": 5, "log_hours": 1}
    calls = [(call.operation, call.target) for call in plan.calls]
    assert {"BatchGetItem", "Query", "PutItem"} <= {operation for operation, _ in calls}
    for index in range(len(calls)):
        closed.now += timedelta(hours=1)  # what is missing is scheduled again
        plan = Plan("http_api", index, MODES[mode])
        with closed.armed(plan):
            response = ask(closed, **DAYS)
        check_response(response)
        if response.status == 200:
            assert [row["values"] for row in response.json()["rows"]] == [row["values"] for row in expected["rows"]]
        elif not mode.startswith("died"):
            assert plan.hit, response
            assert plan.hit.target in ("EventsTable", "DirectoryTable"), f"{plan.hit} fails the request"


def test_a_late_event_is_counted_before_and_after_the_rollup(closed: World) -> None:
    Producer(closed).send(pages(closed.now, 7, DAY_MINUTES + 600))  # in an hour that had no event
    closed.deliver()
    late = answer(closed, **DAYS)
    assert pageviews(late) == [5, 4, 13, 3]
    assert late["sources"]["day_cells"] == 2
    roll_up(closed)
    assert pageviews(answer(closed, **DAYS)) == [5, 4, 13, 3]
    assert answer(closed, **DAYS)["sources"]["day_cells"] == 3


def test_a_dashboard_that_was_enabled_later_is_read_from_the_log(stack: Stack) -> None:
    with World(stack, dashboards=["meetings"]) as world:
        Producer(world).send(pages(world.now, 3, DAY_MINUTES))
        world.deliver()
        roll_up(world)
        assert ask(world, dashboard="web").json()["code"] == "unknown_dashboard"
        world.settings(dashboards=["meetings", "web"])
        world.restart("http_api", "queue_rollup", "cron_rollup", "stream_fold")
        before = answer(world, **DAYS)
        assert pageviews(before) == [0, 0, 3, 0]
        assert before["sources"] == {"day_cells": 0, "hour_cells": 0, "log_hours": 1}
        roll_up(world)
        after = answer(world, **DAYS)
        assert after["sources"] == {"day_cells": 1, "hour_cells": 0, "log_hours": 0}
        assert after["rows"][:3] == before["rows"][:3]


def test_what_is_gone_from_the_log_and_has_no_cell_is_said_to_be_incomplete(closed: World) -> None:
    forget_cells(closed)
    pk = f"{closed.workspace}#2026-11-19T09:00Z#00"
    for item in closed.stack.items("EventsTable", pk):
        closed.stack.dynamodb.delete_item(TableName="EventsTable", Key={"pk": {"S": pk}, "sk": {"S": item["sk"]}})
    body = answer(closed, **DAYS)
    assert [row["state"] for row in body["rows"]] == ["incomplete", "final", "final", "live"]
    assert body["freshness"]["incomplete_hours"] == 1
    roll_up(closed)
    assert answer(closed, **DAYS)["rows"][0]["state"] == "incomplete", "a rollup made nothing of something final"


def test_an_answer_that_leaves_something_out_says_until_when_and_is_not_kept(
    closed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_cells(closed)
    monkeypatch.setattr(LogBudget.__init__, "__defaults__", (3, 1000, 60.0, time.monotonic))
    lacking = ask(closed, grain="all", headers={"if-none-match": "*"}, **DAYS)
    check_response(lacking)
    assert (lacking.status, lacking.headers["cache-control"]) == (200, "private, no-store")
    assert "etag" not in lacking.headers
    assert [(row["values"]["pageviews"], row["state"]) for row in lacking.json()["rows"]] == [(8, "incomplete")]
    assert lacking.json()["sources"] == {"day_cells": 0, "hour_cells": 0, "log_hours": 3}
    assert lacking.json()["freshness"] == {
        "final_until": "2026-11-20T10:00:00+00:00",
        "live_hours": 0,
        "incomplete_hours": 0,
        "expired_days": 0,
        "left_out_hours": 5,
        "retry_at": "2026-11-22T11:07:00+00:00",
    }
    roll_up(closed)
    whole = ask(closed, grain="all", **DAYS)
    assert [(row["values"]["pageviews"], row["state"]) for row in whole.json()["rows"]] == [(18, "live")]
    assert "retry_at" not in whole.json()["freshness"]
    assert "etag" in whole.headers


def test_pages_follow_one_another_without_gap_or_overlap(closed: World) -> None:
    whole = answer(closed, grain="hour", compare="previous", **DAYS)
    rows, previous, cursor = [], [], {}
    for _ in range(20):
        body = answer(closed, grain="hour", compare="previous", limit=7, **DAYS, **cursor)
        rows += body["rows"]
        previous += body["previous"]["rows"]
        if "next_cursor" not in body:
            break
        cursor = {"cursor": body["next_cursor"]}
    assert rows == whole["rows"]
    assert previous == whole["previous"]["rows"]
    assert len(rows) == len(previous) == 84


def test_a_cursor_remembers_its_days_and_fits_its_own_query_alone(closed: World) -> None:
    first = answer(closed, limit=1)
    assert pageviews(answer(closed, limit=29, cursor=first["next_cursor"]))[-4:] == [5, 4, 6, 3]
    for changed in ({"grain": "week"}, {"measures": "pageviews"}, {"to": "2026-11-21"}, {"compare": "previous"}):
        response = ask(closed, cursor=first["next_cursor"], **changed)
        assert (response.status, response.json()["code"]) == (400, "invalid_cursor")


def test_the_days_before_stand_beside(closed: World) -> None:
    body = answer(closed, from_="2026-11-21", to="2026-11-22", compare="previous")
    assert body["previous"]["from"] == "2026-11-19"
    assert body["previous"]["to"] == "2026-11-20"
    assert pageviews(body) == [6, 3]
    assert pageviews(body["previous"]) == [5, 4]
    assert [row["start"][:10] for row in body["previous"]["rows"]] == ["2026-11-19", "2026-11-20"]


def test_counts_are_broken_down_by_the_keys_of_a_top_list(closed: World) -> None:
    Producer(closed).send([page(closed.now, path=f"/{n}") for n in range(3) for _ in range(n + 1)])
    closed.deliver()
    body = answer(closed, grain="all", group_by="top_paths", groups=2, from_="2026-11-22")
    assert body["group_by"]["name"] == "top_paths"
    assert [measure["name"] for measure in body["measures"]] == ["pageviews"]
    (row,) = body["rows"]
    assert row["values"] == {"pageviews": 9}
    assert row["groups"] == {
        "error": 0,
        "rows": {"/2": {"order": 0, "value": 3}, "/1": {"order": 1, "value": 2}},
    }


def test_an_answer_that_has_not_changed_does_not_travel_again(closed: World) -> None:
    first = ask(closed, **DAYS)
    etag = first.headers["etag"]
    closed.now += timedelta(minutes=1)
    again = ask(closed, headers={"if-none-match": etag}, **DAYS)
    assert (again.status, again.body, again.headers["etag"]) == (304, "", etag)
    Producer(closed).send(pages(closed.now, 1))
    closed.deliver()
    assert ask(closed, headers={"if-none-match": etag}, **DAYS).status == 200


def test_a_workspace_reads_nothing_of_another(closed: World, stack: Stack) -> None:
    with World(stack) as other:
        response = ask(other, of=closed.workspace, token=other.token("admin"))
        assert (response.status, response.json()["code"]) == (403, "forbidden")
        assert pageviews(answer(other, grain="all")) == [0]
    response = ask(closed, token=closed.write_key)
    assert (response.status, response.json()["code"]) == (403, "forbidden")


def bad_queries() -> Iterator[tuple[dict[str, Any], int, str, str]]:
    invalid = "invalid_query"
    yield {"dashboard": "nothing"}, 404, "unknown_dashboard", "dashboard"
    yield {"measures": "pageviews,nothing"}, 400, "unknown_measure", "measures"
    yield {"measures": ""}, 400, "unknown_measure", "measures"
    yield {"measures": "pageviews,pageviews"}, 400, invalid, "measures"
    yield {"from": "2026-11-23"}, 400, invalid, "from"
    yield {"to": "2026-11-23"}, 400, invalid, "to"
    yield {"to": "2026-W47-7"}, 400, invalid, "to"
    yield {"from": "yesterday"}, 400, invalid, "from"
    yield {"from": "1900-01-01", "to": "1900-01-02"}, 400, invalid, "from"
    yield {"from": "2020-01-01"}, 400, "range_too_large", "from"
    yield {"grain": "minute"}, 400, invalid, "grain"
    yield {"group_by": "visitors"}, 400, "not_groupable", "group_by"
    yield {"group_by": "top_paths", "measures": "visitors"}, 400, "not_groupable", "measures"
    yield {"groups": "3"}, 400, invalid, "groups"
    yield {"group_by": "top_paths", "groups": "201"}, 400, invalid, "groups"
    yield {"compare": "last"}, 400, invalid, "compare"
    yield {"limit": "0"}, 400, invalid, "limit"
    yield {"limit": "٣"}, 400, invalid, "limit"
    yield {"cursor": "nonsense"}, 400, "invalid_cursor", "cursor"
    yield {"cursor": "W10"}, 400, "invalid_cursor", "cursor"
    yield {"cursor": "x" * 5000}, 400, invalid, "cursor"
    yield {"granularity": "day"}, 400, invalid, "granularity"


@pytest.mark.parametrize(("query", "status", "code", "field"), list(bad_queries()), ids=lambda value: str(value)[:40])
def test_what_cannot_be_asked_is_named(world: World, query: dict[str, Any], status: int, code: str, field: str) -> None:
    response = ask(world, **query)
    body = response.json()
    assert (response.status, body["code"], body["field"]) == (status, code, field)
    assert body["request_id"] == response.headers["x-request-id"]
    assert (body["type"], body["status"], body["detail"]) == ("about:blank", status, body["message"])
    assert response.headers["content-type"] == "application/json"
    check_error(body)


def test_a_parameter_that_comes_twice_is_named(world: World) -> None:
    response = world.http(
        "GET",
        f"/v1/workspaces/{world.workspace}/metrics",
        query="grain=day&grain=hour",
        headers={"authorization": f"Bearer {world.token()}"},
    )
    assert (response.status, response.json()["field"]) == (400, "grain")


def test_who_asks_for_problems_gets_them_under_their_name(world: World) -> None:
    response = ask(world, grain="minute", headers={"accept": "application/problem+json, application/json"})
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(base64.b64decode(response.body))["title"] == "Bad Request"
