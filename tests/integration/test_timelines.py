"""Timelines of sessions through the real handlers: complete, in order, each event once, and for nobody else."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.checks import check_error
from tests.support.clients import Client, Producer
from tests.support.connections import Response
from tests.support.deployed import World
from tests.support.stack import Stack
from tidemark.domain.timeline import session_key

LIFE = ("configured", "started", "leader_ready", "member_join", "member_leave", "ended")


@pytest.fixture
def school(stack: Stack) -> Iterator[World]:
    """A workspace with the dashboard `classroom`."""
    with World(stack, dashboards=("classroom",)) as made:
        yield made


def lesson(
    world: World,
    number: int,
    *,
    kind: str = "member_join",
    session: str = "lesson-1",
    seconds_ago: float = 0,
    **properties: Any,
) -> dict[str, Any]:
    """Return the event of that number in a session."""
    at = world.now - timedelta(seconds=seconds_ago)
    return {
        "event_id": f"{session[:50]}-{number:05d}",
        "type": kind,
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "session_id": session,
        "user_id": f"u{number}",
        "properties": {"sequence": number, **properties},
    }


def life(world: World, session: str = "lesson-1") -> list[dict[str, Any]]:
    """Return the six events of a whole session, a minute apart."""
    return [
        lesson(world, place + 1, kind=kind, session=session, seconds_ago=60.0 * (len(LIFE) - place))
        for place, kind in enumerate(LIFE)
    ]


def ask(
    world: World, session: str = "lesson-1", query: str = "", *, token: str | None = None, of: str | None = None
) -> Response:
    """Ask for a timeline, by a read token unless another credential is given."""
    return world.http(
        "GET",
        f"/v1/workspaces/{of or world.workspace}/sessions/{quote(session, safe='')}/timeline",
        query=query,
        headers={"authorization": f"Bearer {token or world.token()}"},
    )


def timeline(
    world: World, session: str = "lesson-1", limit: int = 100
) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
    """Read a timeline to its end; return its events and the last answer."""
    events: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(500):
        answer = ask(world, session, f"limit={limit}{cursor}")
        assert answer.status == 200, answer.body
        page = answer.json()
        events += page["events"]
        if "next_cursor" not in page:
            return events, page
        cursor = f"&cursor={page['next_cursor']}"
    raise AssertionError("the pages never end")


def check_complete(
    world: World, sent: Sequence[Mapping[str, Any]], session: str = "lesson-1", limit: int = 1000
) -> None:
    """The timeline is what was sent, in the order of time and sequence, each event once, without a gap."""
    events, last = timeline(world, session, limit)
    ordered = sorted(sent, key=lambda event: (event["timestamp"], event["properties"]["sequence"]))
    assert [event["event_id"] for event in events] == [event["event_id"] for event in ordered]
    assert [event["seq"] for event in events] == list(range(1, len(ordered) + 1))
    assert (last["gaps"], last["more_gaps"]) == ([], False)


def test_the_life_of_a_session_is_told_in_order_with_its_declared_fields(school: World) -> None:
    events = life(school)
    events[3]["properties"] |= {"role": "student", "group_id": "g1", "name": "Ann", "email": "ann@school.invalid"}
    events[3] |= {"anonymous_id": "device", "context": {"ip": "192.0.2.1"}}
    Producer(school).send(events[::-1])
    school.deliver()
    answer = ask(school)
    body = answer.json()
    assert [event["type"] for event in body["events"]] == list(LIFE)
    assert body["events"][3] == {
        "seq": 4,
        "event_id": "lesson-1-00004",
        "type": "member_join",
        "timestamp": events[3]["timestamp"],
        "sequence": 4,
        "user_id": "u4",
        "properties": {"role": "student", "group_id": "g1"},
    }
    assert "user_id" not in body["events"][0]
    assert (body["workspace_id"], body["session_id"]) == (school.workspace, "lesson-1")
    assert answer.headers["cache-control"] == "private, no-store"


def test_events_over_http_and_over_a_socket_stand_in_one_timeline(school: World) -> None:
    events = life(school)
    Producer(school).send(events[:3])
    client = Client(school, school.write_key)
    client.connect()
    Producer(school).track(client, events[2:])
    school.deliver()
    check_complete(school, events)


def test_retries_reconnects_and_redeliveries_change_nothing(school: World) -> None:
    """Requests that overlap or come again; the stream's batches again, in another order, to new workers."""
    events = life(school)
    producer = Producer(school)
    for part in (events[:4], events[2:], events[:4], events[1:2], events):
        producer.send(part)
    records = school.fold()
    for batch_size in (1, 3):
        school.restart("stream_fold")
        school.deliver_to("stream_fold", [*reversed(records), *records], batch_size)
    for limit in (1, 4, 1000):
        check_complete(school, events, limit=limit)


def test_a_flood_of_thousands_of_events_is_told_whole(school: World) -> None:
    """3,000 events of one session in hundreds of chunks over three hours, shuffled, a third of them sent twice."""
    rng = random.Random(4)
    events = [lesson(school, n, seconds_ago=7200 - 2.4 * n, role="student") for n in range(1, 3001)]
    shuffled = rng.sample(events, len(events)) + rng.sample(events, 1000)
    producer = Producer(school)
    while shuffled:
        size = rng.choice((1, 2, 10, 50, 500))
        others = [lesson(school, n, session="another") for n in range(rng.randrange(3))]
        producer.send(shuffled[:size] + others)
        del shuffled[:size]
    school.deliver()
    check_complete(school, events)


def test_a_missing_number_is_a_gap_until_it_comes(school: World) -> None:
    events = [lesson(school, n, seconds_ago=100 - n) for n in range(1, 31)]
    producer = Producer(school)
    producer.send([event for n, event in enumerate(events, 1) if n not in (1, 7, 8, 20)])
    school.deliver()
    for limit in (3, 1000):
        found, last = timeline(school, limit=limit)
        assert len(found) == 26
        assert last["gaps"] == [[1, 1], [7, 8], [20, 20]]
    school.now += timedelta(minutes=3)
    producer.send([events[n - 1] for n in (20, 7, 1, 8)])
    school.deliver()
    check_complete(school, events)


def test_a_timeline_reaches_over_hours_that_are_closed(school: World) -> None:
    producer = Producer(school)
    events = []
    for number in range(1, 13):
        events.append(lesson(school, number))
        producer.send(events[-1:])
        school.deliver()
        school.now += timedelta(minutes=35)
    late = lesson(school, 13, seconds_ago=5 * 3600)
    producer.send([late])
    school.deliver()
    for limit in (2, 1000):
        check_complete(school, [*events, late], limit=limit)


def test_an_event_whose_retries_carry_another_time_stands_once_where_it_came_first(school: World) -> None:
    first, moved = lesson(school, 1, seconds_ago=600), lesson(school, 1, seconds_ago=60)
    between = lesson(school, 2, seconds_ago=300)
    Producer(school).send([first])
    school.now += timedelta(seconds=1)
    Producer(school).send([moved, between])
    school.deliver()
    events, _ = timeline(school, limit=1)
    assert [event["timestamp"] for event in events] == [first["timestamp"], between["timestamp"]]


def test_a_workspace_that_is_sharded_has_whole_timelines(stack: Stack) -> None:
    with World(stack, dashboards=("classroom",)) as school:
        school.settings(shards=[[0, 4]])
        events = [lesson(school, n, seconds_ago=100 - n) for n in range(1, 41)]
        Producer(school).send(events)
        school.deliver()
        assert len({item["sk"].split("#")[1] for item in index_of(school)}) == 4
        check_complete(school, events, limit=7)


def index_of(world: World, session: str = "lesson-1") -> list[dict[str, Any]]:
    return world.stack.items("WorkTable", f"S#{world.workspace}#{session_key(session)}")


def test_the_index_lasts_as_long_as_the_chunks_and_holds_no_id_of_a_person(school: World) -> None:
    Producer(school).send(life(school))
    school.deliver()
    (item,) = index_of(school)
    (partition,) = school.chunk_partitions
    (chunk,) = school.stack.items("EventsTable", partition)
    assert (item["expires_at"], item["received_at"]) == (chunk["expires_at"], chunk["received_at"])
    assert item["sk"] == f"{partition.partition('#')[2]}#{chunk['sk']}"
    assert len(item["places"]) == 24 * len(LIFE)
    assert not [text for text in ("lesson-1", "u1") if text.encode() in repr(item).encode()]


def test_types_that_are_not_declared_are_neither_indexed_nor_shown(school: World) -> None:
    Producer(school).send([lesson(school, 1, kind="prompt_used"), lesson(school, 2, session="lesson-2")])
    school.deliver()
    assert index_of(school) == []
    assert timeline(school)[0] == []


def test_a_session_that_nobody_knows_has_an_empty_timeline(school: World) -> None:
    answer = ask(school, "never")
    assert answer.json() == {
        "workspace_id": school.workspace,
        "session_id": "never",
        "events": [],
        "gaps": [],
        "more_gaps": False,
    }


@pytest.mark.parametrize("session", ["a/b c", "a/timeline", "ä#?&%41", "x" * 256, "S#demo#x", "50%"])
def test_any_id_of_a_session_can_be_asked_for(school: World, session: str) -> None:
    Producer(school).send([lesson(school, 1, session=session), lesson(school, 2, session="another")])
    school.deliver()
    in_path = ask(school, session)
    assert in_path.status == 200, in_path.body
    assert in_path.json()["session_id"] == session
    assert len(in_path.json()["events"]) == 1
    in_query = school.http(
        "GET",
        f"/v1/workspaces/{school.workspace}/timeline",
        query=f"session={quote(session, safe='')}",
        headers={"authorization": f"Bearer {school.token()}"},
    )
    assert in_query.json() == in_path.json()


@pytest.mark.parametrize(
    ("session", "query", "code", "field"),
    [
        ("lesson-1", "limit=0", "invalid_request", "limit"),
        ("lesson-1", "limit=1001", "invalid_request", "limit"),
        ("lesson-1", "limit=many", "invalid_request", "limit"),
        ("lesson-1", "cursor=", "invalid_cursor", "cursor"),
        ("lesson-1", "cursor=nonsense", "invalid_cursor", "cursor"),
        ("lesson-1", "cursor=" + "A" * 5000, "invalid_cursor", "cursor"),
        ("", "", "invalid_id", "session_id"),
        ("x" * 257, "", "invalid_id", "session_id"),
    ],
)
def test_what_is_out_of_bounds_is_named(school: World, session: str, query: str, code: str, field: str) -> None:
    answer = ask(school, session, query)
    body = answer.json()
    assert (answer.status, body["code"], body["field"]) == (400, code, field)
    check_error(body)


def test_a_workspace_without_timelines_says_so(world: World) -> None:
    answer = ask(world)
    assert (answer.status, answer.json()["code"]) == (404, "no_timelines")
    check_error(answer.json())


def test_a_timeline_is_for_the_tokens_of_its_workspace_alone(stack: Stack, school: World) -> None:
    Producer(school).send(life(school))
    school.deliver()
    with World(stack, dashboards=("classroom",)) as stranger:
        for token in (stranger.token(), stranger.token("admin"), school.write_key):
            answer = ask(stranger, token=token, of=school.workspace)
            assert (answer.status, answer.json()["code"]) == (403, "forbidden")
        Producer(stranger).send(life(stranger)[:2])
        stranger.deliver()
        check_complete(stranger, life(stranger)[:2])
        cursor = ask(stranger, query="limit=1").json()["next_cursor"]
    for credential in ("", "nonsense"):
        headers = {"authorization": f"Bearer {credential}"} if credential else {}
        path = f"/v1/workspaces/{school.workspace}/sessions/lesson-1/timeline"
        assert school.http("GET", path, headers=headers).status == 401
    # A cursor opens nothing: it is a place in the reader's own timeline.
    assert len(ask(school, query=f"cursor={cursor}").json()["events"]) == 5
    check_complete(school, life(school))


def audits(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("audit")]


def test_every_reading_is_audited_and_nothing_of_the_session_is(
    school: World, capsys: pytest.CaptureFixture[str]
) -> None:
    Producer(school).send(life(school))
    school.deliver()
    audits(capsys)
    assert ask(school, token=school.token("admin", user="principal@school.invalid")).status == 200
    assert ask(school, query="limit=2").status == 200
    assert ask(school, query="cursor=x").status == 400
    by_user, by_role = audits(capsys)
    assert by_user.pop("timestamp") <= by_role["timestamp"]
    assert by_user.pop("request_id")
    assert by_user == {
        "level": "FATAL",
        "service": "tidemark",
        "message": "timeline read",
        "audit": True,
        "workspace": school.workspace,
        "role": "admin",
        "user": "principal@school.invalid",
        "session": session_key("lesson-1"),
        "events": 6,
    }
    assert (by_role["role"], by_role["events"], "user" in by_role) == ("read", 2, False)
