"""Insights as they are shown: in full to who asks for them, and the last ones in short as a section of snapshots.

A section is an object by insight id, each with an explicit order. What lies within an insight changes only as a whole,
so lists may stand there; nothing in it is null, since a merge patch could not say that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tidemark.domain.insights import Claim, Figure, Insight, InvalidInsight
from tidemark.domain.numeric import canonical

MAX_PATTERNS = 3
MAX_RECOMMENDATIONS = 2
"""Of an insight in a section, the first ones. Every commit of a view writes all of its sections anew: five insights in
full, of 4 KB each, would be most of what a delta costs."""


@dataclass(frozen=True, slots=True)
class StoredInsight:
    """An insight of a batch; `insight_id` is the batch's id, `analysed_at` is in Unix seconds.

    Raises `InvalidInsight` if `last_event_at` is no time.
    """

    insight_id: str
    analysed_at: int
    insight: Insight

    def __post_init__(self) -> None:
        try:
            datetime.fromisoformat(self.insight.last_event_at)
        except ValueError as error:
            raise InvalidInsight("last_event_at is a time in ISO 8601", field="last_event_at") from error

    @property
    def order(self) -> int:
        """The time of the batch's last event, in Unix milliseconds."""
        at = datetime.fromisoformat(self.insight.last_event_at)
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)

    def as_dict(self, patterns: int | None = None, recommendations: int | None = None) -> dict[str, Any]:
        """Return the insight for JSON, without nulls and with at most so many of its patterns and recommendations."""
        insight = self.insight
        return {
            "analysed_at": datetime.fromtimestamp(self.analysed_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "first_event_at": insight.first_event_at,
            "last_event_at": insight.last_event_at,
            "events": insight.events,
            "provider": insight.provider,
            "model": insight.model,
            "summary": insight.summary,
            "confidence": canonical(insight.confidence),
            "patterns": [_pattern(claim) for claim in insight.patterns[:patterns]],
            "recommendations": list(insight.recommendations[:recommendations]),
        }


def section_of(insights: Iterable[StoredInsight]) -> dict[str, Any]:
    """Return the section that shows insights."""
    return {one.insight_id: {"order": one.order, **one.as_dict(MAX_PATTERNS, MAX_RECOMMENDATIONS)} for one in insights}


def _pattern(claim: Claim) -> dict[str, Any]:
    return {
        "kind": claim.kind,
        "text": claim.text,
        "confidence": canonical(claim.confidence),
        "figures": [_figure(figure) for figure in claim.figures],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    usual = {} if figure.usual is None else {"usual": canonical(figure.usual)}
    return {"name": figure.name, "value": canonical(figure.value), **usual, "unit": figure.unit}
