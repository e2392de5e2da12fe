"""How the pipeline does, judged: values of what may go wrong, and from when on it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tidemark.domain.breaker import Breaker, BreakerState

AlarmState = Literal["ok", "alarm", "unknown"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Beyond which value something is an alarm, in which unit, and the metric of CloudWatch that has the value."""

    threshold: int
    unit: str
    metric: str


RULES: Mapping[str, Rule] = {
    "dead_letters": Rule(10, "count", "DeadLetters"),
    "breaker_open": Rule(1800, "seconds", "BreakerOpenSeconds"),
    "jobs_pending": Rule(50, "count", "JobsPending"),
    "oldest_pending": Rule(3600, "seconds", "OldestPendingSeconds"),
    "silent_workspaces": Rule(0, "count", "SilentWorkspaces"),
}
"""By the name of the alarm. The alarms of template.yaml have the same thresholds."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A value that may be one; None is not known."""

    name: str
    value: int | None

    @property
    def rule(self) -> Rule:
        """What the value is judged by."""
        return RULES[self.name]

    @property
    def state(self) -> AlarmState:
        """Return what the value says."""
        if self.value is None:
            return "unknown"
        return "alarm" if self.value > self.rule.threshold else "ok"


def open_seconds(breakers: Iterable[Breaker], now_seconds: int) -> int:
    """Return for how long the breaker that was closed the longest ago has not been so; 0 if all are closed."""
    return max((now_seconds - each.opened_at for each in breakers if each.state is not BreakerState.CLOSED), default=0)
