"""Reading the log for a subject: how much of an hour is theirs, and what the rest is, so that it can be compared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from typing import Protocol, TypeVar

from tidemark.domain.events import compact_json
from tidemark.domain.hours import hour_seconds
from tidemark.services.ports import LoggedChunk, Workspace
from tidemark_cli.erasure.subject import Subject

WORKERS = 8
DIGEST_BYTES = 16
Given = TypeVar("Given")
Made = TypeVar("Made")

ChunkName = tuple[int, str]
"""(shard, key), within an hour."""


class Log(Protocol):
    """The log; `tidemark.aws.event_log` has it."""

    def read(self, workspace: str, hour: str, shard: int) -> Iterable[LoggedChunk]:
        """Read the chunks of an hour's shard consistently."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The events of others in a chunk, as a digest, and until when (Unix seconds) the chunk is there."""

    digest: bytes
    expires_at: int


@dataclass(slots=True)
class Swept:
    """What the log has of an hour: `found` events of the subject among all `events`, and the rest of each chunk.

    `companions` are anonymous ids beside which the subject's events stand: the same person before they were known.
    """

    hour: str
    events: int = 0
    found: int = 0
    rest: dict[ChunkName, Rest] = field(default_factory=dict)
    companions: set[str] = field(default_factory=set)

    def checksum(self, names: Iterable[ChunkName]) -> str:
        """Return a checksum of what others have in these chunks, as far as they are there: 12 hex digits."""
        digests = (b"".join((name[1].encode(), self.rest[name].digest)) for name in sorted(names) if name in self.rest)
        return sha256(b"".join(digests)).hexdigest()[:12]


def changed(before: Swept, after: Swept, now_seconds: int) -> list[ChunkName]:
    """Return the chunks in which what others have is not what it was; one that has expired meanwhile is none."""
    return [
        name
        for name, rest in before.rest.items()
        if (after.rest[name].digest != rest.digest if name in after.rest else now_seconds < rest.expires_at)
    ]


@contextmanager
def some_at_a_time(read: Callable[[Given], Made], places: Iterable[Given]) -> Iterator[Iterator[Made]]:
    """Have `read` called for each of the places, in threads; what has not begun at the end of the block never does."""
    pool = ThreadPoolExecutor(WORKERS)
    try:
        yield pool.map(read, places)
    finally:
        pool.shutdown(cancel_futures=True)


class Sweep:
    """Reads the hours of a workspace, some at a time."""

    def __init__(self, workspace: Workspace, subject: Subject, log: Log) -> None:
        self._workspace = workspace
        self._subject = subject
        self._log = log

    def __call__(
        self, hours: Iterable[str], wanted: Collection[str], tell: Callable[[Swept], None]
    ) -> Mapping[str, Swept]:
        """Read `hours`, tell of each; return those with events of the subject, and those that are `wanted` anyway."""
        kept: dict[str, Swept] = {}
        with some_at_a_time(self._hour, hours) as read:
            for swept in read:
                tell(swept)
                if swept.found or swept.hour in wanted:
                    kept[swept.hour] = swept
        return kept

    def _hour(self, hour: str) -> Swept:
        swept = Swept(hour)
        for shard in range(self._workspace.shards_at(hour_seconds(hour))):
            for logged in self._log.read(self._workspace.workspace, hour, shard):
                self._take(swept, logged)
        return swept

    def _take(self, swept: Swept, logged: LoggedChunk) -> None:
        chunk = logged.chunk
        others = [event for event in chunk.events if not self._subject.matches(event)]
        swept.events += len(chunk.events)
        swept.found += len(chunk.events) - len(others)
        digest = blake2b(compact_json(others), digest_size=DIGEST_BYTES).digest()
        swept.rest[chunk.shard, chunk.key] = Rest(digest, logged.expires_at)
        if self._subject.kind == "user" and len(others) < len(chunk.events):
            own = (event for event in chunk.events if self._subject.matches(event))
            swept.companions |= {event["anonymous_id"] for event in own if "anonymous_id" in event}
