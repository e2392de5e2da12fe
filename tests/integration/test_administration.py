"""`/v1/admin` over DynamoDB (moto): who sees what of batches and jobs, and what becomes of them by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.administered import ACME, OTHER, SIZE, Administered, pages
from tests.support.checks import CODES
from tests.template import ROOT
from tidemark.analysis import analysis
from tidemark.aws import clients
from tidemark.aws.audit import DynamoAudit
from tidemark.aws.runs import DynamoRuns
from tidemark.domain.closing import GRACE_SECONDS, closes_at, slot_at
from tidemark.domain.errors import Throttled
from tidemark.domain.jobs import POSTPONE
from tidemark.domain.pipeline_health import RULES
from tidemark.domain.workspace import OPERATIONS
from tidemark.services.closing_ports import Closing
from tidemark.services.job_ports import Written
from tidemark.services.sealing import Swept
from tidemark.settings import settings

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
NO_BATCH = "2026-11-22T09:00Z.00.000007"


@pytest.fixture
def admin(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Administered]:
    made = Administered(tables, monkeypatch, NOW)
    yield made
    made.api.close()


def states(found: Any) -> list[tuple[str, str]]:
    return [(each["state"], each.get("job", {}).get("state", "")) for each in found]


def test_a_batch_is_told_with_its_job_from_its_opening_to_its_insight(admin: Administered) -> None:
    (batch,) = admin.filled(1)
    found = admin.get(f"batches/{batch}")
    opened = {"workspace_id": ACME, "batch_id": batch, "opened_at": "2026-11-22T10:30:00.000Z"}
    assert found == {**opened, "state": "OPEN", "events": 1}
    admin.now += timedelta(minutes=1)
    assert admin.filled(SIZE - 1, minute=1) == []
    found = admin.get(f"batches/{batch}")
    sealed = {**opened, "events": SIZE, "sealed_at": "2026-11-22T10:31:00.000Z", "sealed_by": "size"}
    job = {"state": "PENDING", "attempts": 0, "redrives": 0, "due_at": "2026-11-22T10:31:30.000Z"}
    assert found == {**sealed, "state": "SEALED", "job": job}
    admin.analysed(batch)
    found = admin.get(f"batches/{batch}")
    assert (found["state"], found["job"]["state"], found["job"]["attempts"]) == ("ANALYZED", "SUCCESS", 1)
    assert found["insight"]["summary"] == "Nothing unusual."
    assert found["insight"]["patterns"][0]["figures"] == [{"name": "events", "value": 3, "usual": 9, "unit": "count"}]
    listed = admin.get("insights")["insights"]
    assert [each["insight_id"] for each in listed] == [batch]
    assert "insight" not in admin.get("batches")["batches"][0]


def test_lists_are_whole_in_pages_of_any_size_and_by_every_state(admin: Administered) -> None:
    dead, done, running, waiting, begun = admin.filled(4 * SIZE + 1)
    admin.filled(SIZE + 1, OTHER)
    admin.dead(dead)
    admin.analysed(done)
    admin.claimed(running)
    newest_first = [begun, waiting, running, done, dead]
    for limit in (1, 2, 5):
        found = [each["batch_id"] for page in pages(admin, "batches", "batches", limit) for each in page]
        assert found == newest_first
    for limit in (1, 100):
        for state, expected in {"OPEN": [begun], "SEALED": [waiting, running, dead], "ANALYZED": [done]}.items():
            found = [
                each["batch_id"] for page in pages(admin, "batches", "batches", limit, state=state) for each in page
            ]
            assert found == expected
        of_jobs = {"PENDING": [waiting], "RUNNING": [running], "SUCCESS": [done], "FAILED": [dead]}
        for state, expected in of_jobs.items():
            found = [each["batch_id"] for page in pages(admin, "jobs", "jobs", limit, state=state) for each in page]
            assert found == expected
    assert [each["batch_id"] for each in admin.get("jobs")["jobs"]] == newest_first[1:]


def test_the_operator_sees_what_is_unfinished_or_dead_of_all(admin: Administered) -> None:
    dead, done, _, _ = admin.filled(3 * SIZE + 1)
    admin.filled(SIZE, OTHER)
    admin.dead(dead)
    admin.analysed(done)
    for limit in (1, 100):
        found = [each for page in pages(admin, "batches", "batches", limit, by=OPERATIONS) for each in page]
        assert sorted((each["workspace_id"], *pair) for each, pair in zip(found, states(found), strict=True)) == [
            (ACME, "OPEN", ""),
            (ACME, "SEALED", "FAILED"),
            (ACME, "SEALED", "PENDING"),
            (OTHER, "SEALED", "PENDING"),
        ]
    pending = admin.get("jobs", by=OPERATIONS, state="PENDING")["jobs"]
    assert sorted(each["workspace_id"] for each in pending) == [ACME, OTHER]
    assert [each["batch_id"] for each in admin.get("jobs", by=OPERATIONS, state="FAILED")["jobs"]] == [dead]
    assert [
        each["batch_id"] for each in admin.get("batches", by=OPERATIONS, workspace=ACME, state="ANALYZED")["batches"]
    ] == [done]


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("batches", {"state": "ANALYZED"}),
        ("jobs", {"state": "SUCCESS"}),
        (f"batches/{NO_BATCH}", {}),
        ("insights", {}),
        ("keys", {}),
        ("audit", {}),
    ],
)
def test_an_operator_has_to_name_a_workspace_for_what_is_kept_by_workspace(
    admin: Administered, path: str, given: dict[str, str]
) -> None:
    answer = admin.ask("GET", path, by=OPERATIONS, **given)
    assert (answer.status, answer.json()["code"]) == (400, "workspace_required")


READS = ("metrics", "batches", "jobs", "dead-letters", "breaker", "insights", "workspaces", "keys", "audit")
ACTIONS = (
    f"batches/{NO_BATCH}/seal",
    f"batches/{NO_BATCH}/analyse",
    f"batches/{NO_BATCH}/restore",
    f"jobs/{NO_BATCH}/cancel",
    "dead-letters/redrive",
    "breaker/trip",
    "breaker/reset",
)


def test_only_admin_tokens_are_good_and_only_for_their_own_workspace(admin: Administered) -> None:
    for method, path in [*(("GET", path) for path in READS), *(("POST", path) for path in ACTIONS)]:
        for given in ({"role": "read"}, {"by": OPERATIONS, "role": "read"}, {"workspace": OTHER}, {"by": "gone"}):
            answer = admin.ask(method, path, **given)
            assert (answer.status, answer.json()["code"]) == (403, "forbidden"), (path, given)
        answer = admin.api.request(method, f"/v1/admin/{path}")
        assert (answer.status, answer.json()["code"]) == (401, "unauthorized")
        if "breaker" not in path:
            answer = admin.ask(method, path, by=OPERATIONS, workspace="gone")
            assert (answer.status, answer.json()["code"]) == (404, "unknown_workspace")
    for action in ("trip", "reset"):
        assert admin.ask("POST", f"breaker/{action}").json()["code"] == "forbidden"
    assert admin.get("audit")["entries"][0]["times"] == 1  # what was refused is not there


@pytest.mark.parametrize(
    ("method", "path", "body", "given", "code"),
    [
        ("GET", "batches", None, {"state": "PENDING"}, "invalid_query"),
        ("GET", "jobs", None, {"state": ""}, "invalid_query"),
        ("GET", "metrics", None, {"limit": "5"}, "invalid_query"),
        ("GET", "batches", None, {"limit": "0"}, "invalid_query"),
        ("GET", "jobs", None, {"limit": "101"}, "invalid_query"),
        ("GET", "dead-letters", None, {"state": "FAILED"}, "invalid_query"),
        ("GET", "batches", None, {"cursor": "x" * 2000}, "invalid_query"),
        ("GET", "batches", None, {"cursor": "bm9uZQ"}, "invalid_cursor"),
        ("GET", "insights", None, {"cursor": "bm9uZQ"}, "invalid_cursor"),
        ("GET", "batches/none", None, {}, "invalid_batch"),
        ("GET", f"batches/{NO_BATCH}", None, {}, "unknown_batch"),
        ("GET", f"batches/{NO_BATCH}/events", None, {}, "unknown_batch"),
        ("POST", "batches/none/seal", None, {}, "invalid_batch"),
        ("POST", f"batches/{NO_BATCH}/seal", None, {}, "unknown_batch"),
        ("POST", f"batches/{NO_BATCH}/analyse", None, {}, "unknown_batch"),
        ("POST", f"batches/{NO_BATCH}/restore", None, {}, "unknown_batch"),
        ("POST", f"jobs/{NO_BATCH}/cancel", None, {}, "unknown_batch"),
        ("POST", "dead-letters/redrive", {}, {}, "invalid_request"),
        ("POST", "dead-letters/redrive", b"none", {}, "invalid_json"),
        ("POST", "dead-letters/redrive", {"jobs": []}, {}, "invalid_request"),
        ("POST", "dead-letters/redrive", {"jobs": [NO_BATCH] * 101}, {}, "invalid_request"),
        ("POST", "dead-letters/redrive", {"jobs": ["none"]}, {}, "invalid_batch"),
        ("POST", "dead-letters/redrive", {"jobs": [NO_BATCH], "all": True}, {}, "invalid_request"),
        ("POST", "dead-letters/redrive", {"all": "yes"}, {}, "invalid_request"),
        ("POST", "dead-letters/redrive", {"all": True, "failed_before": "2026-11-22"}, {}, "invalid_request"),
        ("POST", "dead-letters/redrive", {"jobs": [NO_BATCH]}, {"by": OPERATIONS}, "workspace_required"),
        ("POST", "breaker/trip", {"provider": "gpt"}, {"by": OPERATIONS}, "unknown_provider"),
        ("POST", "breaker/reset", {"provider": 5}, {"by": OPERATIONS}, "invalid_request"),
        ("POST", "breaker/trip", {"seconds": 5}, {"by": OPERATIONS}, "invalid_request"),
    ],
)
def test_what_cannot_be_is_refused_with_its_code(
    admin: Administered, method: str, path: str, body: Any, given: dict[str, str], code: str
) -> None:
    answer = admin.ask(method, path, body, **given)
    assert answer.json()["code"] == code
    assert code in CODES
    assert answer.status in (400, 404)


def test_every_route_stands_in_the_protocol(admin: Administered) -> None:
    protocol = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    described = admin.app.openapi()["paths"]
    routes = {
        f"{method.upper()} {path.replace('{batch}', '{id}')}"
        for path, operations in described.items()
        for method in operations
        if path.startswith("/v1/admin/")
    }
    assert len(routes) == 19
    assert {route for route in routes if f"`{route}" not in protocol} == set()
    named = {path.replace("{id}", NO_BATCH) for path in (route.partition("/v1/admin/")[2] for route in routes)}
    assert named - {"health"} <= {*READS, *ACTIONS, f"batches/{NO_BATCH}", f"batches/{NO_BATCH}/events"}


def test_a_cursor_fits_its_own_list_alone(admin: Administered) -> None:
    admin.filled(3 * SIZE)
    cursor = admin.get("batches", limit=1)["next_cursor"]
    for path, given in [
        ("jobs", {}),
        ("batches", {"state": "SEALED"}),
        ("batches", {"workspace": ACME}),
        ("audit", {}),
    ]:
        answer = admin.ask("GET", path, cursor=cursor, **given)
        assert (answer.status, answer.json()["code"]) == (400, "invalid_cursor")


def test_the_events_of_a_batch_are_those_that_it_holds_by_time(admin: Administered) -> None:
    first, second = admin.filled(2 * SIZE)
    told = [event for page in pages(admin, f"batches/{first}/events", "events", 2) for event in page]
    assert [event["event_id"] for event in told] == sorted(event["event_id"] for event in told)
    others = admin.get(f"batches/{second}/events")["events"]
    assert {event["event_id"] for event in [*told, *others]} == {f"acme-0-{number}" for number in range(2 * SIZE)}
    assert admin.get(f"batches/{first}/events")["missing"] == 0
    item = clients.dynamodb().scan(TableName=admin.tables.events)["Items"][0]
    clients.dynamodb().delete_item(TableName=admin.tables.events, Key={"pk": item["pk"], "sk": item["sk"]})
    page = admin.get(f"batches/{first}/events")
    assert (page["events"], page["missing"]) == ([], SIZE)


def test_a_batch_is_sealed_once_and_its_job_is_queued(admin: Administered) -> None:
    (batch,) = admin.filled(1)
    done = admin.post(f"batches/{batch}/seal")
    assert done["changed"]
    assert (done["batch"]["state"], done["batch"]["sealed_by"], done["batch"]["job"]["state"]) == (
        "SEALED", "hand", "PENDING",
    )  # fmt: skip
    again = admin.post(f"batches/{batch}/seal")
    assert (again["changed"], again["batch"]) == (False, done["batch"])
    assert admin.messages() == 1
    assert admin.system_events() == [("batches_sealed", {"batches": 1, "by": "hand"})]


def test_a_job_is_cancelled_and_begun_anew_but_is_no_dead_letter(admin: Administered) -> None:
    open_batch, batch = admin.filled(SIZE + 1)[::-1]
    admin.messages()
    done = admin.post(f"jobs/{batch}/cancel")
    assert (done["changed"], done["batch"]["job"]["error"]["code"]) == (True, "cancelled")
    assert not admin.post(f"jobs/{batch}/cancel")["changed"]
    assert admin.get("dead-letters")["dead_letters"] == []
    assert [each["batch_id"] for each in admin.get("jobs", state="FAILED")["jobs"]] == [batch]
    assert admin.post("dead-letters/redrive", {"all": True})["redriven"] == []
    again = admin.post(f"batches/{batch}/analyse")
    assert (again["changed"], again["batch"]["job"]["state"], again["batch"]["job"]["attempts"]) == (True, "PENDING", 0)
    assert not admin.post(f"batches/{batch}/analyse")["changed"]
    assert admin.messages() == 1
    admin.analysed(batch)
    refused = admin.ask("POST", f"jobs/{batch}/cancel")
    assert (refused.status, refused.json()["code"]) == (409, "wrong_state")
    repeated = admin.post(f"batches/{batch}/analyse")["batch"]
    assert (repeated["state"], repeated["job"]["state"]) == ("ANALYZED", "PENDING")
    assert "insight" not in repeated  # until there is the next one
    for path in (f"batches/{open_batch}/analyse", f"jobs/{open_batch}/cancel"):
        refused = admin.ask("POST", path)
        assert (refused.status, refused.json()["code"]) == (409, "wrong_state")
    kinds = [kind for kind, _ in admin.system_events()]
    assert kinds == ["jobs_cancelled", "jobs_repeated"]  # all requests of the test have one id, and so one event a kind


def test_a_dead_letter_says_why_and_is_redriven_once(admin: Administered) -> None:
    dead, alive = admin.filled(2 * SIZE)
    admin.dead(dead)
    admin.messages()
    (letter,) = admin.get("dead-letters")["dead_letters"]
    assert letter["job"]["error"] == {"code": "provider_unavailable", "message": "it did not answer"}
    assert letter["job"]["trace"] == {"request_id": "r-1", "cause": "ProviderUnavailable"}
    assert letter["job"]["input"] == {"provider": "statistical"}
    done = admin.post("dead-letters/redrive", {"jobs": [dead, alive, NO_BATCH, dead]})
    assert [each["batch_id"] for each in done["redriven"]] == [dead]
    assert [(each["batch_id"], each["code"]) for each in done["skipped"]] == [
        (alive, "wrong_state"),
        (NO_BATCH, "unknown_batch"),
    ]
    assert (done["more"], admin.messages()) == (False, 1)
    job = admin.get(f"batches/{dead}")["job"]
    assert (job["state"], job["attempts"], job["redrives"]) == ("PENDING", 0, 1)
    again = admin.post("dead-letters/redrive", {"jobs": [dead]})
    assert (again["redriven"], again["skipped"][0]["code"], admin.messages()) == ([], "wrong_state", 0)
    assert admin.system_events() == [("jobs_redriven", {"jobs": 1})]


def test_all_dead_letters_are_redriven_but_for_what_fails_meanwhile(admin: Administered) -> None:
    first, second = admin.filled(2 * SIZE)
    (elsewhere,) = admin.filled(SIZE, OTHER)
    admin.dead(first)
    admin.dead(elsewhere, OTHER)
    before = admin.now
    done = admin.post("dead-letters/redrive", {"all": True})
    assert ([each["batch_id"] for each in done["redriven"]], done["more"]) == ([first], False)
    admin.now += timedelta(seconds=5)
    admin.dead(first)
    admin.dead(second)
    assert done["failed_before"] == before.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    none = admin.post("dead-letters/redrive", {"all": True, "failed_before": done["failed_before"]})
    assert (none["redriven"], none["skipped"]) == ([], [])
    all_of_them = admin.post("dead-letters/redrive", {"all": True}, by=OPERATIONS)
    assert {each["batch_id"] for each in all_of_them["redriven"]} == {first, second, elsewhere}
    assert admin.get("dead-letters", by=OPERATIONS)["dead_letters"] == []


def test_the_operator_opens_and_closes_a_breaker(admin: Administered) -> None:
    closed = {"state": "CLOSED", "failures": 0}
    everything = [{"provider": name, **closed} for name in ("statistical", "bedrock")]
    assert admin.get("breaker") == admin.get("breaker", by=OPERATIONS) == {"breakers": everything}
    opened = admin.post("breaker/trip", by=OPERATIONS)
    times = {"since": "2026-11-22T10:30:00.000Z", "until": "2026-11-22T10:40:00.000Z"}
    assert opened == {"changed": True, "breaker": {"provider": "statistical", "state": "OPEN", "failures": 0, **times}}
    assert analysis().breaker.admit("t", admin.seconds).let_through is False
    assert not admin.post("breaker/trip", {"provider": "statistical"}, by=OPERATIONS)["changed"]
    assert admin.post("breaker/reset", by=OPERATIONS)["breaker"] == everything[0]
    assert not admin.post("breaker/reset", {"provider": "bedrock"}, by=OPERATIONS)["changed"]
    changes = [(properties["before"], properties["after"]) for _, properties in admin.system_events()]
    assert changes == [("CLOSED", "OPEN"), ("OPEN", "CLOSED")]


def test_jobs_that_wait_for_a_breaker_begin_within_a_minute_of_its_closing_by_hand(
    admin: Administered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYSIS_DEAD_LETTERS_URL", "https://no-letter-is-written")
    settings.cache_clear()
    waiting, other, _ = admin.filled(2 * SIZE + 1)
    admin.post("breaker/trip", by=OPERATIONS)
    asked = analysis().breaker.admit("lease", admin.seconds)
    due = Written(sets={"due_at": asked.ask_again_at(admin.seconds)})
    assert analysis().job_store.change((ACME, waiting), POSTPONE, admin.seconds, due).done
    admin.analysed(other)
    admin.now += timedelta(minutes=1)
    assert analysis().sealing.run(admin.now) == Swept()
    admin.post("breaker/reset", by=OPERATIONS)
    assert [analysis().sealing.run(admin.now).resent for _ in range(2)] == [1, 0]


def test_metrics_count_and_judge(admin: Administered) -> None:
    dead, waiting, running, _ = admin.filled(3 * SIZE + 1)
    admin.filled(SIZE, OTHER)
    admin.dead(dead)
    admin.claimed(running)
    admin.post("breaker/trip", by=OPERATIONS)
    admin.now += timedelta(minutes=61)
    found = admin.get("metrics")
    assert found["workspace_id"] == ACME
    assert found["batches"] == {"open": 1, "sealed": 3}
    assert found["jobs"] == {"pending": 1, "running": 1, "oldest_pending_seconds": 3660}
    assert (found["dead_letters"], found["is_all"]) == (1, True)
    alarms = {alarm["name"]: (alarm["state"], alarm["value"]) for alarm in found["alarms"]}
    assert alarms == {
        "dead_letters": ("ok", 1),
        "breaker_open": ("alarm", 3660),
        "jobs_pending": ("ok", 1),
        "oldest_pending": ("alarm", 3660),
        "silent_workspaces": ("ok", 0),
    }
    assert [alarm["threshold"] for alarm in found["alarms"]] == [rule.threshold for rule in RULES.values()]
    of_all = admin.get("metrics", by=OPERATIONS)
    assert "workspace_id" not in of_all
    assert (of_all["jobs"]["pending"], of_all["batches"]["sealed"]) == (2, 4)
    admin.dead(waiting)
    admin.post("dead-letters/redrive", {"jobs": [waiting]})
    assert admin.get("metrics")["jobs"]["oldest_pending_seconds"] == 0  # it waits since it was redriven


def test_a_workspace_that_has_fallen_silent_is_an_alarm(admin: Administered) -> None:
    runs = DynamoRuns(admin.tables.work)
    for hour in ("2026-11-15T09:00Z", "2026-11-15T10:00Z", "2026-11-15T11:00Z"):
        slot = slot_at(closes_at(hour) - GRACE_SECONDS)
        runs.closed(Closing(ACME, hour, slot, "final", events=500), NOW - timedelta(days=7))
    admin.filled(1)
    for minutes, silent in ((5, 0), (1, 1)):
        admin.now += timedelta(minutes=minutes)
        for by in (ACME, OPERATIONS):
            (alarm,) = (each for each in admin.get("metrics", by=by)["alarms"] if each["name"] == "silent_workspaces")
            assert (alarm["value"], alarm["state"]) == (silent, "alarm" if silent else "ok")


def test_workspaces_and_keys_are_listed_but_nothing_secret(admin: Administered) -> None:
    key_id, key = admin.directory.create_key(ACME, "site", NOW)
    admin.directory.revoke_key(ACME, admin.directory.create_key(ACME, "old", NOW)[0], NOW)
    own = admin.get("workspaces")["workspaces"]
    assert [(each["workspace_id"], each["timezone"], each["retention_days"]) for each in own] == [(ACME, "UTC", 30)]
    for limit in (1, 100):
        found = [each for page in pages(admin, "workspaces", "workspaces", limit, by=OPERATIONS) for each in page]
        assert sorted(each["workspace_id"] for each in found) == [ACME, OPERATIONS, OTHER]
    answer = admin.ask("GET", "keys")
    keys = {each["label"]: each for each in answer.json()["keys"]}
    assert keys["site"] == {"key_id": key_id, "label": "site", "created_at": "2026-11-22T10:30:00Z"}
    assert keys["old"]["revoked_at"] == "2026-11-22T10:30:00Z"
    assert key.encode() not in answer.content
    assert b"hash" not in answer.content


def test_every_access_is_in_the_trail_of_the_workspace_that_was_looked_at(admin: Administered) -> None:
    (batch,) = admin.filled(1)  # the batches of acme are listed twice by it, as the operator
    for _ in range(3):
        admin.get("jobs", user="ann")
    admin.get("jobs", user="bob")
    admin.now += timedelta(minutes=1)
    admin.get("jobs", user="ann")
    admin.post(f"batches/{batch}/seal", by=OPERATIONS, workspace=ACME, user="cli:eve")
    entries = admin.get("audit")["entries"]
    told = sorted((each["at"][11:16], each["action"], each["by"].get("user", ""), each["times"]) for each in entries)
    assert told == [
        ("10:30", "list batches", "", 2),
        ("10:30", "list jobs", "ann", 3),
        ("10:30", "list jobs", "bob", 1),
        ("10:31", "list jobs", "ann", 1),
        ("10:31", "read audit", "", 1),
        ("10:31", "seal batch", "cli:eve", 1),
    ]
    (sealed,) = (each for each in entries if each["action"] == "seal batch")
    assert (sealed["target"], sealed["workspace_id"]) == (batch, ACME)
    assert sealed["by"] == {"workspace_id": OPERATIONS, "role": "admin", "user": "cli:eve"}
    assert [each["at"] for each in entries] == sorted((each["at"] for each in entries), reverse=True)
    paged = [each for page in pages(admin, "audit", "entries", 2) for each in page]
    assert {each["action"] for each in paged} == {each["action"] for each in entries}
    ends = clients.dynamodb().query(
        TableName=admin.tables.directory,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"AUDIT#{ACME}"}},
    )["Items"]
    assert {int(item["expires_at"]["N"]) > admin.seconds + 365 * 86_400 for item in ends} == {True}


def test_what_cannot_be_recorded_is_not_done(admin: Administered, monkeypatch: pytest.MonkeyPatch) -> None:
    (batch,) = admin.filled(1)

    def refuse(*_: object) -> None:
        raise Throttled("too fast")

    with monkeypatch.context() as patch:
        patch.setattr(DynamoAudit, "record", refuse)
        for method, path in (("POST", f"batches/{batch}/seal"), ("GET", "jobs")):
            answer = admin.ask(method, path)
            assert (answer.status, answer.json()["code"]) == (429, "throttled")
    assert admin.get(f"batches/{batch}")["state"] == "OPEN"
