"""Batching: every new event into exactly one batch, and sealed batches to those who analyse them.

As in the fold, a worker knows what the chain of an hour's shard holds, and writes on the condition that its last batch
has not moved since. So a chunk that comes again brings nothing, of two workers that add at once one reads anew, and
what a worker that died has left undone is done when the chunk comes again.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tidemark.domain.batches import Batch, Chain, assigned
from tidemark.domain.chunks import event_hash
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.domain.idset import IdSet
from tidemark.domain.jobs import RESEND_SECONDS
from tidemark.services.batch_ports import AnalysisQueue, Batches
from tidemark.services.contention import attempts
from tidemark.services.ports import Directory, LoggedChunk, Workspace

KNOWN_CHAINS = 64
KNOWN_IDS = 1_000_000
"""A worker's knowledge is dropped, oldest first, beyond so many ids of 8 bytes: 8 MB."""
SENT_TOGETHER = 10
"""Jobs are queued as their batches are sealed, as many together as one request takes: a delivery after a burst seals a
hundred batches, one after the other, and the first need not wait for the last."""
IDLE_SECONDS = 900
"""A chain that got nothing for so long while others did is forgotten: mostly its hour is over."""

Fresh = list[tuple[str, list[int]]]
"""(key of a chunk, hashes of the event ids that it brings)"""


@dataclass(slots=True)
class _Known:
    """What is in a chain; `used_at` in Unix seconds."""

    ids: IdSet
    tail: Batch | None
    used_at: int = 0


@dataclass(slots=True)
class _Sealed:
    """How many batches were sealed, and which of them, as (workspace, batch id), are not queued yet."""

    number: int = 0
    waiting: list[tuple[str, str]] = field(default_factory=list)


class FillBatches:
    """Puts new events into batches and queues those that are full.

    Parameters
    ----------
    unsent
        Called with sealed (workspace, batch id) whose messages the queue did not take; `SealBatches` sends them again.
    """

    def __init__(
        self,
        directory: Directory,
        batches: Batches,
        queue: AnalysisQueue,
        unsent: Callable[[Sequence[tuple[str, str]], Exception], None],
    ) -> None:
        self._directory = directory
        self._batches = batches
        self._queue = queue
        self._unsent = unsent
        self._known: OrderedDict[Chain, _Known] = OrderedDict()

    def __call__(self, chunks: Iterable[LoggedChunk], now: datetime) -> int:
        """Take `chunks` in, in any order and repeated at will; return how many batches were sealed.

        On return each event of an hour that is analysed is in exactly one batch of its hour and shard. Every chain
        is worked on even if another fails; then the failures are raised together.
        """
        by_chain: dict[Chain, list[LoggedChunk]] = defaultdict(list)
        for logged in chunks:
            if logged.refiled:  # its events are in batches of the hour in which they were filed before
                continue
            by_chain[Chain(logged.chunk.workspace, logged.chunk.hour, logged.chunk.shard)].append(logged)
        sealed = _Sealed()
        failures: list[Exception] = []
        for chain, group in by_chain.items():
            try:
                workspace = self._directory.workspace(chain.workspace)
                if workspace is not None and workspace.analyses(chain.hour):
                    self._fill(workspace, chain, group, int(now.timestamp()), sealed)
            except Exception as error:  # noqa: BLE001  # raised below, with the others
                failures.append(error)
        self._send(sealed)
        if failures:
            raise ExceptionGroup("some events could not be put into batches", failures)
        return sealed.number

    def _fill(
        self,
        workspace: Workspace,
        chain: Chain,
        chunks: Sequence[LoggedChunk],
        now_seconds: int,
        sealed: _Sealed,
    ) -> None:
        for _ in attempts():
            try:
                known = self._know(chain, now_seconds)
                fresh = _fresh(chunks, known.ids)
                for batch in assigned(chain, known.tail, fresh, workspace.batch_events, now_seconds):
                    self._put(workspace, known, batch, now_seconds)
                    if batch.state == "SEALED":
                        sealed.number += 1
                        sealed.waiting.append((workspace.workspace, batch.batch_id))
                        if len(sealed.waiting) == SENT_TOGETHER:
                            self._send(sealed)
            except Conflict:
                self._known.pop(chain, None)
                continue
            except BaseException:
                self._known.pop(chain, None)  # the last batch may have been written
                raise
            return
        raise Unavailable("the batches are being filled by many at once; try again")

    def _put(self, workspace: Workspace, known: _Known, batch: Batch, now_seconds: int) -> None:
        is_open = batch.state == "OPEN"
        due_at = batch.opened_at + workspace.batch_seconds if is_open else batch.sealed_at + RESEND_SECONDS
        self._batches.put(batch, due_at, now_seconds + workspace.retention_days * 86_400)
        known.ids.update(batch.ids)
        known.tail = batch

    def _send(self, sealed: _Sealed) -> None:
        """Queue the jobs that wait; a failure is not raised, since the batches are stored, and due to be sent again."""
        waiting, sealed.waiting = sealed.waiting, []
        if not waiting:
            return
        try:
            self._queue.send(waiting)
        except Exception as error:  # noqa: BLE001  # told
            self._unsent(waiting, error)

    def _know(self, chain: Chain, now_seconds: int) -> _Known:
        known = self._known.pop(chain, None) or self._read(chain)
        self._known[chain] = known
        known.used_at = now_seconds
        while len(self._known) > 1 and (
            len(self._known) > KNOWN_CHAINS
            or next(iter(self._known.values())).used_at < now_seconds - IDLE_SECONDS
            or sum(len(each.ids) for each in self._known.values()) > KNOWN_IDS
        ):
            self._known.popitem(last=False)
        return known

    def _read(self, chain: Chain) -> _Known:
        """Read what a chain holds.

        It is read a page after the other. If others went on meanwhile, a batch that was the last one of its chain when
        its page was read is not so any more, and may have got events since. It was open: so that is seen.
        """
        batches = self._batches.chain(chain)
        if any(batch.state == "OPEN" for batch in batches[:-1]):
            raise Conflict("the chain grew while it was read")
        known = _Known(IdSet(), batches[-1] if batches else None)
        for batch in batches:
            known.ids.update(batch.ids)
        return known


def _fresh(chunks: Iterable[LoggedChunk], known: IdSet) -> Fresh:
    """Return the events that are not known, each once."""
    fresh: Fresh = []
    seen: set[int] = set()
    for logged in chunks:
        identities = [event_hash(event["event_id"]) for event in logged.chunk.events]
        new = [each for each in dict.fromkeys(identities) if each not in known and each not in seen]
        seen.update(new)
        if new:
            fresh.append((logged.chunk.key, new))
    return fresh
