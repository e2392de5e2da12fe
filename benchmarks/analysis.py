"""What the analysis adds to the cost of a million events: batches of 100, statistical provider, one viewer of `web`.

The same requests of 100 events are folded and pushed in a workspace without and with the analysis, in turns, in the
middle of a busy hour; the difference is what it adds. Each request fills a batch: the most that there can be. What the
analysis tells of itself is stored and folded in the workspace `operations`, and counted as well. A delivery of the
queue brings the jobs of its batching window (template.yaml), or, for a workspace that has fewer events, one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from benchmarks.cost import START, VIEW, per_million, send, warm_up
from benchmarks.support.history import HOUR_EVENTS, PER_SECOND, fill_history, fill_hour
from benchmarks.support.metered import MeteredWorld, metered_world
from benchmarks.support.prices import CHECKED, Use, add, dollars, total
from benchmarks.support.report import heading, result, table
from benchmarks.support.traffic import Event, batches, page_views
from tests.support.clients import Viewer
from tests.support.closing import run
from tests.template import RESOURCES

SIZE = 100
REQUESTS = 20
ROUNDS = 3
TARGET = 0.15
POLLS = 2
"""Of the queue: Lambda receives the messages of a delivery with one request, and deletes them with one."""
WINDOW_SECONDS: int = RESOURCES["QueueAnalysisFunction"]["Properties"]["Events"]["Jobs"]["Properties"][
    "MaximumBatchingWindowInSeconds"
]


def main() -> None:
    """Measure and print."""
    heading(f"Cost of the analysis: dollars per million events at the list prices of us-east-1, {CHECKED}")
    together = WINDOW_SECONDS * PER_SECOND // SIZE
    without: Use = {}
    added: dict[int, Use] = {1: {}, together: {}}
    with metered_world() as world:
        world.now = START
        fill_history(world, START)
        Viewer(world, VIEW).follow()
        events = page_views(START, PER_SECOND)
        warm_up(world, events)
        fill_hour(world, events, START, HOUR_EVENTS // 2)
        world.settings(batch_events=SIZE)
        world.restart("stream_fold")
        run(world, "cron_batches")  # makes the workspace of operations
        flow(world, events, 1)  # imports, the breaker, the ledger
        for _ in range(ROUNDS):
            world.settings(batch_events=0)
            world.restart("stream_fold")
            flow(world, events, 1)
            add(without, flow(world, events, 1), 1 / ROUNDS)
            world.settings(batch_events=SIZE)
            world.restart("stream_fold")
            flow(world, events, 1)
            for jobs, use in added.items():
                add(use, flow(world, events, jobs), 1 / ROUNDS)
    base = total(without)
    keys = sorted({key for use in added.values() for key in use})
    costs = {jobs: dollars(use) for jobs, use in added.items()}
    before = dollars(without)
    print("Added, where it is at least $0.0005:")
    shown = [key for key in keys if max(costs[jobs].get(key, 0.0) for jobs in added) - before.get(key, 0.0) >= 0.0005]
    table(
        ["what", *(f"{jobs} a delivery" for jobs in added)],
        [[": ".join(key), *(costs[jobs].get(key, 0.0) - before.get(key, 0.0) for jobs in added)] for key in shown],
    )
    figures = {str(jobs): round(total(use) - base, 4) for jobs, use in added.items()}
    print(f"Added per million events: {figures}; to reach: at most ${TARGET} with {together} a delivery.\n")
    result("analysis", {"dollars_added_per_million_by_jobs_a_delivery": figures, "without": round(base, 4)})


def flow(world: MeteredWorld, events: Iterator[Event], jobs: int) -> Use:
    """Return the use a million events of requests that are folded one by one, and analysed by `jobs` a delivery."""
    with world.metering() as use:
        for _ in range(REQUESTS // jobs):
            for batch in islice(batches(events, SIZE), jobs):
                send(world, batch)
                world.deliver()
            if world.stack.analysis_jobs.queued:
                add(use, {("SQS", "receive and delete"): POLLS})
                world.analyse()
                world.deliver()
    return per_million(use, REQUESTS // jobs * jobs * SIZE)


if __name__ == "__main__":
    main()
