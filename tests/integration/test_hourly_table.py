"""The hourly table through the real handlers: schools, their district, and whoever has no business there."""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from tests.support.calls import MODES, Plan
from tests.support.checks import check_error, log_of
from tests.support.clients import Producer
from tests.support.connections import Response
from tests.support.deployed import World
from tests.support.lessons import LESSON, PERSONAL, happened, lesson
from tests.support.stack import Stack
from tidemark.aws.days import WHOLE
from tidemark.aws.items import encode
from tidemark.domain.cells import kind_of
from tidemark.domain.definitions import shipped
from tidemark.domain.hourly import HourlyQuery

FIRST, SECOND = "2026-11-22T09:00Z", "2026-11-22T10:00Z"
SOURCE = ["data_sources_count", "calculation_method", "calculated_at", "created_at"]


class District:
    """A district of two schools; each has had a lesson an hour ago, and the first has one now."""

    def __init__(self, north: World, south: World, office: World) -> None:
        self.north, self.south, self.office = north, south, office
        self.worlds = [north, south, office]
        office.settings(members=[north.workspace, south.workspace])
        for school in (north, south):
            Producer(school).send(lesson(school.now - timedelta(hours=1, minutes=20)))
        Producer(north).send(lesson(north.now - timedelta(minutes=20)))
        self.deliver()

    def deliver(self) -> None:
        for school in (self.north, self.south):
            school.deliver()


@pytest.fixture
def district(stack: Stack) -> Iterator[District]:
    with ExitStack() as open_worlds:
        worlds = [open_worlds.enter_context(World(stack, dashboards=["classroom"])) for _ in range(3)]
        yield District(*worlds)


def ask(world: World, *, of: World | None = None, token: str | None = None, **query: Any) -> Response:
    given = {"dashboard": "classroom"} | {name.rstrip("_"): value for name, value in query.items()}
    return world.http(
        "GET",
        f"/v1/workspaces/{(of or world).workspace}/hourly",
        query=urlencode(given),
        headers={"authorization": f"Bearer {token or world.token()}"},
    )


def table(world: World, **query: Any) -> dict[str, Any]:
    response = ask(world, **query)
    assert response.status == 200, response.body
    body: dict[str, Any] = response.json()
    return body


def measured(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in LESSON}


def let_pass(district: District, **time: int) -> None:
    for world in district.worlds:
        world.now += timedelta(**time)


def close_hours(district: District) -> None:
    """Have the next hourly run come, and do what is due."""
    let_pass(district, minutes=35)
    district.office.invoke("cron_rollup", {})
    for world in district.worlds:
        world.roll_up()


def test_a_school_has_a_row_for_each_hour_with_every_column(district: District) -> None:
    body = table(district.north)
    assert [row["hour"] for row in body["rows"]] == [FIRST, SECOND]
    for row in body["rows"]:
        assert measured(row) == LESSON
        assert list(row) == ["hour", *(column["name"] for column in body["columns"]), *SOURCE]
        assert (row["data_sources_count"], row["calculation_method"]) == (1, "live")
        assert row["calculated_at"] == row["created_at"] == "2026-11-22T10:30:00Z"
    columns = {column["name"]: column for column in body["columns"]}
    assert columns["avg_response_time"]["unit"] == "milliseconds"
    assert {name: body[name] for name in ("workspace_id", "dashboard", "timezone", "from", "to", "left_out")} == {
        "workspace_id": district.north.workspace,
        "dashboard": "classroom",
        "timezone": "UTC",
        "from": "2026-11-22",
        "to": "2026-11-22",
        "left_out": [],
    }
    assert "next_cursor" not in body


def test_a_row_stays_what_it_was_when_its_hour_closes_and_says_so(district: District) -> None:
    north = district.north
    before = table(north)["rows"]
    close_hours(district)
    after = table(north)["rows"]
    assert [measured(row) for row in after] == [measured(row) for row in before]
    assert [row["calculation_method"] for row in after] == ["final", "final"]
    assert [row["created_at"] for row in after] == ["2026-11-22T10:30:00Z"] * 2
    assert after[1]["calculated_at"] == "2026-11-22T11:05:00Z"


def test_a_late_event_moves_its_row_and_when_that_was_calculated(district: District) -> None:
    north = district.north
    close_hours(district)
    late = happened("late", "alert_raised", north.now - timedelta(hours=2), session_id="l1")
    Producer(north).send([late])
    let_pass(district, minutes=1)
    north.deliver()
    first, second = table(north)["rows"]
    assert (first["total_alerts"], first["calculation_method"]) == (2, "final")
    assert first["calculated_at"] > second["calculated_at"]
    assert first["created_at"] == "2026-11-22T10:30:00Z"


def test_a_district_has_its_schools_together_and_each_by_itself(district: District) -> None:
    office = district.office
    together = table(office)["rows"]
    assert [(row["hour"], row["data_sources_count"]) for row in together] == [(FIRST, 2), (SECOND, 1)]
    twice = {name for name, measure in shipped()["classroom"].measures.items() if measure.kind in ("count", "sum")}
    # The same people, lessons and groups in both: counted once. What happened, happened twice. Rates and means stay.
    assert measured(together[0]) == {name: LESSON[name] * (2 if name in twice else 1) for name in LESSON}
    assert measured(together[1]) == LESSON
    separate = table(office, by="workspace")["rows"]
    north, south = sorted([district.north.workspace, district.south.workspace])
    assert [(row["hour"], row["workspace_id"]) for row in separate] == [
        (FIRST, north),
        (FIRST, south),
        (SECOND, district.north.workspace),
    ]
    assert all(measured(row) == LESSON for row in separate)


def test_without_cells_the_table_comes_from_the_log(district: District) -> None:
    office, stack = district.office, district.office.stack
    before = table(office)["rows"]
    for school in (district.north, district.south):
        for pk in stack.partitions("CellsTable"):
            if pk.startswith(f"{school.workspace}#"):
                for item in stack.items("CellsTable", pk):
                    stack.dynamodb.delete_item(TableName="CellsTable", Key=encode({"pk": pk, "sk": item["sk"]}))
    after = table(office)["rows"]
    assert [measured(row) for row in after] == [measured(row) for row in before]
    assert [row["calculation_method"] for row in after] == ["log", "log"]


def test_a_corrupt_cell_is_as_good_as_none(district: District) -> None:
    north = district.north
    key = encode({"pk": f"{north.workspace}#{FIRST}", "sk": "00"})
    for attribute, value in (("state", {"B": b"nonsense"}), ("covers", {"S": "nonsense"})):
        north.stack.dynamodb.update_item(
            TableName="CellsTable",
            Key=key,
            UpdateExpression="SET #a = :v",
            ExpressionAttributeNames={"#a": attribute},
            ExpressionAttributeValues={":v": value},
        )
        rows = table(north)["rows"]
        assert [measured(row) for row in rows] == [LESSON, LESSON]
        assert [row["calculation_method"] for row in rows] == ["log", "live"]


def test_pages_make_up_the_table(district: District) -> None:
    office = district.office
    for by in ({}, {"by": "workspace"}):
        whole = table(office, **by)["rows"]
        rows: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 1, **by}
        while True:
            response = ask(office, **query)
            body = response.json()
            assert len(body["rows"]) == 1
            rows += body["rows"]
            link = response.headers.get("link")
            if "next_cursor" not in body:
                assert link is None
                break
            assert link
            query = dict(parse_qsl(link.removeprefix("<?").removesuffix('>; rel="next"')))
            assert query.pop("dashboard") == "classroom"
            assert query["cursor"] == body["next_cursor"]
        assert rows == whole


def test_csv_is_the_same_table(district: District) -> None:
    office = district.office
    response = ask(office, by="workspace", format="csv")
    assert response.status == 200
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="classroom-2026-11-22-2026-11-22.csv"' in response.headers["content-disposition"]
    assert response.headers["x-left-out"] == "0"
    body = table(office, by="workspace")
    lines = list(csv.DictReader(io.StringIO(response.body)))
    assert [{name: str(value) for name, value in row.items()} for row in body["rows"]] == lines
    assert response.body.splitlines()[0].startswith("hour,workspace_id,sessions_active,sessions_completed,")
    following = ask(office, limit=1, format="csv").headers["link"]
    assert "format=csv" in following
    assert "workspace_id" not in ask(office, format="csv").body


def test_a_text_in_csv_is_no_formula(stack: Stack) -> None:
    with World(stack, dashboards=["meetings"]) as world:
        title = {"type": "meeting_completed", "properties": {"title": '=HYPERLINK("http://x","y")'}}
        Producer(world).send([{**title, "event_id": "m", "timestamp": world.now.isoformat()}])
        world.deliver()
        (row,) = csv.DictReader(io.StringIO(ask(world, dashboard="meetings", format="csv").body))
        assert row["latest_meeting"] == '\'=HYPERLINK("http://x","y")'
        assert "top_organisers" not in row


def test_a_member_without_the_dashboard_is_named(district: District) -> None:
    south = district.south
    south.settings(dashboards=["web"])
    district.office.restart("http_api")
    body = table(district.office)
    assert body["left_out"] == [south.workspace]
    assert [row["data_sources_count"] for row in body["rows"]] == [1, 1]
    assert ask(district.office, format="csv").headers["x-left-out"] == "1"


def test_a_district_reads_the_table_of_its_members_and_nothing_else_of_them(district: District) -> None:
    office, north = district.office, district.north
    for role in ("read", "admin"):
        token = office.token(role)
        for route in ("hourly", "snapshot", "metrics", "dashboards", "sessions/l1/timeline"):
            answer = office.http(
                "GET",
                f"/v1/workspaces/{north.workspace}/{route}",
                query="dashboard=classroom",
                headers={"authorization": f"Bearer {token}"},
            )
            assert (answer.status, answer.json()["code"]) == (403, "forbidden"), route
        snapshot = office.http(
            "GET",
            f"/v1/workspaces/{office.workspace}/snapshot",
            query="dashboard=classroom",
            headers={"authorization": f"Bearer {token}"},
        )
        assert snapshot.json()["kpis"]["sessions_active"] == 0


def test_neither_members_nor_strangers_nor_write_keys_read_a_district(district: District, world: World) -> None:
    office = district.office
    for stranger in (district.north, world):
        answer = ask(stranger, of=office, token=stranger.token("admin"))
        assert (answer.status, answer.json()["code"]) == (403, "forbidden")
    answer = ask(office, token=office.write_key)
    assert (answer.status, answer.json()["code"]) == (403, "forbidden")
    answer = office.http("GET", f"/v1/workspaces/{office.workspace}/hourly", query="dashboard=classroom")
    assert (answer.status, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("name", ["members", "workspace", "workspaces", "member"])
def test_a_request_names_no_members(district: District, name: str) -> None:
    query: dict[str, Any] = {name: district.south.workspace}
    answer = ask(district.north, **query)
    assert (answer.status, answer.json()["code"], answer.json()["field"]) == (400, "invalid_query", name)
    assert district.south.workspace not in answer.body


def test_a_member_that_leaves_is_not_read_any_more(district: District) -> None:
    office = district.office
    cursor = table(office, by="workspace", limit=1)["next_cursor"]
    office.settings(members=[district.north.workspace])
    office.restart("http_api")
    names = {row["workspace_id"] for row in table(office, by="workspace")["rows"]}
    names |= {row["workspace_id"] for row in table(office, by="workspace", limit=1, cursor=cursor)["rows"]}
    assert names == {district.north.workspace}


@pytest.mark.parametrize("hour", ["9999-12-31T23:00Z", "2026-11-22T99:99Z", "0000-00-00T00:00Z"])
def test_a_cursor_that_somebody_has_made_leads_nowhere_else(district: District, hour: str) -> None:
    made = HourlyQuery("classroom", district.north.now.date(), district.north.now.date()).cursor((hour, "~"))
    names = [row["hour"] for row in table(district.north, cursor=made)["rows"]]
    assert names == ([FIRST, SECOND] if hour < FIRST else [])


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"from_": "2026-10-22"}, "range_too_large", "from"),
        ({"from_": "2026-11-23"}, "invalid_query", "from"),
        ({"to": "today"}, "invalid_query", "to"),
        ({"by": "school"}, "invalid_query", "by"),
        ({"limit": "0"}, "invalid_query", "limit"),
        ({"cursor": "x"}, "invalid_cursor", "cursor"),
        ({"format": "parquet"}, "invalid_query", "format"),
        ({"dashboard": "web"}, "unknown_dashboard", "dashboard"),
        ({"dashboard": "../secrets"}, "unknown_dashboard", "dashboard"),
    ],
)
def test_what_cannot_be_asked_for_is_told(district: District, query: dict[str, Any], code: str, field: str) -> None:
    answer = ask(district.north, **query)
    check_error(answer.json())
    assert answer.status == (404 if code == "unknown_dashboard" else 400)
    assert (answer.json()["code"], answer.json()["field"]) == (code, field)


def test_nothing_of_a_payload_that_is_not_declared_is_in_any_aggregate(district: District) -> None:
    close_hours(district)
    let_pass(district, hours=13)
    close_hours(district)
    office = district.office
    day: dict[str, Any] = {"from": "2026-11-22", "to": "2026-11-22"}
    told = [ask(office, by="workspace", **day).body, ask(office, format="csv", **day).body, ask(district.north).body]
    snapshot = office.http(
        "GET",
        f"/v1/workspaces/{district.north.workspace}/snapshot",
        query="dashboard=classroom",
        headers={"authorization": f"Bearer {district.north.token()}"},
    )
    for text in [*told, snapshot.body, *states_of(district)]:
        assert PERSONAL not in text
        assert '"t1"' not in text
    assert PERSONAL in str(log_of(district.north)), "the events do not have what is looked for"


def states_of(district: District) -> list[str]:
    """Return whatever the cells and days of the district hold, as JSON."""
    stack, names = district.office.stack, tuple(f"{world.workspace}#" for world in district.worlds)
    partitions = [pk for pk in stack.partitions("CellsTable") if pk.startswith(names)]
    items = [item for pk in partitions for item in stack.items("CellsTable", pk)]
    days = [item["states"].items() for item in items if "states" in item]
    kinds = [(kind_of(name), blob) for day in days for name, blob in day if name != WHOLE]
    states = [json.dumps(kind.dump(kind.unpack(blob))) for kind, blob in kinds]
    assert len(states) > 30, "no day has been closed"
    return states + [zlib.decompress(item["state"]).decode() for item in items if "state" in item]


@pytest.mark.parametrize("mode", ["unreachable", "throttled", "died_before"])
def test_whatever_call_fails_the_answer_is_the_table_or_an_error(district: District, mode: str) -> None:
    office = district.office
    expected = [measured(row) for row in table(office)["rows"]]
    whole = Plan("http_api")
    office.restart("http_api")
    with office.armed(whole):
        ask(office)
    assert len(whole.calls) > 5
    for index in range(len(whole.calls)):
        office.restart("http_api")
        plan = Plan("http_api", index, MODES[mode])
        with office.armed(plan):
            response = ask(office)
        assert plan.hit is not None
        if response.status == 200:
            assert [measured(row) for row in response.json()["rows"]] == expected
        else:
            assert response.status in ((500,) if mode == "died_before" else (429, 503)), response.body
    assert [measured(row) for row in table(office)["rows"]] == expected
