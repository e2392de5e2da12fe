"""The speed of the compiled fold against a fold written by hand for the same measures, and against parsing the JSON.

Each round runs all contestants one after the other over the same batches, so that what disturbs one disturbs all;
the figures are medians over the rounds, the ratios medians of the rounds' ratios.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.support.by_hand import WebFold
from benchmarks.support.report import heading, result, table
from benchmarks.support.traffic import batches, page_views
from tidemark.domain.cells import Cell, merge
from tidemark.domain.definitions import shipped
from tidemark.domain.fold import Fold
from tidemark.domain.snapshot import INSIGHTS, Frame, render
from tidemark.domain.views import View, window_of
from tidemark.services.ports import Workspace

EVENTS = 20_000
SIZES = (100, 1_000)
ROUNDS = 15
START = datetime(2026, 11, 18, 10, tzinfo=UTC)

Events = list[dict[str, Any]]


def main() -> None:
    """Measure every batch size and print."""
    heading(f"The compiled fold: events a second, medians of {ROUNDS} rounds over {EVENTS:,} page views")
    web, every = Fold([shipped()["web"]]), Fold(shipped()[name] for name in Workspace("").dashboards)
    figures = {}
    rows = []
    for size in SIZES:
        stream = batches(page_views(START, per_second=100), size)
        work = [next(stream) for _ in range(EVENTS // size)]
        check_equal(web, work)
        speeds = measure(
            {
                "parsing": (parse, [lines(batch) for batch in work]),
                "by hand": (lambda batch: WebFold()(batch), work),
                "compiled, web": (web, work),
                "compiled, all dashboards": (every, work),
            }
        )
        for name, per_round in speeds.items():
            rows.append(
                [
                    f"{name}, batches of {size:,}",
                    statistics.median(per_round),
                    ratio(per_round, speeds["by hand"]),
                    ratio(per_round, speeds["parsing"]),
                ]
            )
        figures[str(size)] = {
            "parsing_per_second": round(statistics.median(speeds["parsing"])),
            "by_hand_per_second": round(statistics.median(speeds["by hand"])),
            "compiled_per_second": round(statistics.median(speeds["compiled, web"])),
            "compiled_all_per_second": round(statistics.median(speeds["compiled, all dashboards"])),
            "compiled_to_by_hand": round(ratio(speeds["compiled, web"], speeds["by hand"]), 3),
            "compiled_to_parsing": round(ratio(speeds["compiled, web"], speeds["parsing"]), 3),
        }
    table(["what", "events/s", "x by hand", "x parsing"], rows)
    print("To reach: at least 0.5 x by hand; at least 0.8 x parsing (400,000 where parsing runs at 500,000).\n")
    result("fold", {"events": EVENTS, "rounds": ROUNDS, "batches": figures})


def measure(contestants: dict[str, tuple[Callable[[Any], object], Sequence[Any]]]) -> dict[str, list[float]]:
    """Return events a second by contestant, a figure a round."""
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, (run, work) in contestants.items():
            started = time.perf_counter()
            for batch in work:
                run(batch)
            speeds[name].append(EVENTS / (time.perf_counter() - started))
    return speeds


def ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def lines(events: Events) -> list[str]:
    """Return the events as NDJSON."""
    return [json.dumps(event, separators=(",", ":")) for event in events]


def parse(texts: Sequence[str]) -> Events:
    """Return the events of NDJSON lines."""
    return [json.loads(text) for text in texts]


def check_equal(compiled: Fold, work: Sequence[Events]) -> None:
    """Raise unless both folds show the same of all events; uncompacted, so that unique counts are exact."""
    by_hand = WebFold()
    for batch in work:
        by_hand(batch)
    cell: Cell = merge(compiled(batch) for batch in work)
    dashboard = shipped()["web"]
    sections = render(dashboard, window_of(View("web", 1), START, "UTC", dashboard.trailing_hours), Frame(total=cell))
    shown = {name: data for name, data in sections.items() if name not in ("charts", INSIGHTS)}
    if shown != by_hand.shown():
        raise AssertionError("the fold by hand and the compiled fold differ")


if __name__ == "__main__":
    main()
