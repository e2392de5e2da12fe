"""How the pipeline does: what is counted, the breakers, and whether any of it is an alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tidemark.domain.breaker import Breaker
from tidemark.domain.errors import TidemarkError
from tidemark.domain.pipeline_health import Alarm, open_seconds
from tidemark.services.breakers import Breakers
from tidemark.services.pipeline_ports import Pipeline, Tally


class Silence(Protocol):
    """Tells which workspaces have fallen silent."""

    def __call__(self, workspace: str | None, now: datetime) -> int:
        """Return how many have, of one or of all."""


@dataclass(frozen=True, slots=True)
class PipelineReport:
    """The whole; `oldest_pending_seconds` is 0 if no job waits."""

    tally: Tally
    oldest_pending_seconds: int
    breakers: Mapping[str, Breaker]
    alarms: Sequence[Alarm]


class PipelineHealth:
    """Counts and judges."""

    def __init__(self, pipeline: Pipeline, breakers: Breakers, silence: Silence) -> None:
        self._pipeline = pipeline
        self._breakers = breakers
        self._silence = silence

    def __call__(self, workspace: str | None, now: datetime) -> PipelineReport:
        """Return how the pipeline of one workspace, or of all, does as of `now`."""
        now_seconds = int(now.timestamp())
        tally = self._pipeline.tally(workspace)
        breakers = self._breakers.read()
        oldest = max(0, now_seconds - tally.pending_since) if tally.pending else 0
        values: dict[str, int | None] = {
            "dead_letters": tally.dead,
            "breaker_open": open_seconds(breakers.values(), now_seconds),
            "jobs_pending": tally.pending,
            "oldest_pending": oldest,
            "silent_workspaces": self._silent(workspace, now),
        }
        return PipelineReport(tally, oldest, breakers, [Alarm(name, value) for name, value in values.items()])

    def _silent(self, workspace: str | None, now: datetime) -> int | None:
        """Return how many are silent; None if it could not be found out, which keeps nothing else back."""
        try:
            return self._silence(workspace, now)
        except TidemarkError:
            return None
