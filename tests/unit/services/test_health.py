"""The run of the health check: what is tried, what is skipped, how long it may take; and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tidemark.domain.errors import Forbidden, TidemarkError, Unavailable
from tidemark.domain.health import COMPONENTS, DEADLINE_MILLISECONDS, STEPS, Report, Run, Step
from tidemark.services.conversation import Conversation, Deadline, Message, StepFailed
from tidemark.services.health import NEEDS, RUN_SECONDS, HealthCheck, deep_health, health_of

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


class Clock:
    """A monotonic clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class FakeVisit:
    """Steps that note that they ran, take their time and end as the test wishes."""

    def __init__(self, clock: Clock, **ends: Exception | float) -> None:
        self.clock = clock
        self.ends = ends
        self.ran: list[str] = []
        self.closed = 0

    def __getattr__(self, name: str) -> Callable[[Deadline], None]:
        def step(deadline: Deadline) -> None:
            self.ran.append(name)
            end = self.ends.get(name)
            if isinstance(end, float):
                self.clock.now += min(end, deadline.left())
                deadline.left()
            elif end is not None:
                raise end

        return step

    def close(self, deadline: Deadline | None = None) -> None:
        self.closed += 1
        if deadline is not None:
            self.ran.append("close")


class Reports:
    """Keeps one report."""

    def __init__(self, report: Report | None = None) -> None:
        self.report = report
        self.failure: TidemarkError | None = None

    def last(self) -> Report | None:
        if self.failure:
            raise self.failure
        return self.report

    def store(self, report: Report) -> None:
        self.report = report


class Probes:
    """Dependencies of which some fail."""

    def __init__(self, **failures: Exception) -> None:
        self.failures = failures

    def names(self) -> tuple[str, ...]:
        return ("events", "directory", "secret")

    def ask(self, name: str) -> None:
        if name in self.failures:
            raise self.failures[name]


def run_with(clock: Clock | None = None, **ends: Exception | float) -> tuple[Run, FakeVisit, list[Any]]:
    """Run the check over a visit whose steps end so; also return what was reported."""
    clock = clock or Clock()
    visit, told = FakeVisit(clock, **ends), []
    check = HealthCheck(lambda _: visit, Reports(), 300, clock, lambda *failure: told.append(failure))
    return check(NOW), visit, told


def test_every_step_is_tried_in_order_and_the_connection_is_closed() -> None:
    run, visit, told = run_with()
    assert visit.ran == list(STEPS) == [step.name for step in run.steps]
    assert run.failed() == []
    assert told == []
    assert visit.closed >= 1
    assert (run.started_at, run.period_seconds) == (SECONDS, 300)


def test_a_step_stands_only_on_steps_before_it() -> None:
    order = list(STEPS)
    for name, needed in NEEDS.items():
        assert all(order.index(each) < order.index(name) for each in needed)


@pytest.mark.parametrize("name", sorted(STEPS.keys() - {"close"}))
def test_what_stands_on_a_step_that_fails_is_skipped_and_all_else_is_tried(name: str) -> None:
    run, visit, told = run_with(**{name: StepFailed("unavailable")})
    gone: set[str] = {name}
    for step in STEPS:
        if gone.intersection(NEEDS.get(step, ())):
            gone.add(step)
    by_name = {step.name: step for step in run.steps}
    assert {step for step in STEPS if by_name[step].skipped} == gone - {name}
    assert by_name[name].code == "unavailable"
    assert set(visit.ran) == set(STEPS) - gone | {name}
    assert told == [(name, "unavailable", None)]
    assert visit.closed >= 1


def test_a_domain_error_gives_its_code_and_a_defect_is_told_with_its_error() -> None:
    defect = KeyError("x")
    run, _, told = run_with(workspace=Unavailable("no"), notify=defect)
    assert {step.name: step.code for step in run.failed()} == {"workspace": "unavailable", "notify": "internal"}
    assert told == [("workspace", "unavailable", None), ("notify", "internal", defect)]


def test_a_step_that_never_answers_ends_at_its_deadline_and_the_run_at_its_own() -> None:
    run, _, _ = run_with(**dict.fromkeys(STEPS.keys() - {"token", "ticket", "connect", "close"}, 1000.0))
    by_name = {step.name: step for step in run.steps}
    assert by_name["workspace"].milliseconds == DEADLINE_MILLISECONDS
    assert by_name["workspace"].code == "timeout"
    assert run.milliseconds == RUN_SECONDS * 1000
    assert by_name["notify"].code == "timeout"


def test_a_run_is_kept_behind_those_before_it() -> None:
    reports = Reports()
    check = HealthCheck(lambda _: FakeVisit(Clock()), reports, 300, Clock(), lambda *_: None)
    first, second = check(NOW), check(NOW)
    check.keep(first)
    check.keep(second)
    assert reports.report is not None
    assert reports.report.run is second
    assert len(reports.report.history) == 2


def ok(started_at: int = SECONDS) -> Report:
    run = Run(started_at, 300, 1, tuple(Step(name, 1) for name in STEPS))
    return Report(run).followed_by(run)


def test_health_is_that_of_the_last_run_and_unknown_without_one_or_with_an_old_one() -> None:
    assert health_of(Reports(ok()), NOW).status == "ok"
    for reports in (Reports(), Reports(ok(SECONDS - 901))):
        found = health_of(reports, NOW)
        assert found.status == "unknown"
        assert found.states == dict.fromkeys(COMPONENTS, "unknown")


def test_without_its_store_the_service_is_down() -> None:
    reports = Reports(ok())
    reports.failure = Unavailable("no")
    found = health_of(reports, NOW)
    assert found.status == "down"
    assert found.states["store"] == "down"
    assert found.states["live"] == "unknown"


def test_deep_health_asks_every_dependency_and_believes_it_more_than_the_last_run() -> None:
    told: list[str] = []
    probes = Probes(secret=Unavailable("no"), events=Forbidden("AccessDenied"), directory=ValueError("odd"))
    found = deep_health(Reports(ok()), probes, NOW, Clock(), lambda name, _: told.append(name))
    assert {name: answer.code for name, answer in found.probed.items()} == {
        "secret": "unavailable",
        "events": "forbidden",
        "directory": "internal",
    }
    assert told == ["directory"]
    assert (found.states["store"], found.states["credentials"], found.states["live"]) == ("down", "down", "ok")
    assert found.status == "down"
    well = deep_health(Reports(), Probes(), NOW, Clock(), lambda *_: None)
    assert (well.states["store"], well.states["credentials"], well.states["live"]) == ("ok", "ok", "unknown")
    assert well.status == "unknown"


class Script:
    """A socket that gives out what it was given, and notes what was sent."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def receive(self, seconds: float) -> Message:
        assert seconds > 0
        if not self.messages:
            raise StepFailed("timeout")
        return self.messages.pop(0)

    def close(self) -> None:
        """Nothing is open."""


def deadline() -> Deadline:
    return Deadline(Clock(), 5)


def test_an_answer_is_known_by_its_id_and_what_came_before_it_is_kept() -> None:
    other = {"type": "delta", "seq": 1}
    talk = Conversation(Script(other, {"type": "pong", "id": "7"}, {"type": "pong", "id": "1"}))
    assert talk.ask("ping", "pong", deadline()) == {"type": "pong", "id": "1"}
    assert talk.next(lambda message: message["type"] == "delta", deadline()) == other
    talk.forget("pong")
    with pytest.raises(StepFailed, match="timeout"):
        talk.next(lambda message: message["type"] == "pong", deadline())


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "error", "id": "1", "code": "throttled", "message": "x"}, "throttled"),
        ({"message": "Internal server error", "connectionId": "c", "requestId": "r"}, "internal"),
    ],
)
def test_an_error_and_the_gateways_own_words_fail_the_step(message: Message, code: str) -> None:
    with pytest.raises(StepFailed, match=code):
        Conversation(Script(message)).ask("ping", "pong", deadline())
