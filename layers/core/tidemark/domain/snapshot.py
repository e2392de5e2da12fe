"""Snapshots: what a view shows, rendered from the cells of its window.

Rendering goes through a `Frame`, the cells of a window merged as far as the dashboard's series need them: the whole
window, its days, its last hours. Frames merge like cells do, so the settled part of a window is merged once and the
open hours are added to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from types import MappingProxyType
from typing import Any, TypeVar

import rfc8785

from tidemark.domain.cells import Cell, kind_of, merge
from tidemark.domain.definitions import Dashboard, Measure, Series
from tidemark.domain.hours import day_of, day_seconds, hour_seconds
from tidemark.domain.numeric import quotient
from tidemark.domain.views import Window

Key = TypeVar("Key")

Sections = Mapping[str, Any]
"""A snapshot's data by section: `kpis`, `charts`, `tabs.<name>` and, where a dashboard declares it, `insights`."""

INSIGHTS = "insights"


@dataclass(frozen=True, slots=True)
class Frame:
    """The merged cells of a window: of all its hours, by day and by trailing hour."""

    total: Cell = field(default_factory=Cell)
    days: Mapping[date, Cell] = field(default_factory=dict)
    hours: Mapping[str, Cell] = field(default_factory=dict)


def frame_of(dashboard: Dashboard, window: Window, cells: Iterable[tuple[str, Cell]]) -> Frame:
    """Return the frame of (hour, cell) pairs; hours outside the window are left out."""
    wanted = {measure.identity for measure in dashboard.folded()}
    by_grain = {grain: _identities(dashboard, grain) for grain in ("day", "hour")}
    inside, trailing = set(window.hours), set(window.trailing)
    total: list[Cell] = []
    days: dict[date, list[Cell]] = {}
    hours: dict[str, list[Cell]] = {}
    for hour, cell in cells:
        if hour in inside:
            total.append(cell.only(wanted))
            days.setdefault(day_of(hour, window.timezone), []).append(cell.only(by_grain["day"]))
        if hour in trailing:
            hours.setdefault(hour, []).append(cell.only(by_grain["hour"]))
    return Frame(
        merge(total),
        {day: merge(parts) for day, parts in days.items()},
        {hour: merge(parts) for hour, parts in hours.items()},
    )


def merge_frames(one: Frame, other: Frame) -> Frame:
    """Return the frame of both."""
    return Frame(
        merge((one.total, other.total)), _merge_maps(one.days, other.days), _merge_maps(one.hours, other.hours)
    )


def render(
    dashboard: Dashboard, window: Window, frame: Frame, insights: Mapping[str, Any] = MappingProxyType({})
) -> Sections:
    """Return the sections that the dashboard shows of the frame; an empty frame gives a valid, empty snapshot.

    `insights` is the section of that name, for a dashboard that has it.
    """
    sections: dict[str, Any] = {
        "kpis": {name: value_of(dashboard, name, frame.total) for name in dashboard.kpis},
        "charts": {series.name: _series(dashboard, series, window, frame) for series in dashboard.charts},
    }
    for tab, entries in dashboard.tabs.items():
        sections[f"tabs.{tab}"] = {name: value_of(dashboard, name, frame.total) for name in entries}
    if dashboard.insights:
        sections[INSIGHTS] = dict(insights)
    return sections


def checksum(value: Any) -> str:
    """Return the SHA-256, in hex, of the RFC 8785 canonical JSON of a value."""
    return sha256(rfc8785.dumps(value)).hexdigest()


def checksums_of(sections: Sections, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the checksum of every section, and `full`, that of {section: checksum}.

    `known` holds checksums of sections that need not be computed again.
    """
    by_section = {name: (known or {}).get(name) or checksum(data) for name, data in sections.items()}
    return {**by_section, "full": checksum(by_section)}


def _series(dashboard: Dashboard, series: Series, window: Window, frame: Frame) -> dict[str, Any]:
    if series.grain == "day":
        starts: dict[str, tuple[int, Cell]] = {
            day.isoformat(): (day_seconds(day), frame.days.get(day, Cell())) for day in window.days
        }
    else:
        last = window.trailing[-series.last :]
        starts = {hour: (hour_seconds(hour), frame.hours.get(hour, Cell())) for hour in last}
    points = {
        name: {"order": start, "value": value_of(dashboard, series.measure, cell)}
        for name, (start, cell) in starts.items()
    }
    return {"grain": series.grain, "points": points}


def value_of(dashboard: Dashboard, name: str, cell: Cell) -> Any:
    """Return what a measure of the dashboard shows of a cell."""
    measure = dashboard.measures[name]
    if measure.kind == "ratio":
        of, over = (value_of(dashboard, measure.options[part], cell) for part in ("of", "over"))
        return quotient(of * 100 if measure.options["percent"] else of, over)
    return _folded_value(measure, cell)


def _folded_value(measure: Measure, cell: Cell) -> Any:
    kind = kind_of(measure.identity)
    state = cell.states.get(measure.identity)
    return kind.value(kind.merge(()) if state is None else state, measure.options)


def _identities(dashboard: Dashboard, grain: str) -> set[str]:
    """Return the states that the series of a grain need."""
    found = set()
    for series in dashboard.charts:
        if series.grain == grain:
            measure = dashboard.measures[series.measure]
            parts = [measure.options["of"], measure.options["over"]] if measure.kind == "ratio" else [measure.name]
            found |= {dashboard.measures[part].identity for part in parts}
    return found


def _merge_maps(one: Mapping[Key, Cell], other: Mapping[Key, Cell]) -> dict[Key, Cell]:
    added = {key: merge((one[key], cell)) if key in one else cell for key, cell in other.items()}
    return {**one, **added}
