"""What the fold leaves to the rollup: which hours it has begun, and which must be recomputed."""

from __future__ import annotations

from tidemark.domain.closing import GRACE_SECONDS, closes_at, slot_at
from tidemark.services.closing_ports import Agenda, RollupQueue

DELAY_SECONDS = 30
"""From the first late event of an hour to its recompute, which takes in all that come until then."""
COALESCED_SECONDS = 20
"""After one recompute was queued a process queues no other of that hour for so long. The rest of the delay is for the
clocks: what came within this time is in the log before the recompute reads it."""
REMEMBERED = 1024


class LateHours:
    """Puts hours on the agenda, and has late ones recomputed."""

    def __init__(self, agenda: Agenda, queue: RollupQueue) -> None:
        self._agenda = agenda
        self._queue = queue
        self._queued: dict[tuple[str, str], tuple[str, int]] = {}

    def begin(self, workspace: str, hour: str, shard: int, now_seconds: int) -> bool:
        """Note an hour's shard that has no cell yet, due when it closes; answer False if it had events before.

        Then its cell was lost, or whoever noted it died before the cell was written: its events are in the log.
        """
        is_new = self._agenda.note(workspace, hour, shard)
        self._agenda.schedule(workspace, hour, slot_at(max(now_seconds, closes_at(hour) - GRACE_SECONDS)))
        return is_new

    def recompute(self, workspace: str, hour: str, now_seconds: int) -> None:
        """Have a closed hour recomputed within a minute; if the queue loses that, by the next run.

        It is made due also where a job is queued: a run or a backfill may have done in its place what was due before.
        """
        due = self._agenda.schedule(workspace, hour, slot_at(now_seconds))
        slot, queued_at = self._queued.get((workspace, hour), ("", 0))
        if slot == due.slot and now_seconds < queued_at + COALESCED_SECONDS:
            return
        self._queue.send([due], DELAY_SECONDS)
        if len(self._queued) >= REMEMBERED:
            self._queued.clear()
        self._queued[workspace, hour] = due.slot, now_seconds
