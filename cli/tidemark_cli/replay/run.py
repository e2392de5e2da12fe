"""The replay itself: read, batch, pace, send with bounded concurrency, keep the checkpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from tidemark_cli.errors import CliError
from tidemark_cli.replay.checkpoint import Checkpoint, Totals
from tidemark_cli.replay.plan import Plan, stamped
from tidemark_cli.replay.sender import Sender
from tidemark_cli.replay.source import BadLineError, Event, instant_of

MAX_BATCH_BYTES = 400_000
"""A request may have 500 KB; the rest is for what JSON adds between events and for other escapes than the file's."""
PACE_SECONDS = 0.25
"""Paced events are gathered for this long: four requests a second, not one for each event."""


class Reporter(Protocol):
    """Who is told of the progress."""

    def advanced(self, batch: Totals) -> None:
        """A batch was answered."""

    def refused(self, line: int, code: str, message: str) -> None:
        """A line holds no event, or one that the server refuses."""


@dataclass(slots=True)
class Batch:
    """Lines that are sent together, and what is known of them already."""

    index: int
    events: list[Event] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """The line number of each event."""
    size_bytes: int = 0
    totals: Totals = field(default_factory=Totals)


@dataclass(frozen=True, slots=True)
class Replay:
    """One run of a plan."""

    plan: Plan
    sender: Sender
    checkpoint: Checkpoint
    reporter: Reporter
    batch_events: int = 100
    concurrency: int = 4
    strict: bool = False
    rate: float | None = None
    """Events a second at most, on average; None for as many as the server takes."""

    async def run(self) -> None:
        """Send what the checkpoint does not have; raises `CliError`, with the checkpoint saved, if it cannot."""
        queue: asyncio.Queue[Batch | None] = asyncio.Queue(maxsize=self.concurrency)
        tasks = [asyncio.create_task(self._produce(queue))]
        tasks += [asyncio.create_task(self._consume(queue)) for _ in range(self.concurrency)]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            self.checkpoint.save()
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.checkpoint.remove()

    async def _produce(self, queue: asyncio.Queue[Batch | None]) -> None:
        clock, due = asyncio.get_running_loop().time, 0.0
        async for batch in self._batches():
            if self.rate is not None:
                await asyncio.sleep(due - clock())
                # From now, where the server is slower than the rate: what was missed is not made up for in a burst.
                due = max(due, clock()) + len(batch.events) / self.rate
            await queue.put(batch)
        for _ in range(self.concurrency):
            await queue.put(None)

    async def _consume(self, queue: asyncio.Queue[Batch | None]) -> None:
        while (batch := await queue.get()) is not None:
            if batch.events:
                outcome = await self.sender.send(batch.events)
                batch.totals.sent += len(batch.events)
                batch.totals.accepted += outcome.accepted
                for rejection in outcome.rejected:
                    number = batch.numbers[rejection.index] if 0 <= rejection.index < len(batch.numbers) else 0
                    self._refuse(batch, number, rejection.code, rejection.message)
            self.checkpoint.complete(batch.index, batch.totals)
            self.reporter.advanced(batch.totals)

    async def _batches(self) -> AsyncIterator[Batch]:
        reader, batch = self.plan.reader(), Batch(0)
        pacer = Pacer(self.plan.timing.speed)
        shift = self.plan.shift_at(self.checkpoint.start)
        for place, (number, line) in enumerate(self.plan.items()):
            try:
                event: Event | None = reader.read(line)
            except BadLineError as error:
                event = None
                if place >= self.checkpoint.resumed_lines:
                    self._refuse(batch, number, error.code, str(error))
            # Lines that are done are read all the same: the reader counts equal lines.
            if place < self.checkpoint.resumed_lines:
                continue
            if event is not None:
                size = len(json.dumps(event))
                wait_seconds = pacer.wait_seconds(instant_of(event))
                if batch.events and (wait_seconds or batch.size_bytes + size > MAX_BATCH_BYTES):
                    yield batch
                    batch = Batch(batch.index + 1)
                if wait_seconds:
                    await asyncio.sleep(wait_seconds)
                batch.events.append(stamped(event, shift, self.checkpoint.start))
                batch.numbers.append(number)
                batch.size_bytes += size
            batch.totals.lines += 1
            if batch.totals.lines >= self.batch_events:
                yield batch
                batch = Batch(batch.index + 1)
        if batch.totals.lines:
            yield batch

    def _refuse(self, batch: Batch, number: int, code: str, message: str) -> None:
        batch.totals.rejected[code] += 1
        self.reporter.refused(number, code, message)
        if self.strict:
            raise CliError(f"stopped at line {number}: {message} [{code}]", "without --strict it would be skipped")


class Pacer:
    """Says how long to wait before an event, so that the pauses are those of the timestamps divided by the speed."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._origin: tuple[float, datetime] | None = None

    def wait_seconds(self, instant: datetime | None) -> float:
        """Return the seconds until the event of that time is due: 0, or at least `PACE_SECONDS`."""
        if self._speed is None or instant is None:
            return 0
        now = asyncio.get_running_loop().time()
        if self._origin is None:
            self._origin = (now, instant)
        started, first = self._origin
        ahead = started + (instant - first) / timedelta(seconds=self._speed) - now
        return max(ahead, PACE_SECONDS) if ahead > 0 else 0
