"""What a language model is told of a batch: aggregates of declared measures, and nothing else.

No event, no id, no name of a workspace; of top lists only the values of those that are declared `public`, and of these
none that looks as if it named a person all the same. What the statistics have found comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tidemark.domain.definitions import PERSONAL, Dashboard, Measure
from tidemark.domain.events import compact_json
from tidemark.domain.findings import Observed, findings, state_of
from tidemark.domain.hours import hour_seconds
from tidemark.domain.insights import MAX_NAME_CHARACTERS, Figure, clean
from tidemark.domain.top_findings import share_of_key
from tidemark.domain.usual import RATED, Usual, amount, parts_of
from tidemark.domain.wording import shortened

MAX_PROMPT_BYTES = 8_000
"""Of the figures, compact: what is least worth telling is left out beyond. JSON of numbers and short words has 2 to 4
bytes a token, so this is 4,000 tokens at most."""
UNPROVEN = 0.5
"""The most that is believed of a figure in which the statistics see nothing odd."""
SHOWN_VALUES = 5
MAX_VALUE_CHARACTERS = 60

_PERSONAL = re.compile(r"@|%40|\d{5}|[0-9a-fA-F-]{16}|[?#]|[A-Za-z0-9_-]{24}")
"""An address, a long number, a UUID or another token, a query: what names a person may stand in any value."""


@dataclass(frozen=True, slots=True)
class Given:
    """A figure as a model is told it; `found` and `confidence` are of the statistics, where they have found it odd."""

    figure: Figure
    title: str
    scope: str
    better: str | None = None
    found: str | None = None
    confidence: float = UNPROVEN

    @property
    def change_percent(self) -> float | None:
        """By how much it is more than usual."""
        return shortened(100 * (self.figure.value / self.figure.usual - 1)) if self.figure.usual else None

    def as_dict(self, name: str) -> dict[str, Any]:
        """Return it under a name, without what is not known."""
        told = {
            "id": name,
            "measure": self.title,
            "scope": self.scope,
            "unit": self.figure.unit,
            "better": self.better,
            "value": self.figure.value,
            "usual": self.figure.usual,
            "change_percent": self.change_percent,
            "found": self.found,
            "confidence": round(self.confidence, 2) if self.found else None,
        }
        return {key: value for key, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Briefing:
    """The figures by their ids, and the prompt (JSON) that tells them."""

    figures: dict[str, Given]
    clock: str
    numbers: tuple[float, ...]
    """Others that the prompt tells."""
    prompt: str


def brief(
    dashboards: Sequence[Dashboard], usual: Usual, observed: Observed, events: int, hour: str, timezone: str
) -> Briefing:
    """Return what a model is told of so many events of an hour."""
    local = datetime.fromtimestamp(hour_seconds(hour), UTC).astimezone(ZoneInfo(timezone))
    given: dict[tuple[str, str], Given] = {}
    for item in (*_found(dashboards, usual, observed), *_others(dashboards, usual, observed)):
        given.setdefault((item.figure.name, item.title), item)
    figures = {f"f{number}": item for number, item in enumerate(given.values(), 1)}
    elapsed = None if observed.elapsed is None else round(100 * observed.elapsed)
    facts = {
        "weekday": local.strftime("%A"),
        "hour_from": local.strftime("%H:%M"),
        "percent_of_hour_elapsed": elapsed,
        "events_in_batch": events,
        "weeks_known": usual.weeks,
        "hours_known": usual.hours,
    }

    def prompt() -> str:
        told = [item.as_dict(name) for name, item in figures.items()]
        return compact_json({**facts, "figures": told}).decode()

    while len(prompt().encode()) > MAX_PROMPT_BYTES:
        figures.popitem()
    numbers = tuple(float(value) for value in facts.values() if isinstance(value, int))
    return Briefing(figures, local.strftime("%H:%M"), numbers, prompt())


def may_be_told(value: str) -> bool:
    """Answer whether a value of a public top list names nobody, as far as its form tells."""
    return 0 < len(value) <= MAX_VALUE_CHARACTERS and not _PERSONAL.search(value)


def _found(dashboards: Sequence[Dashboard], usual: Usual, observed: Observed) -> Iterator[Given]:
    """Yield what the statistics have found."""
    for finding in findings(dashboards, usual, observed):
        measure, value, normal, unit = finding.measure, finding.value, finding.usual, finding.measure.unit
        if measure.kind == "top":
            if not _is_public(measure) or not may_be_told(finding.key or ""):
                continue
            value, normal, unit = 100 * value / finding.events, 100 * normal / finding.events, "percent"
        elif finding.kind == "trend":
            unit = f"{unit}, {finding.hours} weeks on"
        figure = _figure(measure, finding.key, value, normal, unit)
        yield Given(
            figure, _title(measure, finding.key), finding.scope, measure.better, finding.kind, finding.confidence
        )


def _others(dashboards: Sequence[Dashboard], usual: Usual, observed: Observed) -> Iterator[Given]:
    """Yield the figures of the hour of which it is known what is usual, those of people's choice of measures first."""
    lists: list[Given] = []
    for dashboard in dashboards:
        shown = dict.fromkeys([*dashboard.kpis, *dashboard.measures])
        for measure in (dashboard.measures[name] for name in shown):
            if measure.kind == "top":
                lists += _values(measure, usual, observed)
            elif pair := _scalar(dashboard, measure, usual, observed):
                yield Given(_figure(measure, None, *pair, measure.unit), measure.title, "hour", measure.better)
    yield from lists


def _scalar(dashboard: Dashboard, measure: Measure, usual: Usual, observed: Observed) -> tuple[float, float] | None:
    """Return what a measure is in the hour so far, and usually; None where that is not known."""
    identity, elapsed = measure.identity, observed.elapsed
    if measure.kind in RATED:
        rate = usual.rates.get(identity)
        if rate is None or elapsed is None or (measure.kind == "unique" and elapsed < 1):
            return None
        return amount(measure.kind, state_of(identity, observed.hour)), rate.by(elapsed)
    if measure.kind == "ratio" and (parts := parts_of(dashboard, measure)) and parts in usual.shares:
        part, whole = (state_of(name, observed.hour) for name in parts)
        unit = 100 if measure.options["percent"] else 1
        return (unit * part / whole, unit * usual.shares[parts].share) if whole else None
    return None


def _values(measure: Measure, usual: Usual, observed: Observed) -> Iterator[Given]:
    """Yield the largest values of a public top list."""
    tops, top = usual.tops.get(measure.identity), state_of(measure.identity, observed.hour)
    total = sum(top.counts.values())
    if tops is None or not total or not _is_public(measure):
        return
    ordered = sorted(top.counts.items(), key=lambda item: (-item[1], item[0]))
    for key, count in [(key, count) for key, count in ordered if may_be_told(key)][:SHOWN_VALUES]:
        figure = _figure(measure, key, 100 * count / total, 100 * share_of_key(tops, key).share, "percent")
        yield Given(figure, _title(measure, key), "hour")


def _is_public(measure: Measure) -> bool:
    return measure.public and measure.field not in PERSONAL


def _title(measure: Measure, key: str | None) -> str:
    return f"{measure.title}: {key}" if key else measure.title


def _figure(measure: Measure, key: str | None, value: float, usual: float, unit: str) -> Figure:
    name = clean(f"{measure.name} {key}" if key else measure.name, MAX_NAME_CHARACTERS)
    return Figure(name, shortened(value), shortened(usual), unit)
