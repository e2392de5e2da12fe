"""What a run of the health check says: of its components, of the whole, and over time."""

from __future__ import annotations

import pytest

from tidemark.domain.health import (
    COMPONENTS,
    DEADLINE_MILLISECONDS,
    HISTORY,
    MENDING,
    OPTIONAL,
    SLOW_MILLISECONDS,
    STEPS,
    Past,
    Report,
    Run,
    Step,
    measurements,
    ratios,
    status_of,
)

NOW = 1_795_305_600


def run_of(*changed: Step, started_at: int = NOW) -> Run:
    """A run of which everything held but the given steps."""
    by_name = {step.name: step for step in changed}
    return Run(started_at, 300, 2000, tuple(by_name.get(name, Step(name, 10)) for name in STEPS))


def test_every_step_speaks_for_a_component_and_every_component_has_a_step() -> None:
    assert set(STEPS.values()) == set(COMPONENTS)
    assert set(COMPONENTS) > OPTIONAL
    assert set(STEPS) > MENDING


def test_a_run_that_holds_is_ok() -> None:
    states = run_of().states()
    assert states == dict.fromkeys(COMPONENTS, "ok")
    assert status_of(states) == "ok"


@pytest.mark.parametrize("name", sorted(STEPS.keys() - MENDING))
def test_a_step_that_fails_takes_its_component_down_and_no_other(name: str) -> None:
    states = run_of(Step(name, 10, "timeout")).states()
    assert states == {**dict.fromkeys(COMPONENTS, "ok"), STEPS[name]: "down"}
    assert status_of(states) == ("degraded" if STEPS[name] in OPTIONAL else "down")


def test_a_step_that_is_slow_or_that_time_mends_degrades_its_component() -> None:
    slow = run_of(Step("delta", SLOW_MILLISECONDS + 1)).states()
    assert (slow["live"], status_of(slow)) == ("degraded", "degraded")
    assert run_of(Step("delta", SLOW_MILLISECONDS)).states()["live"] == "ok"
    left = run_of(Step("cleanup", 10, "left_over")).states()
    assert (left["websocket"], status_of(left)) == ("degraded", "degraded")


def test_a_component_of_which_nothing_was_tried_is_unknown_and_the_whole_with_it() -> None:
    skipped = [Step(name, skipped=True) for name, component in STEPS.items() if component == "live"]
    states = run_of(*skipped).states()
    assert (states["live"], status_of(states)) == ("unknown", "unknown")
    assert status_of({**states, "http": "down"}) == "down"
    assert status_of({**states, "delivery": "down"}) == "degraded"


def test_a_report_grows_stale_after_three_periods() -> None:
    report = Report(run_of())
    assert not report.is_stale(NOW + 900)
    assert report.is_stale(NOW + 901)


def test_a_report_keeps_the_last_runs_only() -> None:
    report = Report(run_of(started_at=0))
    for started_at in range(1, HISTORY + 10):
        report = report.followed_by(run_of(Step("notify", 1, "timeout"), started_at=started_at))
    assert [past.started_at for past in report.history] == list(range(10, HISTORY + 10))
    assert report.run.started_at == HISTORY + 9
    assert report.history[-1] == Past(HISTORY + 9, ("notify",), ())


def test_ratios_are_shares_of_the_runs_that_tried() -> None:
    no_socket = tuple(name for name in STEPS if name not in ("workspace", "token", "ticket", "connect"))
    history = [
        Past(0),
        Past(300, ("routes",)),
        Past(600, ("connect",), no_socket),
        Past(900, ("acknowledge", "cleanup")),
    ]
    found = ratios(history)
    assert found["startup"] == 0.5
    assert found["delivery"] == 0.5
    assert found["consistency"] == 0.5
    assert found["availability.websocket"] == 0.5
    assert found["availability.live"] == 1.0
    assert found["availability.delivery"] == 0.6667
    assert found["availability.http"] == 1.0
    assert ratios([]) == {}


def test_a_startup_without_an_answer_counts_as_the_whole_deadline() -> None:
    assert run_of(Step("connect", 700), Step("routes", 300)).startup_milliseconds() == 1000
    assert run_of(Step("routes", 20, "unknown_action")).startup_milliseconds() == DEADLINE_MILLISECONDS
    skipped = run_of(Step("connect", 5, "http_403"), Step("routes", skipped=True))
    assert skipped.startup_milliseconds() == DEADLINE_MILLISECONDS


def test_a_run_publishes_each_step_that_was_tried_and_each_failure() -> None:
    run = run_of(Step("notify", 15_000, "timeout"), Step("message", skipped=True), Step("delta", 6_000))
    found = {(each.name, each.dimensions.get("Step")): (each.value, each.unit) for each in measurements(run)}
    assert found["HealthStepMilliseconds", "notify"] == (15_000, "Milliseconds")
    assert ("HealthStepMilliseconds", "message") not in found
    assert {key[1] for key in found if key[0] == "HealthFailures"} == {"notify", None}
    assert found["HealthFailures", None] == (1, "Count")
    assert found["HealthDegradedComponents", None] == (2, "Count")
    assert found["HealthStartupMilliseconds", None] == (20, "Milliseconds")
    assert found["HealthRunSeconds", None] == (2.0, "Seconds")


def test_a_run_that_holds_publishes_no_failure_but_that_there_was_none() -> None:
    failures = [each for each in measurements(run_of()) if each.name == "HealthFailures"]
    assert [(each.value, each.dimensions) for each in failures] == [(0, {})]
