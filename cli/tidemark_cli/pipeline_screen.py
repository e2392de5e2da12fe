"""Batches, jobs, insights and breakers in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from tidemark_cli.screen import number, printable

COLOURS = {
    "OPEN": "cyan",
    "SEALED": "yellow",
    "ANALYZED": "green",
    "PENDING": "yellow",
    "RUNNING": "cyan",
    "SUCCESS": "green",
    "FAILED": "red",
    "CLOSED": "green",
    "HALF_OPEN": "yellow",
}

Entry = Mapping[str, Any]


def batches_table(batches: Iterable[Entry]) -> Table:
    """Return batches, a row each."""
    table = _table("workspace", "batch", "state", "events", "sealed", "by", "job")
    for batch in batches:
        job = batch.get("job", {})
        table.add_row(
            batch["workspace_id"],
            batch["batch_id"],
            _state(batch["state"]),
            number(batch["events"]),
            at(batch.get("sealed_at")),
            batch.get("sealed_by", ""),
            _state(job.get("state", "")),
        )
    return table


def jobs_table(jobs: Iterable[Entry]) -> Table:
    """Return jobs, a row each."""
    table = _table("workspace", "batch", "job", "attempts", "ended", "next", "error")
    for entry in jobs:
        job = entry["job"]
        table.add_row(
            entry["workspace_id"],
            entry["batch_id"],
            _state(job["state"]),
            number(job["attempts"]),
            at(job.get("finished_at")),
            at(job.get("due_at") or job.get("lease_until")),
            Text(error(job)),
        )
    return table


def insights_table(insights: Iterable[Entry]) -> Table:
    """Return insights, a row each."""
    table = _table("batch", "until", "events", "confidence", "summary")
    for insight in insights:
        table.add_row(
            insight["insight_id"],
            at(insight["last_event_at"]),
            number(insight["events"]),
            f"{insight['confidence']:.0%}",
            Text(printable(insight["summary"])),
        )
    return table


def breakers_table(breakers: Iterable[Entry]) -> Table:
    """Return breakers, a row each."""
    table = _table("provider", "state", "failures", "since", "until")
    for breaker in breakers:
        table.add_row(
            breaker["provider"],
            _state(breaker["state"]),
            number(breaker["failures"]),
            at(breaker.get("since")),
            at(breaker.get("until")),
        )
    return table


def insight_lines(insight: Entry) -> list[str]:
    """Return an insight in full: what it says, and the figures behind each claim."""
    lines = [
        f"{insight['summary']} ({insight['confidence']:.0%})",
        f"{number(insight['events'])} events from {at(insight['first_event_at'])} to {at(insight['last_event_at'])}, "
        f"by {insight['provider']} ({insight['model']})",
    ]
    for pattern in insight["patterns"]:
        lines.append(f"- {pattern['text']} ({pattern['confidence']:.0%})")
        lines += [f"    {_figure(figure)}" for figure in pattern["figures"]]
    lines += [f"> {recommendation}" for recommendation in insight["recommendations"]]
    return [printable(line) for line in lines]


def error(job: Entry) -> str:
    """Return why a job failed last, if it did."""
    found = job.get("error")
    return printable(f"{found['code']}: {found['message']}") if found else ""


def at(time: str | None) -> str:
    """Return a time in UTC without its fraction, as `2026-11-22 10:00:00`."""
    return time[:19].replace("T", " ") if time else ""


def _figure(figure: Entry) -> str:
    usual = f", usually {number(figure['usual'])}" if figure.get("usual") is not None else ""
    return f"{figure['name']}: {number(figure['value'])}{usual} {figure['unit']}"


def _state(state: str) -> Text:
    return Text(state, style=COLOURS.get(state, ""))


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in columns:
        is_number = name in ("events", "attempts", "failures", "confidence")
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    return table
