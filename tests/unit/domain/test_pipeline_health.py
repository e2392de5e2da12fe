"""Alarms of the pipeline: judged beyond their thresholds, and the same ones in template.yaml."""

from __future__ import annotations

import pytest

from tests.template import of_type
from tidemark.domain.breaker import Breaker, BreakerState
from tidemark.domain.pipeline_health import RULES, Alarm, open_seconds

ALARMS = {
    "dead_letters": "DeadLettersAlarm",
    "breaker_open": "BreakerOpenAlarm",
    "jobs_pending": "JobsPendingAlarm",
    "oldest_pending": "OldestPendingAlarm",
    "silent_workspaces": "SilenceAlarm",
}


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_value_is_an_alarm_beyond_its_threshold(name: str) -> None:
    threshold = RULES[name].threshold
    assert Alarm(name, threshold).state == "ok"
    assert Alarm(name, threshold + 1).state == "alarm"
    assert Alarm(name, None).state == "unknown"


@pytest.mark.parametrize("name", sorted(RULES))
def test_the_stack_has_the_same_alarm(name: str) -> None:
    declared = of_type("AWS::CloudWatch::Alarm")[ALARMS[name]]
    assert (declared["MetricName"], declared["Threshold"]) == (RULES[name].metric, RULES[name].threshold)
    assert (declared["ComparisonOperator"], declared["Period"]) == ("GreaterThanThreshold", 60)
    assert declared["Statistic"] == "Maximum"


def test_a_breaker_is_open_until_it_is_closed() -> None:
    opened = Breaker(BreakerState.OPEN, opened_at=1000)
    probing = Breaker(BreakerState.HALF_OPEN, opened_at=400)
    assert open_seconds([Breaker()], 5000) == 0
    assert open_seconds([Breaker(), opened], 5000) == 4000
    assert open_seconds([probing, opened], 5000) == 4600
