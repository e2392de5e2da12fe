"""Which hours cold storage has to write: noted by who has analysed a batch, queued by the schedule once they are due.

A worker remembers what it has noted, so that a batch costs nothing: within `REMEMBERED_SECONDS` it notes an hour once.
That is safe because a note is taken away (`tidemark.services.cold_storage`) only when it is older than
`SETTLED_SECONDS`, and by who has read the batches after it read the note. A batch that was not noted was finished
within `REMEMBERED_SECONDS` after a note: so before whoever may take that note away has begun to read. By how much the
one is longer than the other, clocks may differ.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime

from tidemark.domain.batches import parse_batch_id
from tidemark.services.analyse import Outcome
from tidemark.services.cold_ports import ColdNotes, ColdQueue, DueNote, Hour
from tidemark.services.portions import portions

STORED_AFTER_SECONDS = 7200
"""An hour is due so long after its first batch was analysed: its last ones are mostly finished for half an hour then,
so that it is written once. Later notes do not put it off: an hour for which something comes all the time (from a clock
that has stopped) would never be written, and its first batches would expire."""
REMEMBERED_SECONDS = 900
SETTLED_SECONDS = 1800
REMEMBERED_HOURS = 1000
SENT_AGAIN_SECONDS = 10_800
"""A note that was queued and is still there is due again then: the queue gives a message up after five times half an
hour (template.yaml), so there is mostly one about an hour."""
RUN_SECONDS = 15
"""A run ends then; what is left is still due."""


class NoteHours:
    """Notes the hours of batches that were analysed.

    A worker may die between storing an insight and this. So it is done, too, for jobs that had succeeded before: their
    message comes again until it was done.
    """

    def __init__(self, notes: ColdNotes, on_failure: Callable[[Hour, Exception], None]) -> None:
        self._notes = notes
        self._on_failure = on_failure
        self._noted: OrderedDict[Hour, int] = OrderedDict()

    def __call__(self, outcomes: Iterable[Outcome], now: datetime) -> set[str]:
        """Note each hour, unless this worker did so just before; return the workspaces of those that could not be."""
        failed, now_seconds = set(), int(now.timestamp())
        for hour in sorted({_hour_of(outcome) for outcome in outcomes if outcome.has_insight}):
            if self._noted.get(hour, 0) > now_seconds - REMEMBERED_SECONDS:
                continue
            try:
                self._notes.note(*hour, now_seconds, now_seconds + STORED_AFTER_SECONDS)
                self._remember(hour, now_seconds)
            except Exception as error:  # noqa: BLE001  # told; the other hours must have their turn
                self._on_failure(hour, error)
                failed.add(hour[0])
        return failed

    def _remember(self, hour: Hour, now_seconds: int) -> None:
        self._noted[hour] = now_seconds
        self._noted.move_to_end(hour)
        while len(self._noted) > REMEMBERED_HOURS:
            self._noted.popitem(last=False)


class SendHours:
    """Queues the hours that are due."""

    def __init__(self, notes: ColdNotes, queue: ColdQueue, monotonic: Callable[[], float]) -> None:
        self._notes = notes
        self._queue = queue
        self._monotonic = monotonic

    def __call__(self, now: datetime) -> int:
        """Queue what is due, for at most `RUN_SECONDS`; return how many hours. What fails stays due."""
        now_seconds, ends_at = int(now.timestamp()), self._monotonic() + RUN_SECONDS
        sent = 0
        for portion in portions(self._notes.due(now_seconds)):
            self._send(portion, now_seconds)
            sent += len(portion)
            if self._monotonic() >= ends_at:
                break
        return sent

    def _send(self, portion: list[DueNote], now_seconds: int) -> None:
        """Queue hours, then have them be due later: a crash between the two repeats both."""
        self._queue.send_batches([(due.workspace, due.hour) for due in portion])
        for due in portion:
            self._notes.postpone(due.workspace, due.hour, now_seconds + SENT_AGAIN_SECONDS)


def _hour_of(outcome: Outcome) -> Hour:
    return outcome.workspace, parse_batch_id(outcome.workspace, outcome.batch)[0].hour
