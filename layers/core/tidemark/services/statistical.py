"""The provider that is always there: robust statistics over the cells that there are, no network, some milliseconds."""

from __future__ import annotations

from tidemark.domain.findings import Observed, findings
from tidemark.domain.insights import MAX_CLAIMS, Insight
from tidemark.domain.wording import calm_summary, claim, recommendations, summary
from tidemark.services.analysis_ports import BatchContext

MODEL = "statistical/1"
UNKNOWN = 0.2
"""The confidence where there is too little history to say anything."""
CALM = 0.9
"""That of "nothing unusual", with a full history."""


class StatisticalProvider:
    """Analyses batches by what is usual; see `tidemark.domain.weighing` for how sure it is."""

    def analyse(self, context: BatchContext) -> Insight:
        """Return what is otherwise than usual; the same for the same context."""
        usual, place = context.usual, (context.hour, context.timezone)
        observed = Observed(context.cell, context.so_far, context.elapsed)
        found = findings(context.dashboards, usual, observed)[:MAX_CLAIMS]
        claims = tuple(claim(finding, *place) for finding in found)
        number = len(context.events)
        if claims:
            text, confidence = summary(claims, number, *place), claims[0].confidence
        else:
            enough = usual.is_known
            text = calm_summary(number, *place, usual.hours, usual.weeks, enough=enough)
            confidence = CALM if enough else UNKNOWN
        times = sorted(event["timestamp"] for event in context.events)
        return Insight(
            summary=text,
            confidence=confidence,
            patterns=claims,
            recommendations=recommendations(found, *place),
            provider="statistical",
            model=MODEL,
            first_event_at=times[0],
            last_event_at=times[-1],
            events=number,
        ).fitting()
