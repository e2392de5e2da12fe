"""Health: the steps of a check, what they say of each component, and how often they have held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

State = Literal["ok", "degraded", "down", "unknown"]

STEPS: Mapping[str, str] = {
    "workspace": "store",
    "token": "credentials",
    "ticket": "http",
    "connect": "websocket",
    "routes": "websocket",
    "bootstrap": "live",
    "subscribe": "live",
    "track": "ingest",
    "delta": "live",
    "reconcile": "live",
    "listen": "delivery",
    "notify": "delivery",
    "message": "delivery",
    "acknowledge": "delivery",
    "unsubscribe": "live",
    "close": "websocket",
    "cleanup": "websocket",
}
"""The steps of a run in order, and the component that each speaks for."""

COMPONENTS = ("http", "websocket", "ingest", "live", "delivery", "credentials", "store")
OPTIONAL = frozenset({"delivery"})
"""Without these the service is degraded; without any of the others it is down."""
MENDING = frozenset({"cleanup"})
"""Steps whose failure degrades their component: leases end by their time, whether or not `$disconnect` comes."""
STARTUP = ("connect", "routes")
"""The steps from nothing to the first answer of a handler."""

SLOW_MILLISECONDS = 5_000
"""A step that takes longer degrades its component."""
DEADLINE_MILLISECONDS = 15_000
"""A step that takes longer has failed: more than a cold start of the authorizer, the lease and the route together."""
STALE_PERIODS = 3
"""A run older than so many periods says nothing any more."""
HISTORY = 24
"""Runs that the ratios are of."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one step: `code` is None when it held; skipped ones needed a step that had not held."""

    name: str
    milliseconds: int = 0
    code: str | None = None
    skipped: bool = False

    @property
    def component(self) -> str:
        """The component that the step speaks for."""
        return STEPS[self.name]

    @property
    def state(self) -> State:
        """What the step says of its component."""
        if self.skipped:
            return "unknown"
        if self.code is not None:
            return "degraded" if self.name in MENDING else "down"
        return "degraded" if self.milliseconds > SLOW_MILLISECONDS else "ok"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the check; `period_seconds` is how often it runs."""

    started_at: int
    period_seconds: int
    milliseconds: int
    steps: tuple[Step, ...]

    def failed(self) -> list[Step]:
        """Return the steps that were tried and did not hold."""
        return [step for step in self.steps if step.code is not None and not step.skipped]

    def states(self) -> dict[str, State]:
        """Return the state of every component: that of its worst step, unknown if none was tried."""
        return {name: _worst([step.state for step in self.steps if step.component == name]) for name in COMPONENTS}

    def startup_milliseconds(self) -> int:
        """Return how long the first handler took to answer, the deadline if it did not."""
        steps = [step for step in self.steps if step.name in STARTUP]
        held = [step for step in steps if step.code is None and not step.skipped]
        return sum(step.milliseconds for step in held) if len(held) == len(STARTUP) else DEADLINE_MILLISECONDS


@dataclass(frozen=True, slots=True)
class Past:
    """A run of the past, as far as the ratios need it: the steps that did not hold, and those that were skipped."""

    started_at: int
    failed: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @classmethod
    def of(cls, run: Run) -> Past:
        """Return what is kept of a run."""
        skipped = tuple(step.name for step in run.steps if step.skipped)
        return cls(run.started_at, tuple(step.name for step in run.failed()), skipped)


@dataclass(frozen=True, slots=True)
class Report:
    """The last run, and the runs up to it, oldest first."""

    run: Run
    history: tuple[Past, ...] = field(default_factory=tuple)

    def is_stale(self, now_seconds: int) -> bool:
        """Tell whether the next run is so late that the last one says nothing any more."""
        return now_seconds - self.run.started_at > STALE_PERIODS * self.run.period_seconds

    def followed_by(self, run: Run) -> Report:
        """Return the report after one more run."""
        return Report(run, (*self.history, Past.of(run))[-HISTORY:])


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of a metric; `unit` is CloudWatch's name of it."""

    name: str
    value: float
    unit: Literal["Count", "Milliseconds", "Seconds"]
    dimensions: Mapping[str, str] = field(default_factory=dict)


def measurements(run: Run) -> list[Measurement]:
    """Return what a run publishes: a value a step that was tried, and those of the whole that alarms watch.

    A failure of a step is published when there is one, since a metric costs by the hours in which it has values.
    """
    found = [
        Measurement("HealthStepMilliseconds", step.milliseconds, "Milliseconds", {"Step": step.name})
        for step in run.steps
        if not step.skipped
    ]
    found += [Measurement("HealthFailures", 1, "Count", {"Step": step.name}) for step in run.failed()]
    states = run.states()
    degraded = [name for name, state in states.items() if state == "degraded" or (state == "down" and name in OPTIONAL)]
    return [
        *found,
        Measurement("HealthFailures", len(run.failed()), "Count"),
        Measurement("HealthDegradedComponents", len(degraded), "Count"),
        Measurement("HealthStartupMilliseconds", run.startup_milliseconds(), "Milliseconds"),
        Measurement("HealthRunSeconds", run.milliseconds / 1000, "Seconds"),
    ]


def status_of(states: Mapping[str, State]) -> State:
    """Return the state of the whole: down if a component that it needs is, degraded if any is not well."""
    if any(state == "down" and name not in OPTIONAL for name, state in states.items()):
        return "down"
    if any(state in ("down", "degraded") for state in states.values()):
        return "degraded"
    return "unknown" if any(state == "unknown" for state in states.values()) else "ok"


def ratios(history: Sequence[Past]) -> dict[str, float]:
    """Return the shares of past runs, 0 to 1, in which things held; empty without a run.

    `startup`: a connection was made and its first message answered. `delivery`: a message to a user arrived and was
    taken. `consistency`: nothing of the connection was left after it closed. `availability.<component>`: no step of the
    component failed, of the runs that tried one.
    """
    if not history:
        return {}
    found = {
        "startup": _share([_held(past, STARTUP) for past in history]),
        "delivery": _share([_held(past, _steps_of("delivery")) for past in history]),
        "consistency": _share([_held(past, ("cleanup",)) for past in history]),
    }
    for component in COMPONENTS:
        steps = _steps_of(component)
        tried = [past for past in history if not set(steps) <= set(past.skipped)]
        if tried:
            up = [not any(name in past.failed and name not in MENDING for name in steps) for past in tried]
            found[f"availability.{component}"] = _share(up)
    return found


def _held(past: Past, steps: Sequence[str]) -> bool:
    return not any(name in past.failed or name in past.skipped for name in steps)


def _share(outcomes: Sequence[bool]) -> float:
    return round(sum(outcomes) / len(outcomes), 4)


def _steps_of(component: str) -> list[str]:
    return [name for name, of in STEPS.items() if of == component]


def _worst(states: Sequence[State]) -> State:
    order: tuple[State, ...] = ("down", "degraded", "ok")
    return next((state for state in order if state in states), "unknown")
