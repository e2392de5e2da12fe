"""What is otherwise than usual in a batch and in its hour, over all measures of the dashboards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tidemark.domain.cells import Cell, kind_of
from tidemark.domain.definitions import Dashboard, Measure
from tidemark.domain.rate_findings import rate_findings
from tidemark.domain.share_findings import mean_findings, percentile_findings, ratio_findings
from tidemark.domain.top_findings import top_findings
from tidemark.domain.usual import RATED, Usual, parts_of
from tidemark.domain.weighing import Finding

SAME = 0.15
"""Amounts that change alike, within this of a logarithm, are one finding: what counts events moves with all of them."""

_AFTER = {"change": 1, "trend": 2}


@dataclass(frozen=True, slots=True)
class Observed:
    """A batch's cell and all of its hour, of which a share `elapsed` has passed; None if nobody knows."""

    batch: Cell
    hour: Cell
    elapsed: float | None


def findings(dashboards: Iterable[Dashboard], usual: Usual, observed: Observed) -> list[Finding]:
    """Return what is to be said, what is odd first and what is surest of that; every measure stands once."""
    found: dict[Any, Finding] = {}
    for dashboard in dashboards:
        for measure in dashboard.measures.values():
            name = measure.identity if measure.kind != "ratio" else parts_of(dashboard, measure)
            for finding in _of_measure(dashboard, measure, usual, observed):
                found.setdefault((name, str(measure.options.get("percentile")), finding.kind, finding.key), finding)
    return list(_distinct(sorted(found.values(), key=_rank)))


def _rank(finding: Finding) -> tuple[int, float, float]:
    return _AFTER.get(finding.kind, 0), -round(finding.confidence, 2), -abs(finding.change)


def _of_measure(dashboard: Dashboard, measure: Measure, usual: Usual, observed: Observed) -> Iterable[Finding]:
    identity = measure.identity
    if measure.kind in RATED:
        rate = usual.rates.get(identity)
        return rate_findings(measure, rate, state_of(identity, observed.hour), observed.elapsed) if rate else ()
    scopes = [("batch", observed.batch), ("hour", observed.hour)]
    if measure.kind == "ratio":
        parts = parts_of(dashboard, measure)
        share = usual.shares.get(parts) if parts else None
        if parts is None or share is None:
            return ()
        counted = [(scope, (state_of(parts[0], cell), state_of(parts[1], cell))) for scope, cell in scopes]
        return ratio_findings(measure, share, counted)
    states = [(scope, state_of(identity, cell)) for scope, cell in scopes]
    if measure.kind == "mean" and (level := usual.levels.get(identity)):
        return mean_findings(measure, level, states)
    if measure.kind == "percentile" and (tail := usual.tails.get((identity, measure.options["percentile"]))):
        return percentile_findings(measure, tail, states)
    if measure.kind == "top" and (tops := usual.tops.get(identity)):
        return top_findings(measure, tops, states)
    return ()


def state_of(identity: str, cell: Cell) -> Any:
    """Return a measure's state in a cell, that of no events if the cell has none."""
    state = cell.states.get(identity)
    return kind_of(identity).merge(()) if state is None else state


def _distinct(ordered: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out amounts that only follow another one, and all trends of amounts but the surest."""
    kept: list[Finding] = []
    for finding in ordered:
        alike = (
            other
            for other in kept
            if other.measure.kind in RATED
            and finding.measure.kind in RATED
            and (other.kind == "trend") == (finding.kind == "trend")
            and (finding.kind == "trend" or abs(other.change - finding.change) < SAME)
        )
        if not any(alike):
            kept.append(finding)
            yield finding
