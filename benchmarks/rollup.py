"""Closing hours: what one with a million events takes a worker, and how long a run over 10,000 workspaces would.

The log is a file of chunks of 100 page views as the Events table holds them, read a page of 1 MB at a time, so that
decompression and parsing are in the measure and the network is not: a page takes some 30 ms from DynamoDB, which is
added by count. Each size is measured in a fresh process, whose largest memory is taken.

The run is projected: the requests of a job are counted with the real handler over moto, each is taken to wait 5 ms, the
computing is that of an hour with 500 events, and the sum is divided by the function's concurrency (`MaximumConcurrency`
in template.yaml).
"""

from __future__ import annotations

import argparse
import io
import json
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from benchmarks.support.report import heading, result, table
from benchmarks.support.traffic import page_views
from tests.support.clients import Producer
from tests.support.data import pages
from tests.support.deployed import World
from tests.support.stack import running_stack
from tests.template import RESOURCES
from tidemark.domain import chunks
from tidemark.domain.chunks import Chunk, chunk_key
from tidemark.domain.definitions import shipped
from tidemark.domain.fold import Fold
from tidemark.services.ports import LoggedChunk
from tidemark.services.rollup import recompute

SIZES = (10_000, 100_000, 1_000_000)
CHUNK_EVENTS = 100
PAGE_BYTES = 1024 * 1024
PAGE_SECONDS = 0.03
DASHBOARDS = ("web", "meetings", "lifecycle")
HOUR = datetime(2026, 11, 22, 10, tzinfo=UTC)
WORKSPACES = 10_000
EVENTS_PER_WORKSPACE = 500
REQUEST_SECONDS = 0.005


def main() -> None:
    """Measure, project, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    arguments = parser.parse_args()
    if arguments.log:
        print(json.dumps(_close(arguments.log)))
        return
    heading("Closing an hour: one worker, the log in a file, pages counted at 30 ms")
    figures = {}
    with tempfile.TemporaryDirectory() as directory:
        for size in (EVENTS_PER_WORKSPACE, *arguments.sizes):
            log = Path(directory) / f"{size}.log"
            _write(log, size)
            command = [sys.executable, "-m", "benchmarks.rollup", "--log", str(log)]
            figures[size] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    rows = [
        [f"{size:,}", found["chunks"], found["pages"], found["seconds"], found["with_network"], found["memory_mb"]]
        for size, found in figures.items()
    ]
    table(["events", "chunks", "pages", "seconds", "with the network", "memory MB"], rows)
    queue = RESOURCES["QueueRollupFunction"]["Properties"]["Events"]["Jobs"]["Properties"]
    concurrency = queue["ScalingConfig"]["MaximumConcurrency"]
    requests = _requests()
    job = figures[EVENTS_PER_WORKSPACE]["seconds"] + requests * REQUEST_SECONDS
    run = WORKSPACES * job / concurrency
    print(
        f"A run over {WORKSPACES:,} workspaces with {EVENTS_PER_WORKSPACE} events each: {job * 1000:.0f} ms a job "
        f"({requests} requests to AWS), {concurrency} at once, {run:.0f} s.\n"
    )
    print("To reach: 30 s and 512 MB for an hour of 1,000,000 events; 120 s for 10,000 workspaces.\n")
    result(
        "rollup",
        {"hours": figures, "requests_per_job": requests, "job_ms": round(job * 1000, 1), "run_seconds": round(run, 1)},
    )


def _requests() -> int:
    """Count the requests to AWS of the job that closes an hour and with it the day, one that nobody watches."""
    with running_stack() as stack, World(stack) as world, redirect_stdout(io.StringIO()):
        world.now = HOUR.replace(hour=23, minute=30)
        Producer(world).send(pages(world.now, 5))
        world.fold()
        world.now += timedelta(minutes=60)
        world.invoke("cron_rollup", {})
        before = len(stack.calls.log)
        world.roll_up()
        return len([call for call in stack.calls.log[before:] if call.handler == "queue_rollup"])


def _write(log: Path, size: int) -> None:
    """Write the chunks of an hour with `size` page views."""
    views = page_views(HOUR, size / 3600)
    with log.open("wb") as file:
        for _ in range(size // CHUNK_EVENTS):
            events = sorted(islice(views, CHUNK_EVENTS), key=lambda event: str(event["event_id"]))
            key = chunk_key("bench", "2026-11-22T10:00Z", 0, [event["event_id"] for event in events])
            pickle.dump((key, chunks.encode(events)), file)


def _close(log: Path) -> dict[str, float]:
    """Recompute an hour as the rollup does; return how long that took, and the largest memory of this process."""
    fold = Fold([shipped()[name] for name in DASHBOARDS])
    read = 0

    def chunks_of_log() -> Iterator[LoggedChunk]:
        nonlocal read
        with log.open("rb") as file:
            while file.peek(1):
                key, blob = pickle.load(file)  # written above
                read += len(blob) + 120
                chunk = Chunk("bench", "2026-11-22T10:00Z", 0, key, tuple(chunks.decode(blob)))
                yield LoggedChunk(chunk, "2026-11-22T10:30:00.000Z", 2**40)

    begun = time.perf_counter()
    found = recompute(fold, chunks_of_log)
    seconds = time.perf_counter() - begun
    pages = -(-read // PAGE_BYTES)
    return {
        "events": found.events,
        "chunks": len(found.chunks),
        "pages": pages,
        "seconds": round(seconds, 3),
        "with_network": round(seconds + pages * PAGE_SECONDS, 3),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    main()
