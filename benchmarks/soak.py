"""Memory over half an hour: the page in Chromium, and every function's process, under a steady flow with a live viewer.

Runs on a local AWS of its own. Each minute has its sample: what the page's heap holds after a garbage collection, its
DOM nodes and listeners, and the resident memory of every function process. A straight line is fitted to the samples
after the warm-up; its slope comes with the half width of its 95 % interval (least squares, Student's t). The verdict is

- flat: the interval reaches zero;
- cache: it does not, but even its upper end, over all the minutes, stays within the caches of `caches_kilobytes`;
- GROWS: neither.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import CDPSession, sync_playwright

from benchmarks.support.report import heading, result, table
from benchmarks.support.slope import Line, fit
from local.live import EVENTS_PER_SECOND, flow
from local.temporary import System, temporary_system

MINUTES = 30
WARM_UP_MINUTES = 5
SAMPLES_PER_MINUTE = 2
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-precise-memory-info"]
WORKER = re.compile(r"tidemark-(\w+?)Function")
NAMES_KILOBYTES = 4096 * 72 / 1024
"""CPython keeps the last 4,096 names of attributes that were looked up, and botocore makes new ones for every call, of
64 to 80 bytes. Without them a function keeps nothing of a call (tests/integration/test_memory.py)."""
ADDRESSES_KILOBYTES = 128 * 1.1
"""The last 128 addresses that `urllib.parse` has split: the health check's, each with its ticket."""
MARKS_KILOBYTES = (70 + 83) / 1024
"""What the fold keeps of an event that comes in a chunk of its own, until its hour is over (services/fold.py)."""

Series = list[tuple[float, float]]
"""Samples as (minute, value)."""


@dataclass
class Memory:
    """The samples: of the page by measure, of the functions by process."""

    page: dict[str, Series] = field(default_factory=lambda: defaultdict(list))
    functions: dict[tuple[str, int], Series] = field(default_factory=lambda: defaultdict(list))


def main() -> None:
    """Deploy, seed, watch, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=MINUTES, help="how long to watch, warm-up included")
    minutes = parser.parse_args().minutes
    heading(f"Memory over {minutes} minutes: a page that watches `web`, two events a second")
    with tempfile.TemporaryDirectory() as directory, temporary_system(Path(directory)) as system:
        memory = watch(system, minutes)
    lines = {
        **{f"page: {name}": fit(series) for name, series in memory.page.items()},
        **by_function(memory.functions),
    }
    caches = {name: caches_kilobytes(name, line.minutes) for name, line in lines.items()}
    verdicts = {name: line.verdict(caches[name]) for name, line in lines.items()}
    rows = [[name, line.mean, line.slope, line.spread, caches[name], verdicts[name]] for name, line in lines.items()]
    table(["", "mean", "slope a minute", "± (95 %)", "caches", ""], rows)
    print("Heap, functions and caches in KB. Functions: the process of each that grew most.\n")
    figures = {
        name: {
            "mean": round(line.mean, 1),
            "slope": round(line.slope, 3),
            "spread": round(line.spread, 3),
            "verdict": verdicts[name],
        }
        for name, line in lines.items()
    }
    result("soak", {"minutes": minutes, "grows": "GROWS" in verdicts.values(), "by": figures})


def caches_kilobytes(name: str, minutes: float) -> float:
    """Return how much the caches of a function, or of the page, may grow by in some minutes of the flow."""
    if name.startswith("page"):
        return 0.0
    of_its_own = {"CronHealth": ADDRESSES_KILOBYTES, "StreamFold": minutes * 60 * EVENTS_PER_SECOND * MARKS_KILOBYTES}
    return NAMES_KILOBYTES + of_its_own.get(name, 0.0)


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
