"""What a process keeps from one invocation to the next, over real handlers: nothing, or what is said here.

AWS and the canary's outside are on tape, so that what grows is ours (see tests/support/tape.py).
"""

from __future__ import annotations

import gc
import logging
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from tests.support import shapes
from tests.support.clients import Producer, Viewer
from tests.support.data import SMALL, page, pages
from tests.support.deployed import World
from tests.support.outside import last_report, visited
from tests.support.stack import Stack
from tests.support.tape import Tape, TapedOutside
from tidemark import bootstrap
from tidemark.aws.items import encode as item_of
from tidemark.domain.chunks import chunk_events, encode
from tidemark.domain.health import Run
from tidemark.services import fold, rollup
from tidemark.services.health import HealthCheck
from tidemark.services.rollup import Rollup
from tidemark.services.sealing import SealBatches
from tidemark.services.statistical import StatisticalProvider
from tidemark.services.watching import Watching

WARM, MEASURED = 6, 12
"""The invocations after which memory is measured: by the first, what was there before tracing has been replaced."""
FLAT_BYTES = 5_000
"""An invocation: several times what the bounded caches of the interpreter and of libraries were seen to grow by."""
LEAK_BYTES = 2 * FLAT_BYTES
MARKS_BYTES = 70 + 83
"""What the fold keeps of a chunk of one event: the hash of its id and its key, in sets (services/fold.py)."""


@pytest.fixture
def world(stack: Stack) -> Iterator[World]:
    with World(stack, dashboards=("web",), definitions=SMALL) as made:
        yield made


@contextmanager
def taped(world: World) -> Iterator[Tape]:
    """Have AWS's answers recorded, and played once the tape is `playing`."""
    tape = Tape(world.stack.calls._respond)
    with patch.object(world.stack.calls, "_respond", tape):
        yield tape


def grown(invoke: Callable[[], None], *, warm: int = WARM, measured: int = MEASURED) -> int:
    """Return by how many bytes memory grows from the `warm`-th to the `measured`-th invocation."""
    logging.disable()  # pytest keeps every line
    tracemalloc.start()
    try:
        held = 0
        for number in range(1, measured + 1):
            invoke()
            if number in (warm, measured):
                forget_names()
                gc.collect()
                before, held = held, tracemalloc.get_traced_memory()[0]
        return held - before
    finally:
        tracemalloc.stop()
        logging.disable(logging.NOTSET)


def forget_names() -> None:
    """Empty the interpreter's cache of attributes.

    It keeps the last 4,096 names that were looked up, some 0.3 MB, and botocore makes new ones for every call
    (`getattr(self, f"_handle_{kind}")`): a process that has just started grows by them, and then no more.
    """
    if sys.version_info >= (3, 13):
        sys._clear_internal_caches()
    else:
        sys._clear_type_cache()


def begin(world: World, tape: Tape) -> None:
    """Begin an invocation: the tape at its start, what the last one asked for forgotten."""
    tape.rewind()
    world.stack.calls.forget()


@contextmanager
def leaking(owner: type, method: str) -> Iterator[None]:
    """Have every call of a method leave something behind."""
    kept: list[bytes] = []
    called = getattr(owner, method)

    def keeping(*args: Any, **kwargs: Any) -> Any:
        kept.append(bytes(LEAK_BYTES))
        return called(*args, **kwargs)

    with patch.object(owner, method, keeping):
        yield


def visits(world: World, tape: Tape, outside: TapedOutside, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a visit of the canary, recorded."""
    numbers = count(1)
    monkeypatch.setattr(bootstrap, "uuid4", lambda: SimpleNamespace(hex=outside.name))
    runs: list[Run] = []

    def keep(check: HealthCheck, run: Run) -> None:
        runs[:] = [run]
        kept(check, run)

    kept = HealthCheck.keep
    monkeypatch.setattr(HealthCheck, "keep", keep)

    def visit() -> None:
        outside.name = f"visit-{next(numbers):06}"
        world.now += timedelta(seconds=60)
        begin(world, tape)
        world.invoke("cron_health", {})
        assert runs[0].failed() == []

    visit()
    visit()
    assert len(last_report(world)["history"]) == 2
    tape.playing = outside.playing = True
    return visit


def bootstraps(world: World, tape: Tape) -> Callable[[], None]:
    """Return a bootstrap of a view, recorded."""
    viewer = Viewer(world)
    viewer.follow()
    assert viewer.connection
    numbers = count(1)

    def ask() -> None:
        message = {"action": "bootstrap", "id": f"m{next(numbers)}", "view": viewer.view}
        begin(world, tape)
        world.send(str(viewer.connection), message)

    ask()
    ask()
    assert {message["type"] for message in world.stack.connections.take(viewer.connection)} == {"snapshot", "section"}
    tape.playing = True
    return ask


def folds(world: World, tape: Tape) -> Callable[[], None]:
    """Return a fold of a new chunk of one event, recorded; a viewer watches."""
    Viewer(world).follow()

    def take() -> None:
        begin(world, tape)
        world.invoke("stream_fold", shapes.stream([record(world)]))

    for _ in range(2):  # an hour's first chunk is folded otherwise than the next
        take()
        take()
        world.now += timedelta(hours=1)
    tape.playing = True
    return take


def record(world: World) -> dict[str, Any]:
    """Return the record of a new chunk of one event of now."""
    (chunk,) = chunk_events(world.workspace, [page(world.now)], timezone=world.timezone, shards_at=lambda _: 1)
    item = {
        "pk": f"{chunk.workspace}#{chunk.hour}#{chunk.shard}",
        "sk": chunk.key,
        "events": encode(chunk.events),
        "received_at": "2026-11-22T10:00:00.000Z",
        "expires_at": int(world.now.timestamp()) + 86_400,
    }
    image = item_of(item)
    keys = {name: image[name] for name in ("pk", "sk")}
    change = {"Keys": keys, "NewImage": image, "ApproximateCreationDateTime": world.now}
    return {"eventName": "INSERT", "dynamodb": change}


def test_the_health_check_keeps_nothing_of_a_visit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with visited(world) as outside, taped(world) as tape:
        canary = TapedOutside(outside)
        monkeypatch.setattr("tidemark.outside.RealOutside", lambda _: canary)
        visit = visits(world, tape, canary, monkeypatch)
        assert grown(visit) < FLAT_BYTES * (MEASURED - WARM)


def test_a_bootstrap_keeps_nothing(world: World) -> None:
    with taped(world) as tape:
        bootstrap = bootstraps(world, tape)
        assert grown(bootstrap) < FLAT_BYTES * (MEASURED - WARM)
        with leaking(Watching, "bootstrap"):
            assert grown(bootstrap) > FLAT_BYTES * (MEASURED - WARM)


def test_the_marks_go_with_the_hour(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with taped(world) as tape:
        take = folds(world, tape)

        def hour() -> None:
            for _ in range(30):
                take()
            world.now += timedelta(hours=1)

        assert grown(hour, warm=2, measured=4) < MARKS_BYTES * 30
        monkeypatch.setattr(fold, "IDLE_SECONDS", 10**6)
        assert grown(hour, warm=2, measured=4) > MARKS_BYTES * 45


def sweeps(world: World, tape: Tape) -> Callable[[], None]:
    """Return a minute's sweep of the pipeline, recorded."""

    def sweep() -> None:
        world.now += timedelta(minutes=1)
        begin(world, tape)
        world.invoke("cron_batches", {})

    sweep()
    sweep()
    tape.playing = True
    return sweep


def test_a_sweep_of_the_pipeline_keeps_nothing(world: World) -> None:
    with taped(world) as tape:
        sweep = sweeps(world, tape)
        assert grown(sweep) < FLAT_BYTES * (MEASURED - WARM)
        with leaking(SealBatches, "run"):
            assert grown(sweep) > FLAT_BYTES * (MEASURED - WARM)


def closings(world: World, tape: Tape) -> Callable[[], None]:
    """Return the closing of an hour of twenty events, recorded."""
    Producer(world).send(pages(world.now, 20))
    world.deliver()
    world.now += timedelta(minutes=100)
    world.invoke("cron_rollup", {})
    records = [job.record() for job in world.stack.jobs.of(world.workspace)]
    assert records

    def close() -> None:
        begin(world, tape)
        assert world.invoke("queue_rollup", shapes.queue(records)) == {"batchItemFailures": []}

    with computing(rollup, "recompute") as computed:
        close()
        assert computed, "the hour was closed already"
    tape.playing = True
    return close


def analyses(world: World, tape: Tape) -> Callable[[], None]:
    """Return the analysis of a batch of twenty events, recorded."""
    world.settings(batch_events=20)
    Producer(world).send(pages(world.now, 20))
    world.deliver()
    records = [job.record() for job in world.stack.analysis_jobs.of(world.workspace)]
    assert len(records) == 1

    def analyse() -> None:
        begin(world, tape)
        assert world.invoke("queue_analysis", shapes.queue(records)) == {"batchItemFailures": []}

    with computing(StatisticalProvider, "analyse") as computed:
        analyse()
        tape.playing = True
        analyse()
        assert len(computed) == 2, "only the first was analysed"
    return analyse


@contextmanager
def computing(owner: Any, function: str) -> Iterator[list[None]]:
    """Note the calls of a function."""
    calls: list[None] = []
    called = getattr(owner, function)

    def noting(*args: Any, **kwargs: Any) -> Any:
        calls.append(None)
        return called(*args, **kwargs)

    with patch.object(owner, function, noting):
        yield calls


def test_the_closing_of_an_hour_keeps_nothing(world: World) -> None:
    with taped(world) as tape:
        close = closings(world, tape)
        assert grown(close) < FLAT_BYTES * (MEASURED - WARM)
        with leaking(Rollup, "__call__"):
            assert grown(close) > FLAT_BYTES * (MEASURED - WARM)


def test_an_analysis_keeps_nothing(world: World) -> None:
    with taped(world) as tape:
        analyse = analyses(world, tape)
        assert grown(analyse) < FLAT_BYTES * (MEASURED - WARM)
        with leaking(StatisticalProvider, "analyse"):
            assert grown(analyse) > FLAT_BYTES * (MEASURED - WARM)
