"""The health check: a run of named steps over the real interfaces, and what is told of its last run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tidemark.domain.errors import Throttled, TidemarkError, Unavailable
from tidemark.domain.health import (
    COMPONENTS,
    DEADLINE_MILLISECONDS,
    STEPS,
    Report,
    Run,
    State,
    Step,
    status_of,
)
from tidemark.services.canary import Visit
from tidemark.services.conversation import Deadline, StepFailed

NEEDS: Mapping[str, tuple[str, ...]] = {
    "ticket": ("token",),
    "connect": ("ticket",),
    "routes": ("connect",),
    "bootstrap": ("connect",),
    "subscribe": ("bootstrap",),
    "track": ("connect",),
    "delta": ("subscribe", "track"),
    "reconcile": ("subscribe",),
    "listen": ("connect",),
    "notify": ("connect",),
    "message": ("listen", "notify"),
    "acknowledge": ("notify",),
    "unsubscribe": ("subscribe",),
    "close": ("connect",),
    "cleanup": ("close",),
}
"""What a step stands on: without it the step is skipped, and only what failed is to blame."""
RUN_SECONDS = 90.0
"""A run in which every step takes its time ends by this; the function may run for longer (template.yaml)."""


class Reports(Protocol):
    """Where the last run is kept."""

    def last(self) -> Report | None:
        """Return the last report."""

    def store(self, report: Report) -> None:
        """Replace the last report, unless a later run has done so."""


class Probes(Protocol):
    """The dependencies, asked one cheap thing each."""

    def names(self) -> tuple[str, ...]:
        """Return what can be asked."""

    def ask(self, name: str) -> None:
        """Ask one; raises `Throttled` or `Unavailable`, or whatever else is wrong."""


class HealthCheck:
    """Runs the check.

    Parameters
    ----------
    visit
        Makes a visit of the canary that begins at a time.
    period_seconds
        How often the check runs.
    clock
        A monotonic clock, in seconds.
    on_failure
        Told of every step that did not hold, its code and, if it is a defect, the error.
    """

    def __init__(
        self,
        visit: Callable[[datetime], Visit],
        reports: Reports,
        period_seconds: int,
        clock: Callable[[], float],
        on_failure: Callable[[str, str, Exception | None], None],
    ) -> None:
        self._visit = visit
        self._reports = reports
        self._period_seconds = period_seconds
        self._clock = clock
        self._on_failure = on_failure

    def __call__(self, now: datetime) -> Run:
        """Try every step, each as far as the others allow; return what became of them. Only a defect is raised."""
        began = self._clock()
        visit = self._visit(now)
        steps: dict[str, Step] = {}
        try:
            for name in STEPS:
                if any(steps[needed].code is not None or steps[needed].skipped for needed in NEEDS.get(name, ())):
                    steps[name] = Step(name, skipped=True)
                    continue
                left = RUN_SECONDS - (self._clock() - began)
                steps[name] = self._try(name, getattr(visit, name), min(DEADLINE_MILLISECONDS / 1000, left))
        finally:
            visit.close()
        seconds = self._clock() - began
        return Run(int(now.timestamp()), self._period_seconds, round(seconds * 1000), tuple(steps.values()))

    def keep(self, run: Run) -> None:
        """Store a run as the last one; raises `Throttled`, `Unavailable`."""
        self._reports.store((self._reports.last() or Report(run)).followed_by(run))

    def _try(self, name: str, step: Callable[[Deadline], None], seconds: float) -> Step:
        began = self._clock()
        code: str | None = None
        try:
            step(Deadline(self._clock, seconds))
        except (StepFailed, TidemarkError) as error:
            code = error.code
            self._on_failure(name, code, None)
        except Exception as error:  # noqa: BLE001  # a step that breaks is a finding, and the others are still asked
            code = "internal"
            self._on_failure(name, code, error)
        return Step(name, round((self._clock() - began) * 1000), code)


@dataclass(frozen=True, slots=True)
class Probed:
    """The answer of one dependency: `code` is None when it is there."""

    milliseconds: int
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What is told of the health: the states, the report that they come from, and what was asked just now."""

    status: State
    states: Mapping[str, State]
    report: Report | None
    probed: Mapping[str, Probed] = field(default_factory=dict)

    @property
    def asked(self) -> frozenset[str]:
        """The components whose state is of right now."""
        return frozenset(map(_component, self.probed))


def health_of(reports: Reports, now: datetime) -> Health:
    """Return the health by the last run; without one, or with an old one, it is unknown. Runs nothing."""
    try:
        report = reports.last()
    except (Throttled, Unavailable):
        states: dict[str, State] = {**dict.fromkeys(COMPONENTS, "unknown"), "store": "down"}
        return Health("down", states, None)
    if report is None or report.is_stale(int(now.timestamp())):
        return Health("unknown", dict.fromkeys(COMPONENTS, "unknown"), report)
    found = report.run.states()
    return Health(status_of(found), found, report)


def deep_health(
    reports: Reports,
    probes: Probes,
    now: datetime,
    clock: Callable[[], float],
    on_failure: Callable[[str, Exception], None],
) -> Health:
    """Return the health by the last run and by what the dependencies answer right now."""
    found = health_of(reports, now)
    names = probes.names()

    def ask(name: str) -> Probed:
        began = clock()
        code: str | None = None
        try:
            probes.ask(name)
        except TidemarkError as error:
            code = error.code
        except Exception as error:  # noqa: BLE001  # access denied, say: it is what was asked for
            code = "internal"
            on_failure(name, error)
        return Probed(round((clock() - began) * 1000), code)

    with ThreadPoolExecutor(len(names)) as pool:
        probed = dict(zip(names, pool.map(ask, names), strict=True))
    states: dict[str, State] = {**found.states, **dict.fromkeys(map(_component, names), "ok")}
    states |= {_component(name): "down" for name, answer in probed.items() if answer.code is not None}
    return Health(status_of(states), states, found.report, probed)


def _component(probe: str) -> str:
    return "credentials" if probe == "secret" else "store"
