"""What analyses batches, as a protocol, and what it is told of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tidemark.domain.cells import Cell
from tidemark.domain.definitions import Dashboard
from tidemark.domain.errors import TidemarkError
from tidemark.domain.insights import Insight
from tidemark.domain.usual import Usual


class ProviderUnavailable(TidemarkError):
    """A provider that did not answer, or refused for its rate; the same call may succeed later."""

    code = "provider_unavailable"


class ProviderRefused(TidemarkError):
    """A provider whose answer is no insight, or cites what it was not given; another answer may be one."""

    code = "provider_refused"


@dataclass(frozen=True, slots=True)
class BatchContext:
    """A batch and what is usual where it comes from.

    `hour` is the local hour of the batch's events in `timezone`, `cell` what they fold to. `so_far` is all of the hour
    as it stood when this was read, and `elapsed` the share of the hour (over 0, up to 1) that it stands for; None where
    nobody knows, since the events were sent long after they happened. `usual` says what earlier hours were like.
    """

    workspace: str
    batch: str
    timezone: str
    hour: str
    events: Sequence[Mapping[str, Any]]
    dashboards: tuple[Dashboard, ...]
    cell: Cell
    so_far: Cell
    elapsed: float | None
    usual: Usual


class Provider(Protocol):
    """Analyses batches."""

    def analyse(self, context: BatchContext) -> Insight:
        """Return what is to be said of a batch; raises `ProviderUnavailable` or `ProviderRefused`."""
