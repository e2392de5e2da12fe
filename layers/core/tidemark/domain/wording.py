"""Findings in words: claims with their figures, the summary, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tidemark.domain.definitions import Measure
from tidemark.domain.hours import hour_seconds
from tidemark.domain.insights import (
    MAX_NAME_CHARACTERS,
    MAX_RECOMMENDATIONS,
    MAX_SUMMARY_CHARACTERS,
    Claim,
    Figure,
    clean,
)
from tidemark.domain.numeric import bounded, canonical
from tidemark.domain.weighing import Finding

DIGITS = 4
"""That a figure has."""
MANY_TIMES = 3
_UNITS = {"count": "", "percent": "%", "milliseconds": " ms", "seconds": " s", "minutes": " min", "hours": " h"}


def claim(finding: Finding, hour: str, timezone: str) -> Claim:
    """Return a finding as a claim."""
    return Claim(
        finding.kind,
        clean(f"{finding.measure.title}{_KEYED[finding.kind](finding, _clock(hour, timezone))}."),
        math.floor(finding.confidence * 100) / 100,
        _figures(finding),
    )


def summary(claims: Sequence[Claim], events: int, hour: str, timezone: str) -> str:
    """Return the summary of what was claimed."""
    seen = f"{events} event{'s' * (events != 1)} of the hour from {_clock(hour, timezone)}"
    first = claims[0].text
    more = len(claims) - 1
    others = f" And {more} more finding{'s' * (more != 1)}." if more else ""
    return clean(f"{seen}. {first}{others}", MAX_SUMMARY_CHARACTERS)


def calm_summary(events: int, hour: str, timezone: str, hours: int, weeks: int, *, enough: bool) -> str:
    """Return the summary of a batch in which nothing was found, or of which too little is known to find anything."""
    seen = f"{events} event{'s' * (events != 1)} of the hour from {_clock(hour, timezone)}"
    if enough:
        return f"{seen}: nothing unusual, by {hours} earlier hours."
    known = f"{hours} earlier hour{'s' * (hours != 1)} known, {weeks} of them of the same weekday and time"
    return f"{seen}. Too little history to say what is usual ({known})."


def recommendations(findings: Sequence[Finding], hour: str, timezone: str) -> tuple[str, ...]:
    """Return what to do about the findings: one thing each, the surest first, none twice."""
    advised = dict.fromkeys(filter(None, (_advice(finding, _clock(hour, timezone)) for finding in findings)))
    return tuple(clean(text) for text in list(advised)[:MAX_RECOMMENDATIONS])


def _advice(finding: Finding, clock: str) -> str | None:
    title, up = finding.measure.title, finding.change > 0
    key = f"“{_short(finding.key)}”" if finding.key else ""
    match finding.kind:
        case "new_value":
            return f"Check that {key} belongs in {title}; if it does not, see who sends it."
        case "vanished_value":
            return f"See why {key} is missing from {title}: whether it is broken, renamed, or no longer sent."
        case "mover":
            return f"Look at the events of {key} in {title} for what changed about {clock}."
        case "trend" if finding.measure.better:
            good = (finding.measure.better == "higher") == up
            return f"Plan for {title} going on so." if good else f"Find out what has turned {title} over the weeks."
    if finding.kind != "anomaly" or not finding.measure.better:
        return None
    if (finding.measure.better == "higher") == up:
        return f"Find out what helped {title} since {clock}, to keep it."
    return f"Look into {title} now: compare this batch's events with what was released or changed about {clock}."


def _amount(finding: Finding, clock: str) -> str:
    value, usual = _shown(finding.value, finding.measure), _shown(finding.usual, finding.measure)
    if finding.events:
        span = "in this batch" if finding.scope == "batch" else f"since {clock}"
        return f" is {value} {span}, usually {usual}"
    span, by_now = (f"since {clock}", " by now") if finding.elapsed < 1 else (f"in the hour from {clock}", "")
    if finding.measure.kind != "sum" and finding.usual < 1:
        return f": {value} {span}, usually less than 1{by_now}"
    return f": {value} {span}, {_compared(finding.value / finding.usual)} (about {usual}{by_now})"


def _compared(ratio: float) -> str:
    """Return what a share of the usual is in words; several times as much reads better than hundreds of percent."""
    if ratio >= MANY_TIMES:
        return f"{ratio:.1f} times the usual"
    return f"{abs(ratio - 1):.0%} {'more' if ratio > 1 else 'less'} than usual"


def _trend(finding: Finding, _: str) -> str:
    weekly = math.expm1(finding.change)
    return f" {'rises' if weekly > 0 else 'falls'} by about {abs(weekly):.0%} a week, over {finding.hours} weeks"


def _mover(finding: Finding, clock: str) -> str:
    share, usual = finding.value / finding.events, finding.usual / finding.events
    return f": “{_short(finding.key)}” has {share:.1%} {_where(finding, clock)}, usually {usual:.1%}"


def _new(finding: Finding, clock: str) -> str:
    return f": “{_short(finding.key)}” is new, {finding.value:.0f} times {_where(finding, clock)}"


def _vanished(finding: Finding, clock: str) -> str:
    place = "in this batch" if finding.scope == "batch" else f"since {clock}"
    due = f"of {finding.events} about {finding.usual:.0f} were to be expected"
    return f": “{_short(finding.key)}” is missing {place}, {due}"


_KEYED = {
    "anomaly": _amount,
    "change": _amount,
    "trend": _trend,
    "mover": _mover,
    "new_value": _new,
    "vanished_value": _vanished,
}


def _where(finding: Finding, clock: str) -> str:
    return f"of {finding.events} in this batch" if finding.scope == "batch" else f"of {finding.events} since {clock}"


def _figures(finding: Finding) -> tuple[Figure, ...]:
    measure = finding.measure
    name = clean(f"{measure.name} {finding.key}" if finding.key else measure.name, MAX_NAME_CHARACTERS)
    figures = [Figure(name, shortened(finding.value), shortened(finding.usual), measure.unit)]
    if finding.events:
        figures.append(Figure(f"events in the {finding.scope}", finding.events, None, "count"))
    if finding.kind == "trend":
        figures.append(Figure("change a week", shortened(100 * math.expm1(finding.change)), None, "percent"))
    unit = "weeks" if finding.kind in ("trend", "change") or not finding.events else "hours"
    return (*figures, Figure(f"{unit} known", finding.hours, None, unit))


def _clock(hour: str, timezone: str) -> str:
    return datetime.fromtimestamp(hour_seconds(hour), UTC).astimezone(ZoneInfo(timezone)).strftime("%H:%M")


def _shown(value: float, measure: Measure) -> str:
    return f"{shortened(value):,}{_UNITS.get(measure.unit, f' {measure.unit}')}"


def shortened(value: float) -> int | float:
    """Return a number with `DIGITS` digits, or as a whole one where it has more."""
    if not value:
        return 0
    value = bounded(value)
    return canonical(round(value, max(0, DIGITS - 1 - math.floor(math.log10(abs(value))))))


def _short(key: str | None) -> str:
    return clean(key or "(empty)", 60)
