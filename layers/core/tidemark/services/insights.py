"""The insights of a workspace: what stores have to tell of them, and the timeline that is read page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tidemark.domain.insight_query import InsightQuery
from tidemark.domain.insight_section import StoredInsight
from tidemark.services.ports import Workspace


@dataclass(frozen=True, slots=True)
class Found:
    """Insights, newest first; those behind the id `end` were not looked at, None if these are all."""

    insights: Sequence[StoredInsight]
    end: str | None = None


class Insights(Protocol):
    """The insights of batches. They are in the order of their ids: by the hour of the batch's events, then as batched.

    One that is corrupt is left out. May raise `Throttled` or `Unavailable`.
    """

    def latest(self, workspace: str, count: int, last_hour: str | None = None) -> Sequence[StoredInsight]:
        """Read the last `count` insights, newest first and consistently, of hours up to `last_hour` if it is given.

        Reading ends somewhere, so there may be fewer while very many newer batches wait for their analysis.
        """

    def page(
        self, workspace: str, count: int, first_hour: str | None, last_hour: str | None, before: str | None
    ) -> Found:
        """Read at most `count` insights, newest first: those before the id `before`, of the hours from first to last.

        Both hours are included, and None leaves a side open. There may be fewer than `count`, even none, although older
        ones follow.
        """


@dataclass(frozen=True, slots=True)
class InsightPage:
    """A page of the timeline."""

    insights: list[dict[str, Any]]
    next_cursor: str | None


class InsightTimeline:
    """Tells the insights of a workspace, newest first."""

    def __init__(self, insights: Insights) -> None:
        self._insights = insights

    def __call__(self, workspace: Workspace, raw: Mapping[str, str]) -> InsightPage:
        """Return the page that the parameters of a request ask for; raises `InvalidQuery`."""
        query = InsightQuery.parse(raw, workspace.timezone)
        found = self._insights.page(workspace.workspace, query.limit, query.first, query.last, query.before)
        told = [{"insight_id": one.insight_id, **one.as_dict()} for one in found.insights]
        return InsightPage(told, None if found.end is None else query.cursor(found.end))
