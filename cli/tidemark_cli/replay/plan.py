"""What a replay will do, known before it starts: how many lines, in which order, moved in time by how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from tidemark.domain.events import EPOCH, format_timestamp
from tidemark_cli.errors import UsageError
from tidemark_cli.replay.source import BadLineError, Event, Format, Reader, Source, instant_of, stated_time


@dataclass(frozen=True, slots=True)
class Timing:
    """How a replay treats time.

    `speed` keeps the spacing of the events: they are sent in the order of their timestamps, with the pauses between
    them divided by it. `shift` adds one constant to every timestamp, so that the last event is stamped with the time at
    which it is sent. Together the past happens again, now. `required` refuses an event without a timestamp, which else
    counts as of now.
    """

    speed: float | None = None
    shift: bool = False
    required: bool = False

    def __post_init__(self) -> None:
        if self.speed is not None and not 0 < self.speed < float("inf"):
            raise UsageError("--speed is a factor above 0", "1 is real time, 60 makes an hour a minute")
        if self.shift and self.speed is not None and self.speed < 1:
            raise UsageError("--shift with a --speed below 1 would stamp events ahead of the time they are sent")


@dataclass(frozen=True, slots=True)
class Plan:
    """A source that has been read once."""

    source: Source
    form: Format
    timing: Timing
    digest: str
    """SHA-256 of the lines: the identity of the content, compressed or not."""
    lines: int
    first: datetime | None
    last: datetime | None
    """The earliest and the latest timestamp; None unless the timing needs them."""
    ordered: tuple[tuple[int, bytes], ...] | None
    """The lines by timestamp, in memory, if the speed asks for that order."""

    def items(self) -> Iterator[tuple[int, bytes]]:
        """Yield the numbered lines in the order of sending, the same each time."""
        return iter(self.ordered) if self.ordered is not None else self.source.lines()

    def reader(self) -> Reader:
        """Return what makes events of the lines."""
        return Reader(self.form, timed=self.timing.required)

    def shift_at(self, start: datetime) -> timedelta:
        """Return what to add to every timestamp when the replay starts at `start`."""
        if not self.timing.shift or self.first is None or self.last is None:
            return timedelta()
        span = (self.last - self.first) / self.timing.speed if self.timing.speed else timedelta()
        return start + span - self.last


def make_plan(source: Source, timing: Timing) -> Plan:
    """Read the source once; times only if the timing needs them."""
    form = source.form()
    reader = Reader(form)
    timed = timing.shift or timing.speed is not None
    digest, count = sha256(), 0
    first: datetime | None = None
    last: datetime | None = None
    ordered: list[tuple[datetime, int, bytes]] = []
    for number, line in source.lines():
        count += 1
        digest.update(line)
        digest.update(b"\n")
        if not timed:
            continue
        instant = _instant(reader, line)
        if instant is not None:
            first, last = min(first or instant, instant), max(last or instant, instant)
        if timing.speed is not None:
            # A line without a time keeps its place behind the one before it.
            ordered.append((instant or (ordered[-1][0] if ordered else EPOCH), number, line))
    ordered.sort(key=lambda entry: entry[:2])
    return Plan(
        source=source,
        form=form,
        timing=timing,
        digest=digest.hexdigest(),
        lines=count,
        first=first,
        last=last,
        ordered=tuple((number, line) for _, number, line in ordered) if timing.speed is not None else None,
    )


def stamped(event: Event, shift: timedelta, start: datetime) -> Event:
    """Return the event as it is sent: moved in time by `shift`, or stamped with `start` if it has no time.

    A start that stays the same when a replay is resumed makes a repeated event the same event. One whose time cannot be
    read goes as it is, for the server to refuse.
    """
    if stated_time(event) is None:
        return {**event, "timestamp": format_timestamp(start)}
    instant = instant_of(event) if shift else None
    try:
        return event if instant is None else {**event, "timestamp": format_timestamp(instant + shift)}
    except OverflowError:
        return event


def _instant(reader: Reader, line: bytes) -> datetime | None:
    try:
        return instant_of(reader.read(line))
    except BadLineError:
        return None
