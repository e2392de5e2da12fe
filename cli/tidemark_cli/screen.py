"""A view in the terminal: kpis, sparklines and top lists, for whatever a dashboard declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tidemark_cli.replica import Replica

BLOCKS = "▁▂▃▄▅▆▇█"
MAX_POINTS = 60
MAX_ROWS = 10
BAR_CHARACTERS = 12


@dataclass(slots=True)
class Session:
    """What has happened since the view was opened, for the state line."""

    state: str = "connecting"
    snapshots: int = 0
    deltas: int = 0
    updated_at: datetime | None = None


def screen(title: str, replica: Replica, session: Session) -> RenderableType:
    """Return the whole view."""
    parts: list[RenderableType] = [Text(title, style="bold"), _kpis(replica.sections.get("kpis", {}))]
    for name, section in replica.sections.items():
        if name != "kpis" and section:
            parts.append(_section(name, section))
    return Group(*parts, state_line(replica, session))


def state_line(replica: Replica, session: Session) -> Text:
    """Return one line that says how fresh and how certain the view is."""
    position = replica.position
    words = [f"● {session.state}"]
    if position is not None:
        words.append(f"position {position.epoch[:8]}/{position.seq}")
    words.append(f"{session.deltas} deltas, {session.snapshots} snapshots, checksums verified")
    if session.updated_at is not None:
        words.append(f"updated {session.updated_at.astimezone():%H:%M:%S}")
    return Text(" · ".join(words), style="green" if session.state == "live" else "yellow")


def number(value: Any) -> str:
    """Return a value for people: thousands separated, at most two decimals."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return printable(str(value))
    text = f"{value:,.2f}"
    return text.removesuffix(".00") if text.endswith(".00") else text


def counted(count: int, noun: str) -> str:
    """Return how many there are of something, for people: `1 hour`, `2,000 hours`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def sparkline(values: list[float]) -> str:
    """Return a bar of eight heights for each value, the lowest being zero (or the smallest, if that is below)."""
    if not values:
        return ""
    floor, ceiling = min(0.0, *values), max(values)
    span = ceiling - floor
    return "".join(BLOCKS[round((value - floor) / span * (len(BLOCKS) - 1)) if span else 0] for value in values)


def printable(text: str) -> str:
    """Return text that came from outside without what would steer the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def in_order(entries: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return (name, value) of the points of a series or the rows of a top list, as `order` says."""
    ordered = sorted(entries.items(), key=lambda entry: (entry[1]["order"], entry[0]))
    return [(name, entry["value"]) for name, entry in ordered]


def _kpis(kpis: Mapping[str, Any]) -> RenderableType:
    cards = [Panel(Text(number(value), style="bold cyan"), title=_label(name)) for name, value in kpis.items()]
    return Columns(cards, expand=False)


def _section(name: str, section: Mapping[str, Any]) -> RenderableType:
    if name == "insights":
        return Panel(Group(*_insights(section)), title="insights", title_align="left")
    entries = [_entry(_label(entry), value) for entry, value in section.items()]
    return Panel(Group(*entries), title=_label(name.removeprefix("tabs.")), title_align="left")


def _entry(label: str, value: Any) -> RenderableType:
    match value:
        case {"points": points}:
            return _series(label, in_order(points)[-MAX_POINTS:])
        case {"rows": rows}:
            return _top_list(label, in_order(rows)[:MAX_ROWS])
    return Text.assemble((f"{label}  ", "dim"), (number(value), "bold"))


def _series(label: str, points: list[tuple[str, Any]]) -> RenderableType:
    values = [float(value) if isinstance(value, int | float) else 0.0 for _, value in points]
    if not points:
        return Text(f"{label}  no data yet", style="dim")
    span = f"{points[0][0]} … {points[-1][0]}, at most {number(max(values))}"
    return Text.assemble((f"{label}  ", "dim"), (sparkline(values), "cyan"), (f"  {span}", "dim"))


def _top_list(label: str, rows: list[tuple[str, Any]]) -> RenderableType:
    if not rows:
        return Text(f"{label}  no data yet", style="dim")
    largest = max((value for _, value in rows if isinstance(value, int | float)), default=0)
    table = Table(title=label, title_justify="left", title_style="dim", box=None, show_header=False, pad_edge=False)
    table.add_column(overflow="ellipsis", no_wrap=True, max_width=60)
    table.add_column(justify="right")
    table.add_column()
    for name, value in rows:
        share = value / largest if largest and isinstance(value, int | float) else 0
        table.add_row(Text(printable(name) or "(none)"), number(value), "█" * round(share * BAR_CHARACTERS))
    return table


def _insights(section: Mapping[str, Any]) -> list[RenderableType]:
    newest_first = sorted(section.values(), key=lambda insight: insight["order"], reverse=True)
    return [
        Text.assemble((f"{insight['confidence']:4.0%}  ", "dim"), printable(insight["summary"]))
        for insight in newest_first
    ]


def _label(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")
