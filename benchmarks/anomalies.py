"""How right the statistical provider is: simulated weeks with known anomalies, through the fold and the provider.

Sites of several sizes have six weeks of history, of which some hours are odd themselves, and then two weeks whose hours
are cut into batches as the pipeline cuts them: at 100 events, or ten minutes after the first. Each is analysed a moment
after it was sealed, knowing of its hour what there was by then. What is claimed is compared with what was simulated.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from benchmarks.support.report import heading, result, table
from benchmarks.support.weeks import ERROR_SHARE, KINDS, Event, Hour, Site
from tidemark.domain.definitions import Dashboard, load, shipped
from tidemark.domain.findings import Observed, findings
from tidemark.domain.fold import Fold
from tidemark.domain.hour_grid import PastHour, hours_before, known_hours
from tidemark.domain.hours import hour_of
from tidemark.domain.usual import usual_of
from tidemark.domain.weighing import Finding
from tidemark.services.analysis_ports import BatchContext
from tidemark.services.statistical import StatisticalProvider

HISTORY_WEEKS = 6
TEST_WEEKS = 2
SITES = (60.0, 200.0, 600.0)
"""Events an hour on average: those of a quiet night are a tenth of those of a busy hour."""
SEEDS = (101, 102)
"""Others than those on which the provider's constants were chosen."""
DISPERSION = 0.1
ODD_SHARE = 0.1
"""Of hours, in the history as later."""
GROWTHS = (0.0, 0.04, 0.0)
"""Of the sites, a week."""
BATCH_EVENTS = 100
BATCH_SECONDS = 600
THRESHOLDS = (0.7, 0.8, 0.9)
SIZE_NAMES = ("small", "medium", "large")
BUSY_EVENTS = 100
BANDS = (0.7, 0.8, 0.9, 0.95, 1.01)
CLAIMS = {"odd": ("anomaly", "mover", "new_value", "vanished_value"), "change": ("change",), "trend": ("trend",)}

Key = tuple[int, datetime]
"""A site and one of its hours."""

TIMING = """
name: timing
measures:
  duration: {kind: mean, unit: milliseconds, better: lower, events: [page], field: properties.duration_ms}
  p50: {kind: percentile, percentile: 50, better: lower, events: [page], field: properties.duration_ms}
  p90: {kind: percentile, percentile: 90, better: lower, events: [page], field: properties.duration_ms}
kpis: [duration]
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim and whether it is so."""

    site: int
    hour: datetime
    finding: Finding
    right: bool

    @property
    def name(self) -> tuple[object, ...]:
        """What several batches of an hour may say alike."""
        return self.site, self.hour, self.finding.measure.name, self.finding.key, self.finding.change > 0


@dataclass(slots=True)
class Run:
    """What was simulated and what was said of it."""

    judged: list[Judged] = field(default_factory=list)
    odd: dict[Key, Hour] = field(default_factory=dict)
    calm: list[bool] = field(default_factory=list)
    """Of the batches of which nothing odd was said: whether their hour was odd by then."""
    batches: int = 0
    usual_seconds: list[float] = field(default_factory=list)
    analysis_seconds: list[float] = field(default_factory=list)

    @property
    def surprising(self) -> list[Judged]:
        """The claims that something is odd."""
        return [item for item in self.judged if item.finding.kind not in ("change", "trend")]

    @property
    def busy(self) -> set[Key]:
        """The odd hours with many events."""
        return {key for key, hour in self.odd.items() if len(hour.events) >= BUSY_EVENTS}

    def caught(self, least: float) -> set[Key]:
        """Return the odd hours of whose anomaly a claim of some confidence tells."""
        sure = (item for item in self.surprising if item.finding.confidence >= least)
        return {(item.site, item.hour) for item in sure if item.right}

    def of_size(self, number: int, kind: str | None = None) -> set[Key]:
        """Return the hours with an anomaly of a size, by its place in `SIZE_NAMES`, and perhaps of a kind."""
        return {
            key
            for key, hour in self.odd.items()
            if hour.anomaly and hour.anomaly.kind == (kind or hour.anomaly.kind)
            if KINDS[hour.anomaly.kind].index(hour.anomaly.size) == number
        }


def main() -> None:
    """Simulate, judge and print."""
    run = Run()
    seeds = tuple(map(int, sys.argv[1:])) or SEEDS
    sites = itertools.product(seeds, enumerate(SITES))
    for number, (seed, (place, per_hour)) in enumerate(sites):
        growth = GROWTHS[place]
        simulate(run, number, Site(1000 * seed + place, per_hour, DISPERSION, growth, ODD_SHARE), growth)
    heading(f"Anomalies: {run.batches:,} batches, {len(run.odd)} odd hours")
    report_recall(run)
    figures = report_precision(run) | report_calibration(run)
    figures["usual_ms"] = 1000 * median(run.usual_seconds)
    figures["analysis_ms"] = 1000 * median(run.analysis_seconds)
    result("anomalies", figures)


def simulate(run: Run, number: int, site: Site, growth: float) -> None:
    """Have the provider see the weeks of a site that are tested."""
    dashboards = shipped()["web"], load(TIMING, "timing.yaml")
    provider = StatisticalProvider()
    for hour, sealed_at, context in batches(site, dashboards, run.usual_seconds):
        if hour.anomaly:
            run.odd[number, hour.start] = hour
        began = time.perf_counter()
        insight = provider.analyse(context)
        run.analysis_seconds.append(time.perf_counter() - began)
        run.batches += 1
        found = findings(dashboards, context.usual, Observed(context.cell, context.so_far, context.elapsed))
        judged = [judge(number, hour, growth, finding) for finding in found[: len(insight.patterns)]]
        run.judged += judged
        if all(item.finding.kind in ("change", "trend") for item in judged):
            begins = hour.start + timedelta(hours=hour.anomaly.begins) if hour.anomaly else sealed_at
            run.calm.append(hour.anomaly is not None and begins < sealed_at)


def batches(
    site: Site, dashboards: tuple[Dashboard, ...], usual_seconds: list[float]
) -> Iterator[tuple[Hour, datetime, BatchContext]]:
    """Yield the batches of the weeks that are tested: the hour, when it was sealed, and what is known then."""
    fold = Fold(dashboards)
    past: dict[str, PastHour] = {}
    for number, hour in enumerate(site.hours(HISTORY_WEEKS + TEST_WEEKS)):
        if not hour.events:
            continue
        name = hour_of(hour.start, "UTC")
        if number >= HISTORY_WEEKS * 168:
            began = time.perf_counter()
            places = hours_before(name, "UTC")
            usual = usual_of(dashboards, known_hours(places, {n: past[n] for n in places.values() if n in past}))
            usual_seconds.append(time.perf_counter() - began)
            for batch, sealed_at in cut(hour.events):
                seen = fold([event for event in hour.events if at(event) <= sealed_at])
                elapsed = min(1.0, (sealed_at - hour.start) / timedelta(hours=1))
                told = "site", name, "UTC", name, batch, dashboards, fold(batch), seen, elapsed, usual
                yield hour, sealed_at, BatchContext(*told)
        past[name] = PastHour(fold(hour.events), fold.covers)


def cut(events: Sequence[Event]) -> Iterator[tuple[list[Event], datetime]]:
    """Yield the batches of an hour and when each was sealed."""
    batch: list[Event] = []
    for event in events:
        if batch and at(event) > at(batch[0]) + timedelta(seconds=BATCH_SECONDS):
            yield batch, at(batch[0]) + timedelta(seconds=BATCH_SECONDS)
            batch = []
        batch.append(event)
        if len(batch) == BATCH_EVENTS:
            yield batch, at(event)
            batch = []
    if batch:
        yield batch, at(batch[0]) + timedelta(seconds=BATCH_SECONDS)


def at(event: Event) -> datetime:
    """Return the time of an event."""
    return datetime.fromisoformat(event["timestamp"]).astimezone(UTC)


def judge(site: int, hour: Hour, growth: float, finding: Finding) -> Judged:
    """Return whether a finding is so: an anomaly that is on, a growth, a rate on that side of what is usual."""
    up, anomaly = finding.change > 0, hour.anomaly
    if finding.kind == "trend":
        right = growth != 0 and (growth > 0) == up
    elif finding.kind == "change":
        right = (_rate(hour, finding) > 1) == up
    else:
        right = anomaly is not None and effect(anomaly.kind, anomaly.subject, finding) == (1 if up else -1)
    return Judged(site, hour.start, finding, right)


def _rate(hour: Hour, finding: Finding) -> float:
    """Return what the hour's rate so far was of what is usual, chance apart."""
    anomaly, rate = hour.anomaly, hour.noise
    if anomaly is None:
        return rate
    share_of_hour = max(0.0, finding.elapsed - anomaly.begins) / finding.elapsed
    if anomaly.kind in ("surge", "drop"):
        rate *= 1 + share_of_hour * (anomaly.size - 1)
    if anomaly.kind == "errors" and finding.measure.name == "errors":
        rate *= 1 + share_of_hour * (anomaly.size / ERROR_SHARE - 1)
    return rate


def effect(kind: str, subject: str, finding: Finding) -> int:
    """Return the direction in which an anomaly changes what a finding is about, 0 if it does not."""
    measure, key = finding.measure.name, finding.key
    if kind in ("surge", "drop"):
        return {"surge": 1, "drop": -1}[kind] * (measure in ("pageviews", "visitors", "bytes_sent", "errors"))
    if kind == "errors":
        failing = measure in ("errors", "error_rate") or (measure == "status_codes" and key in ("404", "500"))
        return 1 if failing else -(measure == "status_codes")
    if kind in ("slow", "tail"):
        return int(measure in ("duration", "p50", "p90"))
    if measure != "top_paths" or key != subject:
        return 0
    return -1 if kind == "vanished" else 1


def report_recall(run: Run) -> None:
    """Print which anomalies were found, kind by kind."""
    caught = run.caught(0)
    rows: list[list[object]] = []
    for kind, sizes in KINDS.items():
        for number, (size, name) in enumerate(zip(sizes, SIZE_NAMES, strict=True)):
            keys = run.of_size(number, kind)
            busy = keys & run.busy
            rows.append([f"{kind}, {name} ({size})", len(keys), recall(keys, caught), len(busy), recall(busy, caught)])
    table(["anomaly", "hours", "recall", f"hours of {BUSY_EVENTS} events", "recall"], rows)


def report_precision(run: Run) -> dict[str, float]:
    """Print precision and recall by the least confidence; return those of all claims."""
    rows: list[list[Any]] = []
    for least in THRESHOLDS:
        sure = [item for item in run.surprising if item.finding.confidence >= least]
        once = {item.name: item.right for item in sure}
        sized = [run.of_size(number) & run.busy for number in range(len(SIZE_NAMES))]
        recalls = [recall(keys, run.caught(least)) for keys in sized]
        rows.append([f"{least}", len(sure), share([item.right for item in sure]), share([*once.values()]), *recalls])
    names = ["precision", "precision_once", *(f"recall_{name}" for name in SIZE_NAMES)]
    table(["claims from", "claims", "precision", "each once", *(f"recall, {name}" for name in SIZE_NAMES)], rows)
    return dict(zip(names, rows[0][2:], strict=True))


def report_calibration(run: Run) -> dict[str, float]:
    """Print how often claims of a confidence are right; return how far both are apart, on average."""
    rows: list[list[object]] = []
    apart = 0.0
    for low, high in itertools.pairwise(BANDS):
        for name, kinds in CLAIMS.items():
            band = [i for i in run.judged if low <= i.finding.confidence < high and i.finding.kind in kinds]
            if band:
                mean = sum(item.finding.confidence for item in band) / len(band)
                right = share([item.right for item in band])
                rows.append([f"{low:.2f} to {min(high, 1):.2f}, {name}", len(band), mean, right])
                apart += abs(mean - right) * len(band) / len(run.judged)
    table(["confidence", "claims", "mean confidence", "right"], rows)
    calm = share([not odd for odd in run.calm])
    print(f"{len(run.calm):,} batches with nothing unusual: {calm:.3f} of them in hours without an anomaly by then\n")
    return {"apart": round(apart, 3), "calm": calm}


def recall(keys: Collection[Key], caught: Collection[Key]) -> float:
    """Return what share of odd hours was caught."""
    return share([key in caught for key in keys])


def share(answers: Sequence[bool]) -> float:
    """Return what share of the answers is yes, with three digits."""
    return round(sum(answers) / len(answers), 3) if answers else math.nan


if __name__ == "__main__":
    main()
