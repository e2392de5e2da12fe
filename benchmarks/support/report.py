"""What a benchmark prints: the machine, tables for people and, last, one line of JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()}


def heading(title: str) -> None:
    """Print the title of the benchmark and the machine."""
    found = machine()
    print(f"{title}\nPython {found['python']}, {found['cores']} cores, {found['machine']}\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns: the first to the left, the others to the right."""
    cells = [list(columns), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(columns))]
    for number, row in enumerate(cells):
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join([first.strip().ljust(widths[0]), *others]).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    print()


def result(benchmark: str, figures: Mapping[str, Any]) -> None:
    """Print the line of JSON."""
    print(json.dumps({"benchmark": benchmark, **machine(), **figures}))


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.4g}" if abs(cell) >= 1 else f"{cell:.4f}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)
