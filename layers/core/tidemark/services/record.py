"""What the rollup has recorded, to be read by those who watch over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run of the rollup: how many due periods it queued, how long that took, and when (ISO)."""

    slot: str
    at: str
    periods: int
    milliseconds: int


@dataclass(frozen=True, slots=True)
class PastClosing:
    """What came of a period in the run of `slot`: as in `Closing`, or with `error` and `attempts` where it failed."""

    workspace: str
    period: str
    slot: str
    at: str
    outcome: str
    events: int = 0
    drift: int = 0
    milliseconds: int = 0
    error: str = ""
    attempts: int = 0

    @property
    def has_failed(self) -> bool:
        """Whether the last attempt failed; the period is still due then, unless a later run has closed it."""
        return self.outcome == "failed"


class Record(Protocol):
    """The record of the rollup, of 30 days."""

    def runs(self, count: int) -> list[PastRun]:
        """Read the last runs, newest first."""

    def closings(self, slot: str) -> Iterable[PastClosing]:
        """Read what came of every period of a run, a page at a time."""

    def closings_of(self, workspace: str, slot: str, first: str, last: str) -> list[PastClosing]:
        """Read what came of the periods of a workspace in a run, those from `first` to `last`, both included."""
