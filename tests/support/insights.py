"""Insights to show, and the port that reads them, in memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tidemark.aws.items import encode
from tidemark.domain import insights
from tidemark.domain.insight_section import StoredInsight
from tidemark.domain.insights import Claim, Figure, Insight
from tidemark.services.insights import Found

if TYPE_CHECKING:
    from tests.support.stack import Stack


def insight(summary: str = "As usual.", last_event_at: str = "2026-11-22T10:20:00.000Z", **changed: Any) -> Insight:
    """Return an insight with one of each: a figure with what is usual, and one without."""
    figures = (Figure("errors", 42, 10.5, "count"), Figure("error_rate", 12.0, None, "percent"))
    fields: dict[str, Any] = {
        "summary": summary,
        "confidence": 1.0,
        "patterns": (Claim("anomaly", "Four times as many errors as usual.", 0.93, figures),),
        "recommendations": ("Look at the pages that fail.",),
        "provider": "statistical",
        "model": "statistical/1",
        "first_event_at": "2026-11-22T10:00:00.000Z",
        "last_event_at": last_event_at,
        "events": 100,
    }
    return Insight(**(fields | changed))


def put_insight(stack: Stack, workspace: str, insight_id: str, told: Insight, **changed: Any) -> None:
    """Store a batch that is analysed, in the layout of docs/storage.md, past every hook."""
    attributes: dict[str, Any] = {
        "state": "ANALYZED",
        "job": "SUCCESS",
        "count": told.events,
        "finished_at": 1795343400,
        "insight": zlib.compress(insights.encode(told)),
    }
    item = encode({"pk": f"B#{workspace}", "sk": insight_id, **attributes, **changed})
    stack.dynamodb.put_item(TableName="WorkTable", Item=item)


class MemoryInsights:
    """The insights of one workspace, by id."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self._before = before
        self.stored: dict[str, StoredInsight] = {}

    def store(self, insight_id: str, told: Insight) -> None:
        """Have an insight, as the worker of its job stores it."""
        self.stored[insight_id] = StoredInsight(insight_id, 1795343400, told)

    def latest(self, workspace: str, count: int, last_hour: str | None = None) -> Sequence[StoredInsight]:
        return self.page(workspace, count, None, last_hour, None).insights

    def page(
        self, workspace: str, count: int, first_hour: str | None, last_hour: str | None, before: str | None
    ) -> Found:
        self._before()
        wanted = [
            name
            for name in sorted(self.stored, reverse=True)
            if (first_hour or "") <= name.partition(".")[0] <= (last_hour or "9") and name < (before or "9")
        ]
        found = [self.stored[name] for name in wanted[:count]]
        return Found(found, wanted[count - 1] if len(wanted) > count else None)
