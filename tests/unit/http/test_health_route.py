"""`GET /health`: for anyone, in short; for operators, in full; down is 503, and nothing of the inside is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes import MemoryDirectory, MemoryEventLog, MemoryTokenKeys
from tests.gateway import Answer, Gateway
from tidemark.domain.credentials import TokenRole, issue_token
from tidemark.domain.errors import Throttled, Unavailable
from tidemark.domain.health import COMPONENTS, STEPS, Report, Run, Step
from tidemark.http.app import create_app
from tidemark.services.ports import Workspace

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
KEY = "tmk_" + "a" * 32
SECRET = "1" * 64
CHECKED_AT = "2026-11-22T10:28:00Z"


class Health:
    """The last report, and dependencies of which some fail."""

    def __init__(self) -> None:
        self.report: Report | None = None
        self.failure: Exception | None = None
        self.failures: dict[str, Exception] = {}
        self.asked: list[str] = []

    def last(self) -> Report | None:
        if self.failure:
            raise self.failure
        return self.report

    def names(self) -> tuple[str, ...]:
        return ("events", "secret")

    def ask(self, name: str) -> None:
        self.asked.append(name)
        if name in self.failures:
            raise self.failures[name]


class Services:
    """What the route needs, in memory."""

    def __init__(self) -> None:
        self.directory = MemoryDirectory(Workspace("demo"), keys={KEY: "demo"})
        self.event_log = MemoryEventLog()
        self.token_keys = MemoryTokenKeys({"k1": SECRET})
        self.health_reports = self.health_probes = Health()


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def health(services: Services) -> Health:
    return services.health_reports


@pytest.fixture
def api(services: Services) -> Iterator[Gateway]:
    gateway = Gateway(create_app(services, clock=lambda: NOW))
    yield gateway
    gateway.close()


def bearer(role: TokenRole, lifetime: timedelta = timedelta(hours=1)) -> str:
    issued_at = NOW - timedelta(minutes=30)
    return f"Bearer {issue_token('demo', role, kid='k1', secret=SECRET, issued_at=issued_at, lifetime=lifetime)}"


def report(*changed: Step, age: timedelta = timedelta(minutes=2)) -> Report:
    by_name = {step.name: step for step in changed}
    steps = tuple(by_name.get(name, Step(name, 10)) for name in STEPS)
    run = Run(int((NOW - age).timestamp()), 300, 1500, steps)
    return Report(run).followed_by(run)


def components(**changed: str) -> dict[str, dict[str, str]]:
    return {name: {"state": changed.get(name, "ok"), "checked_at": CHECKED_AT} for name in COMPONENTS}


def is_down(answer: Answer) -> bool:
    body = answer.json()
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["message"]
    assert int(answer.headers["retry-after"]) > 0
    return (answer.status, body["code"], body["status"]) == (503, "unavailable", "down")


def test_a_run_that_held_is_ok_and_that_is_all_that_is_told(api: Gateway, health: Health) -> None:
    health.report = report()
    answer = api.get("/health")
    assert answer.status == 200
    assert answer.json() == {"status": "ok", "components": components()}
    assert answer.headers["cache-control"] == "no-store"
    assert health.asked == []


def test_a_degraded_service_serves(api: Gateway, health: Health) -> None:
    health.report = report(Step("notify", 15_000, "timeout"))
    answer = api.get("/health")
    assert answer.status == 200
    assert answer.json() == {"status": "degraded", "components": components(delivery="down")}


def test_a_service_that_is_down_says_when_to_ask_again(api: Gateway, health: Health) -> None:
    health.report = report(Step("delta", 15_000, "gap"))
    answer = api.get("/health")
    assert is_down(answer)
    assert answer.json()["components"] == components(live="down")
    assert "gap" not in answer.content.decode()


def test_without_a_run_or_with_an_old_one_the_health_is_unknown(api: Gateway, health: Health) -> None:
    unknown = {name: {"state": "unknown"} for name in COMPONENTS}
    assert api.get("/health").json() == {"status": "unknown", "components": unknown}
    health.report = report(age=timedelta(minutes=16))
    body = api.get("/health").json()
    assert {component["state"] for component in body["components"].values()} == {"unknown"}
    assert body["components"]["live"]["checked_at"] == "2026-11-22T10:14:00Z"


@pytest.mark.parametrize("failure", [Unavailable("DynamoDB"), Throttled("DynamoDB")])
def test_a_store_that_does_not_answer_is_down(api: Gateway, health: Health, failure: Exception) -> None:
    health.failure = failure
    answer = api.get("/health")
    assert is_down(answer)
    assert answer.json()["components"]["store"] == {"state": "down"}
    assert "DynamoDB" not in answer.content.decode()


def test_an_operator_sees_every_step_the_ratios_and_the_dependencies_right_now(api: Gateway, health: Health) -> None:
    health.report = report(Step("listen", 40, "internal"), Step("message", skipped=True))
    body = api.get("/health?deep=true", authorization=bearer("admin")).json()
    assert body["status"] == "degraded"
    assert body["components"]["store"] == {"state": "ok", "checked_at": "2026-11-22T10:30:00Z"}
    assert body["components"]["live"] == {"state": "ok", "checked_at": CHECKED_AT}
    assert list(body["steps"]) == list(STEPS)
    assert body["steps"]["connect"] == {"component": "websocket", "milliseconds": 10, "ok": True}
    assert body["steps"]["listen"] == {"component": "delivery", "milliseconds": 40, "ok": False, "code": "internal"}
    assert body["steps"]["message"] == {"component": "delivery", "skipped": True}
    assert body["ratios"]["runs"] == 1
    assert (body["ratios"]["delivery"], body["ratios"]["availability.delivery"]) == (0, 0)
    assert body["run"] == {
        "started_at": CHECKED_AT,
        "milliseconds": 1500,
        "startup_milliseconds": 20,
        "period_seconds": 300,
    }
    assert {name: check["ok"] for name, check in body["checks"].items()} == {"events": True, "secret": True}
    assert sorted(health.asked) == ["events", "secret"]


def test_a_dependency_that_is_gone_now_is_told_whatever_the_last_run_found(api: Gateway, health: Health) -> None:
    health.report = report()
    health.failures = {"secret": RuntimeError("arn:aws:secretsmanager:secret")}
    answer = api.get("/health?deep=true", authorization=bearer("admin"))
    assert is_down(answer)
    body = answer.json()
    assert body["components"]["credentials"] == {"state": "down", "checked_at": "2026-11-22T10:30:00Z"}
    assert body["checks"]["secret"]["code"] == "internal"
    assert "arn:" not in answer.content.decode()
    assert api.get("/health").status == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthorized"),
        ({"authorization": "Bearer nonsense"}, 401, "unauthorized"),
        ({"authorization": bearer("admin", timedelta(minutes=30))}, 401, "token_expired"),
        ({"authorization": bearer("read")}, 403, "forbidden"),
        ({"authorization": f"Bearer {KEY}"}, 403, "forbidden"),
    ],
)
def test_only_operators_see_it_in_full(
    api: Gateway, health: Health, headers: dict[str, str], status: int, code: str
) -> None:
    health.report = report()
    answer = api.get("/health?deep=true", **headers)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert "steps" not in answer.json()
    assert health.asked == []
    assert api.get("/health", **headers).status == 200


def test_a_deep_that_is_no_yes_or_no_is_named(api: Gateway) -> None:
    answer = api.get("/health?deep=7", authorization=bearer("admin"))
    assert (answer.status, answer.json()["code"], answer.json()["field"]) == (400, "invalid_request", "deep")
