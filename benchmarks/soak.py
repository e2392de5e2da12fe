"""Memory over half an hour: the page in Chromium, and every function's process, under a steady flow with a live viewer.

Runs on a local AWS of its own. Each minute has its sample: what the page's heap holds after a garbage collection, its
DOM nodes and listeners, and the resident memory of every function process. A straight line is fitted to the samples
after the warm-up; its slope comes with the half width of its 95 % interval (least squares, Student's t). Memory is flat
when that interval reaches zero, or when the slope is below a thousandth of the memory a minute.
"""

from __future__ import annotations

import argparse
import math
import re
import shutil
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import CDPSession, sync_playwright

from benchmarks.support.report import heading, result, table
from local.live import flow
from local.temporary import System, temporary_system

MINUTES = 30
WARM_UP_MINUTES = 5
SAMPLES_PER_MINUTE = 2
FLAT_SHARE = 0.001
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-precise-memory-info"]
WORKER = re.compile(r"tidemark-(\w+?)Function")
T_95: Mapping[int, float] = {1: 12.71, 2: 4.30, 5: 2.57, 10: 2.23, 20: 2.09, 30: 2.04, 60: 2.00}
"""Student's t for a 95 % interval by degrees of freedom, at most."""

Series = list[tuple[float, float]]
"""Samples as (minute, value)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted line: its mean, its slope a minute, and the half width of the slope's 95 % interval."""

    mean: float
    slope: float
    spread: float

    @property
    def is_flat(self) -> bool:
        """Tell whether the slope is within the noise, or too small to matter."""
        return self.slope <= max(self.spread, FLAT_SHARE * self.mean)


@dataclass
class Memory:
    """The samples: of the page by measure, of the functions by process."""

    page: dict[str, Series] = field(default_factory=lambda: defaultdict(list))
    functions: dict[tuple[str, int], Series] = field(default_factory=lambda: defaultdict(list))


def main() -> None:
    """Deploy, seed, watch, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=MINUTES)
    minutes = parser.parse_args().minutes
    heading(f"Memory over {minutes} minutes: a page that watches `web`, two events a second")
    with tempfile.TemporaryDirectory() as directory, temporary_system(Path(directory)) as system:
        memory = watch(system, minutes)
    lines = {
        **{f"page: {name}": fit(series) for name, series in memory.page.items()},
        **by_function(memory.functions),
    }
    rows = [
        [name, line.mean, line.slope, line.spread, "flat" if line.is_flat else "GROWS"] for name, line in lines.items()
    ]
    table(["", "mean", "slope a minute", "± (95 %)", ""], rows)
    print("Heap and functions in KB. Functions: the process of each that grew most.\n")
    figures = {
        name: {"mean": round(line.mean, 1), "slope": round(line.slope, 3), "spread": round(line.spread, 3)}
        for name, line in lines.items()
    }
    result("soak", {"minutes": minutes, "flat": all(line.is_flat for line in lines.values()), "by": figures})


def watch(system: System, minutes: int) -> Memory:
    """Keep a live flow and a page for some minutes; return the samples after the warm-up."""
    stop = threading.Event()
    producer = threading.Thread(target=flow, args=(system.outputs, stop, print))
    producer.start()
    memory = Memory()
    try:
        with sync_playwright() as playwright:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            page = browser.new_page()
            page.goto(system.outputs.dashboard_url)
            page.wait_for_selector('html[data-state="live"]', timeout=60_000)
            devtools = page.context.new_cdp_session(page)
            begun = time.monotonic()
            for number in range(minutes * SAMPLES_PER_MINUTE):
                page.wait_for_timeout(max(0.0, begun + number * 60 / SAMPLES_PER_MINUTE - time.monotonic()) * 1000)
                minute = number / SAMPLES_PER_MINUTE
                if minute >= min(WARM_UP_MINUTES, minutes / 4):
                    sample(memory, minute, devtools, system.emulator.directory)
            browser.close()
    finally:
        stop.set()
        producer.join()
    return memory


def sample(memory: Memory, minute: float, devtools: CDPSession, directory: Path) -> None:
    """Add one sample of everything."""
    devtools.send("HeapProfiler.collectGarbage")
    memory.page["heap"].append((minute, devtools.send("Runtime.getHeapUsage")["usedSize"] / 1024))
    counters = devtools.send("Memory.getDOMCounters")
    memory.page["DOM nodes"].append((minute, counters["nodes"]))
    memory.page["listeners"].append((minute, counters["jsEventListeners"]))
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            command = (process / "cmdline").read_text(errors="replace")
            pages = int((process / "statm").read_text().split()[1])
        except OSError:
            continue  # it has ended meanwhile
        name = WORKER.search(command)
        if name and str(directory) in command:
            memory.functions[name[1], int(process.name)].append((minute, pages * 4.0))


def fit(series: Series) -> Line:
    """Fit a line by least squares; the half width is infinite for fewer than three samples."""
    minutes, values = [x for x, _ in series], [y for _, y in series]
    mean = statistics.fmean(values)
    if len(series) < 3:
        return Line(mean, 0.0, math.inf)
    slope, intercept = statistics.linear_regression(minutes, values)
    residuals = sum((y - intercept - slope * x) ** 2 for x, y in series)
    freedom = len(series) - 2
    centre = statistics.fmean(minutes)
    error = math.sqrt(residuals / freedom / sum((x - centre) ** 2 for x in minutes))
    return Line(mean, slope, error * T_95[max(least for least in T_95 if least <= freedom)])


def by_function(functions: Mapping[tuple[str, int], Series]) -> dict[str, Line]:
    """Return for each function the line of its process that grew most, of those that lived for half the time."""
    longest = max((len(series) for series in functions.values()), default=0)
    found: dict[str, Line] = {}
    for (name, _), series in sorted(functions.items()):
        line = fit(series)
        if len(series) * 2 >= longest and (name not in found or line.slope > found[name].slope):
            found[name] = line
    return found


if __name__ == "__main__":
    main()
