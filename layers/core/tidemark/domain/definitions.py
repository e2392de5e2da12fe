"""Dashboards as they are declared in YAML: measures over events, and where they are shown.

A definition is validated as a whole when it is loaded; a `DefinitionError` names file and field. A measure's
`identity` is a hash of what it computes, not of its name or how it is shown: so dashboards share the state of equal
measures, and a measure whose meaning changes starts from an empty state instead of mixing two meanings.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib import resources
from typing import Any

PERSONAL = frozenset({"anonymous_id", "user_id", "session_id"})
"""Fields that name a person. No insight names a value of theirs: it is kept apart from the log, where no erasure would
find it."""


@dataclass(frozen=True)
class Measure:
    """A measure; `kind` `ratio` divides the shown values `of` and `over`, every other kind folds events.

    `about`, `better` (`higher` or `lower`) and `decimals` (the most to show) tell a client how to present it. No value
    of a `public` top list names a person, so a language model may be told them.
    """

    name: str
    kind: str
    title: str
    unit: str = "count"
    events: tuple[str, ...] = ()
    field: str | None = None
    where: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    missing: str | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    about: str | None = None
    better: str | None = None
    decimals: int | None = None
    public: bool = False

    @cached_property
    def identity(self) -> str:
        """The name of the measure's state in a cell: its kind and a hash."""
        meaning = [self.kind, sorted(self.events), self.field, self.where, self.missing]
        return f"{self.kind}:{sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:8]}"

    def as_dict(self) -> dict[str, Any]:
        """Return what a client needs to show the measure; what is not declared is left out."""
        hints = {"about": self.about, "better": self.better, "decimals": self.decimals}
        shown = {name: hint for name, hint in hints.items() if hint is not None}
        return {"name": self.name, "title": self.title, "unit": self.unit, **shown}


@dataclass(frozen=True, slots=True)
class Series:
    """A measure by day of the window, or by each of the `last` hours."""

    name: str
    title: str
    measure: str
    grain: str
    last: int = 0


@dataclass(frozen=True)
class Dashboard:
    """A declared dashboard. `tabs` maps a tab to its entries, each a measure's name.

    `timelines` names the types of events that stand in the timeline of their session, each with the fields it shows.
    `insights` is how many of the workspace's last insights it shows; none has a section for them, if it is 0.
    """

    name: str
    title: str
    measures: Mapping[str, Measure]
    kpis: tuple[str, ...]
    charts: tuple[Series, ...]
    tabs: Mapping[str, tuple[str, ...]]
    timelines: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    insights: int = 0

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything that a snapshot depends on."""
        meaning = [[m.name, m.identity, m.kind, m.options] for m in self.measures.values()]
        shown = [self.kpis, [[s.name, s.measure, s.grain, s.last] for s in self.charts], list(self.tabs.items())]
        insights = [self.insights] if self.insights else []
        return sha256(json.dumps([meaning, shown, *insights], sort_keys=True).encode()).hexdigest()[:16]

    @property
    def trailing_hours(self) -> int:
        """How many of the last hours a series by hour asks for."""
        return max((series.last for series in self.charts), default=0)

    def folded(self) -> tuple[Measure, ...]:
        """Return the measures that fold events."""
        return tuple(measure for measure in self.measures.values() if measure.kind != "ratio")

    def as_dict(self) -> dict[str, Any]:
        """Return what a client needs to show the dashboard."""
        return {
            "name": self.name,
            "title": self.title,
            "kpis": [self.measures[name].as_dict() for name in self.kpis],
            "charts": [
                {**self.measures[s.measure].as_dict(), "name": s.name, "title": s.title, "grain": s.grain}
                | {"measure": s.measure}
                for s in self.charts
            ],
            "tabs": [
                {"name": tab, "title": title_of(tab), "entries": [self._entry(self.measures[name]) for name in entries]}
                for tab, entries in self.tabs.items()
            ],
            **({"insights": self.insights} if self.insights else {}),
        }

    def _entry(self, measure: Measure) -> dict[str, Any]:
        """Return an entry of a tab; a top list names the shown count of all its events, if there is one."""
        if measure.kind != "top":
            return measure.as_dict() | {"kind": "measure"}
        shown = {*self.kpis, *(name for entries in self.tabs.values() for name in entries)}
        total = next((m.name for m in self.measures.values() if m.name in shown and _counts_all_of(m, measure)), None)
        return measure.as_dict() | {"kind": "top"} | ({"share_of": total} if total else {})


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Dashboard]:
    """Return the dashboards that come with Tidemark, by name."""
    files = [file for file in resources.files("tidemark.dashboards").iterdir() if file.name.endswith(".yaml")]
    loaded = [load(file.read_text(encoding="utf-8"), file.name) for file in files]
    return {dashboard.name: dashboard for dashboard in sorted(loaded, key=lambda dashboard: dashboard.name)}


def load(text: str, file: str) -> Dashboard:
    """Return the dashboard that the YAML `text` of `file` declares; raises `DefinitionError`."""
    from tidemark.domain.definition_reader import read  # here: only what renders or folds needs YAML (cold start)

    return read(text, file)


def title_of(name: str) -> str:
    """Return the title of what is declared without one."""
    return name.replace("_", " ").capitalize()


def _counts_all_of(count: Measure, top: Measure) -> bool:
    """Tell whether `count` counts the very events whose values `top` lists."""
    return count.kind == "count" and set(count.events) == set(top.events) and count.where == top.where
