"""The events of an hour's shard as the log has them, each id once: what the rollup folds and the archive keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tidemark.domain.chunks import event_hash
from tidemark.domain.events import Event
from tidemark.services.ports import LoggedChunk

Made = TypeVar("Made")
Logged = tuple[Event, str]
"""An event, and when its request came (ISO)."""


class Distinct:
    """One reading of the log; `read` gives the chunks of a shard anew each time.

    The attributes tell of the chunks once `each` has returned: how many events with different ids there are, the keys
    of the chunks, until when (Unix seconds) all of them are in the log, and whether events were taken out of any.
    """

    def __init__(self, read: Callable[[], Iterable[LoggedChunk]]) -> None:
        self._read = read
        self._contested: set[int] = set()
        self.events = 0
        self.chunks: set[bytes] = set()
        self.log_until = 2**53
        self.is_erased = False

    def each(self, consume: Callable[[Iterator[Logged]], Made]) -> Made:
        """Return what `consume` makes of the events; of an id with several contents those of the earliest request.

        That an id stands in several chunks is known when it is met again, and so too late: where there is one, the log
        is read a second time, and `consume` called anew.
        """
        made = consume(self._first())
        return consume(self._settled()) if self._contested else made

    def _first(self) -> Iterator[Logged]:
        seen: set[int] = set()
        for logged in self._read():
            self.chunks.add(bytes.fromhex(logged.chunk.key))
            self.log_until = min(self.log_until, logged.expires_at)
            self.is_erased = self.is_erased or logged.erased > 0
            for event in logged.chunk.events:
                identity = event_hash(event["event_id"])
                if identity in seen:
                    self._contested.add(identity)
                else:
                    seen.add(identity)
                    yield event, logged.received_at
        self.events = len(seen)

    def _settled(self) -> Iterator[Logged]:
        earliest: dict[int, tuple[str, str, Event]] = {}
        for logged in self._read():
            for event in logged.chunk.events:
                identity = event_hash(event["event_id"])
                if identity not in self._contested:
                    yield event, logged.received_at
                    continue
                place = logged.received_at, logged.chunk.key, event
                if identity not in earliest or place[:2] < earliest[identity][:2]:
                    earliest[identity] = place
        yield from ((event, received_at) for received_at, _, event in earliest.values())
