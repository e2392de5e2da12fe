"""Half an hour of 100 events a second, then a minute of 20 times as many: all must be there, and no memory grow.

Runs on a local AWS of its own, with the page that watches `web` in two Chromiums, of which one only interprets: what V8
compiles, in the other, is on the same heap as what the page holds. When the burst is over and all of it is
acknowledged, what the page and a fresh snapshot show is compared with what was sent, every batch is sealed, and its
events are counted.

During the steady half hour there are two samples a minute: what the page's heap holds after a garbage collection, in
all and by what it is, its DOM nodes and listeners, and the resident memory of every function process. A straight line
is fitted to them; its slope comes with the half width of its 95 % interval (least squares, Student's t). The verdict is

- flat: the interval reaches zero;
- cache: it does not, but even its upper end, over all the minutes, stays within the caches of `caches_kilobytes`;
- GROWS: neither.

In the warm-up before it, the functions that are seldom called are called often (benchmarks/support/warmth.py), and
an earlier hour gets `EARLIER_EVENTS`. All the time this hour gets a hundred events more every three minutes, so that it
is closed again, with all that belongs to it. A closing takes what the hour needs, and an hour that ends brings what is
done for the first time: so begin in the first quarter of an hour, and none ends before the burst is over.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import CDPSession, Page, Playwright, sync_playwright

from benchmarks.support.load import EVENTS_PER_REQUEST, Load
from benchmarks.support.pipeline import Batches
from benchmarks.support.report import heading, result, table
from benchmarks.support.residents import Residents, Samples
from benchmarks.support.slope import fit
from benchmarks.support.warmth import CALLS, SCHEDULED, Warmth
from local.outputs import Outputs
from local.temporary import System, temporary_system

MINUTES = 40
WARM_UP_MINUTES = 10
HEALTH_MINUTES = 1
"""Between two visits of the health check: as often as can be set, so that it has warmed up as well."""
SAMPLES_PER_MINUTE = 2
EARLIER = timedelta(hours=2)
EARLIER_EVENTS = 60_000
EARLIER_PER_SECOND = 10.0
"""Requests, while that hour is filled."""
AGAIN_SECONDS = 180
BURST = 20
BURST_SECONDS = 60.0
PATIENCE_SECONDS = 300.0
KINDS = {
    "its own values": {"object", "array", "string", "concatenated string", "sliced string", "closure", "number"},
    "shapes": {"object shape"},
    "compiled code": {"code"},
    "V8's own": {"hidden"},
    "layout": {"native"},
}
"""The types of a heap snapshot's nodes (a string's is `string`, a DOM node's `native`), by what they are."""
PAGES = {"page": "", "interpreted page": "--no-opt --no-maglev --no-sparkplug --regexp-interpret-all"}
"""The pages by name, with the flags of their V8."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-precise-memory-info"]
NAMES_KILOBYTES = 4096 * 72 / 1024
"""CPython keeps the last 4,096 names of attributes that were looked up, and botocore makes new ones for every call, of
64 to 80 bytes. Without them a function keeps nothing of a call (tests/integration/test_memory.py)."""
ADDRESSES_KILOBYTES = 128 * 1.1
"""The last 128 addresses that `urllib.parse` has split: the health check's, each with its ticket."""
MARKS_KILOBYTES = (8 + 8 + 83 / EVENTS_PER_REQUEST) / 1024
"""What the fold keeps of an event until its hour is over: its id, once for the cell and once for the batch, and its
share of its chunk's key (services/fold.py, services/batching.py)."""
LATEST_KILOBYTES = 2 * 4096 * 96 / 1024
"""The latest of these ids, which are in sets (domain/idset.py)."""
USUAL_KILOBYTES = 100
"""What is usual in an hour, kept by the workers of the analysis (services/batch_context.py), two hours in a run."""


@dataclass
class PageMemory:
    """The samples of one page, by measure."""

    samples: dict[str, Samples] = field(default_factory=lambda: defaultdict(list))

    def sample(self, minute: float, devtools: CDPSession) -> None:
        """Add one sample of each."""
        devtools.send("HeapProfiler.collectGarbage")
        self.samples["heap"].append((minute, devtools.send("Runtime.getHeapUsage")["usedSize"] / 1024))
        for kind, kilobytes in heap_kilobytes(devtools).items():
            self.samples[f"heap, {kind}"].append((minute, kilobytes))
        counters = devtools.send("Memory.getDOMCounters")
        self.samples["DOM nodes"].append((minute, counters["nodes"]))
        self.samples["listeners"].append((minute, counters["jsEventListeners"]))


def heap_kilobytes(devtools: CDPSession) -> dict[str, float]:
    """Return what is in the page's heap by `KINDS`, from a snapshot: rows of numbers, whose columns its head names."""
    chunks: list[str] = []

    def take(event: dict[str, str]) -> None:
        chunks.append(event["chunk"])

    devtools.on("HeapProfiler.addHeapSnapshotChunk", take)
    devtools.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    devtools.remove_listener("HeapProfiler.addHeapSnapshotChunk", take)
    snapshot = json.loads("".join(chunks))
    columns, nodes = snapshot["snapshot"]["meta"]["node_fields"], snapshot["nodes"]
    types = snapshot["snapshot"]["meta"]["node_types"][columns.index("type")]
    of_type, sizes = (nodes[columns.index(name) :: len(columns)] for name in ("type", "self_size"))
    held: Counter[str] = Counter()
    for number, size in zip(of_type, sizes, strict=True):
        held[types[number]] += size
    return {kind: sum(held[each] for each in names) / 1024 for kind, names in KINDS.items()}


def main() -> None:
    """Deploy, load, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=MINUTES, help="of steady load, warm-up included")
    minutes = parser.parse_args().minutes
    heading(f"{minutes} minutes of {EVENTS_PER_REQUEST} events a second, then {BURST_SECONDS:.0f} s of {BURST} times")
    memory = {name: PageMemory() for name in PAGES}
    parameters = (f"HealthMinutes={HEALTH_MINUTES}",)
    with (
        tempfile.TemporaryDirectory() as directory,
        temporary_system(Path(directory), parameters=parameters) as system,
    ):
        residents = Residents(system.emulator.directory)
        figures = soak(system, minutes, memory, residents)
    table(["", "figure"], [[name, value] for name, value in figures.items()])
    of_pages = {f"{page}: {name}": fit(each) for page, held in memory.items() for name, each in held.samples.items()}
    lines = {**of_pages, **residents.lines()}
    caches = {name: caches_kilobytes(name, line.minutes) for name, line in lines.items()}
    verdicts = {name: line.verdict(caches[name]) for name, line in lines.items()}
    rows = [[name, line.mean, line.slope, line.spread, caches[name], verdicts[name]] for name, line in lines.items()]
    table(["", "mean", "slope a minute", "± (95 %)", "caches", ""], rows)
    print("Heap, functions and caches in KB. Functions: the process of each that grew most.\n")
    by = {
        name: {
            "mean": round(line.mean, 1),
            "slope": round(line.slope, 3),
            "spread": round(line.spread, 3),
            "verdict": verdicts[name],
        }
        for name, line in lines.items()
    }
    result("soak", {"minutes": minutes, **figures, "grows": "GROWS" in verdicts.values(), "by": by})


def caches_kilobytes(name: str, minutes: float) -> float:
    """Return how much the caches of a function, or of the page, may grow by in some minutes of the steady load."""
    if name.partition(":")[0] in PAGES:
        return 0.0
    of_its_own = {
        "CronHealth": ADDRESSES_KILOBYTES,
        "StreamFold": LATEST_KILOBYTES + minutes * 60 * EVENTS_PER_REQUEST * MARKS_KILOBYTES,
        "QueueAnalysis": 2 * USUAL_KILOBYTES,
    }
    return NAMES_KILOBYTES + of_its_own.get(name, 0.0)


def soak(system: System, minutes: int, memory: Mapping[str, PageMemory], residents: Residents) -> dict[str, Any]:
    """Load the system, with pages that watch; return what came of it."""
    load, warmth = Load(system.outputs), Warmth(system.outputs)
    earlier = Load(system.outputs, EARLIER_PER_SECOND, happened_at=datetime.now(UTC) - EARLIER, seed=2)
    load.start()
    try:
        with sync_playwright() as playwright:
            pages = {name: live_page(playwright, system.outputs, PAGES[name]) for name in memory}
            devtools = {name: page.context.new_cdp_session(page) for name, page in pages.items()}
            page = pages["page"]
            warmth.start()
            earlier.start()
            begun, steady_at = time.monotonic(), datetime.now(UTC)
            for number in range(minutes * SAMPLES_PER_MINUTE):
                page.wait_for_timeout(max(0.0, begun + number * 60 / SAMPLES_PER_MINUTE - time.monotonic()) * 1000)
                minute = number / SAMPLES_PER_MINUTE
                if earlier.accepted >= EARLIER_EVENTS:
                    earlier.requests_per_second = 1 / AGAIN_SECONDS
                if minute < min(WARM_UP_MINUTES, minutes / 4):
                    steady_at = datetime.now(UTC)
                else:
                    for name, session in devtools.items():
                        memory[name].sample(minute, session)
                    residents.sample(minute)
            earlier.end()
            warmth.join()
            steady = residents.largest()
            burst_at = datetime.now(UTC)
            load.requests_per_second *= BURST
            page.wait_for_timeout(BURST_SECONDS * 1000)
            began = time.monotonic()
            load.end()
            acknowledged = time.monotonic() - began
            sent = load.shown + earlier.shown
            shown = drained(system.outputs, sent)
            drained_after = time.monotonic() - began
            page.wait_for_timeout(5_000)
            pageviews = {name: page_views_on(page) for name, page in pages.items()}
    finally:
        load.end()
        earlier.end()
    batches = Batches(system.outputs)
    finished = batches.finish()
    after = residents.largest()
    return {
        "events sent": sent["pageviews"],
        "of these to an earlier hour": earlier.accepted,
        "requests repeated": load.repeated + earlier.repeated,
        "seconds until all were acknowledged": round(acknowledged, 1),
        "seconds until all were shown": round(drained_after, 1),
        **{f"{name}: shown less sent": shown[name] - value for name, value in sent.items()},
        **{f"page views on the {name} less sent": found - sent["pageviews"] for name, found in pageviews.items()},
        "seconds until all batches were analysed": round(finished, 1),
        **batches.figures(steady_at, burst_at),
        "of these the page's own": lifecycle_events(system.outputs),
        "calls of the warm-up": f"{warmth.answered} of {CALLS * (len(SCHEDULED) + 1)}",
        "drift of the hours that have closed": drift(system.outputs),
        "largest process before the burst, MB": round(max(steady.values()) / 1024),
        "largest process at the end, MB": round(max(after.values()) / 1024),
    }


def live_page(playwright: Playwright, outputs: Outputs, flags: str) -> Page:
    """Return the page in a Chromium of its own, live."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    browser = playwright.chromium.launch(
        executable_path=path, args=[*FLAGS, *([f"--js-flags={flags}"] if flags else [])]
    )
    page = browser.new_page()
    page.goto(outputs.dashboard_url)
    page.wait_for_selector('html[data-state="live"]', timeout=60_000)
    return page


def drained(outputs: Outputs, sent: Counter[str]) -> dict[str, int]:
    """Return the KPIs of a fresh snapshot once they hold all that was sent, or after `PATIENCE_SECONDS`."""
    began = time.monotonic()
    while True:
        answer = httpx.get(
            f"{outputs.http_url}/v1/workspaces/{outputs.workspace}/snapshot",
            params={"dashboard": "web", "days": 30},
            headers={"Authorization": f"Bearer {outputs.read_token}"},
            timeout=60,
            trust_env=False,
        )
        if answer.status_code == httpx.codes.OK:
            kpis: dict[str, int] = answer.json()["kpis"]
            if kpis["pageviews"] >= sent["pageviews"] or time.monotonic() - began > PATIENCE_SECONDS:
                return kpis
        time.sleep(1)


def drift(outputs: Outputs) -> int:
    """Return how many measures of the hours that have closed were not what the log gives: of none, if none has."""
    answer = httpx.get(
        f"{outputs.http_url}/v1/admin/health",
        headers={"Authorization": f"Bearer {outputs.admin_token}"},
        timeout=60,
        trust_env=False,
    )
    found: int = answer.raise_for_status().json()["workspace"]["drift"]
    return found


def lifecycle_events(outputs: Outputs) -> int:
    """Return how many events of its own work the page's SDK has recorded."""
    answer = httpx.get(
        f"{outputs.http_url}/v1/workspaces/{outputs.workspace}/metrics",
        params={"dashboard": "lifecycle", "measures": "events_by_dashboard", "grain": "all"},
        headers={"Authorization": f"Bearer {outputs.read_token}"},
        timeout=60,
        trust_env=False,
    )
    rows = answer.raise_for_status().json()["rows"][0]["values"]["events_by_dashboard"]["rows"]
    return sum(int(row["value"]) for row in rows.values())


def page_views_on(page: Page) -> int:
    """Return the page views that the page shows."""
    return int(page.get_by_test_id("kpi-pageviews").get_attribute("data-value") or 0)


if __name__ == "__main__":
    main()
