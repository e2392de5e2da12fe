"""Filing the log anew: after a change to a timezone with other hours, every chunk goes where its events now belong.

An event counts in the hour that its time is in, so a chunk itself tells whether it is filed right, and an hour's name
whether the timezone has it. Nothing else need be remembered: whenever this dies, the same again finds what is left. New
chunks are put before the old one is taken away, under keys that name it, so that a repetition meets its own; to the
fold and the rollup they are late events. An hour's note goes last. All of this begins when no function knows the
settings from before any more: what is in the log of an hour then is all that comes there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tidemark.domain.chunks import Chunk, refiled
from tidemark.domain.closing import is_closed
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.domain.hours import day_of, hour_seconds, hours_within, is_cut_alike, is_hour, is_whole_hour, last_day_of
from tidemark.domain.timeline import session_key
from tidemark.services.contention import attempts
from tidemark.services.portions import portions
from tidemark.services.ports import LoggedChunk, Workspace
from tidemark.services.record import Record
from tidemark_cli.erasure.sweep import some_at_a_time
from tidemark_cli.refiling.ports import Archive, DayCells, HourCells, Log, Notes, SessionEntries
from tidemark_cli.rollup.backfill import Backfill, Sent
from tidemark_cli.rollup.unnoted import FIRST_HOUR, LAST_HOUR, recent_hours

UNNOTED_DAYS = 2
"""As for an erasure: so far back hours are looked at whether they are noted or not."""
LASTING = timedelta(hours=2)
"""So long the log must still have an hour that is to be filed anew."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What there is that is filed by hours."""

    agenda: Notes
    cells: HourCells
    days: DayCells
    index: SessionEntries
    log: Log
    archive: Archive


class Refiling:
    """Files a workspace's log by the hours of its timezone."""

    def __init__(self, workspace: Workspace, tables: Tables) -> None:
        self._workspace = workspace
        self._name = workspace.workspace
        self._timezone = workspace.timezone
        self._tables = tables
        self._noted: set[tuple[str, int]] = set()

    def hours(self, now: datetime) -> Mapping[str, bool]:
        """Return the hours that may hold what belongs elsewhere, newest first, and of each whether it is noted."""
        noted = set(self._tables.agenda.hours(self._name, FIRST_HOUR, LAST_HOUR))
        former = self._workspace.former_timezone
        every = noted.union(recent_hours(now, former, UNNOTED_DAYS) if former else ())
        found = sorted((hour for hour in every if not is_whole_hour(hour, self._timezone)), reverse=True)
        return {hour: hour in noted for hour in found}

    def first_whole_day(self, now: datetime) -> date | None:
        """Return the first local day that can be cut by the new hours; None if that is so of all that are kept.

        What cannot is an hour whose log has ended, at least in part, or is about to: its cell cannot be cut in two.
        """
        kept_from = self._workspace.kept_from(now)
        hours = [hour for hour in self.hours(now) if last_day_of(hour, self._timezone) >= kept_from]
        ends = self._tables.cells.log_ends(
            self._name, [(hour, shard) for hour in hours for shard in range(self._shards(hour))]
        )
        ended = {hour for (hour, _), until in ends.items() if until <= (now + LASTING).timestamp()}
        last = max((last_day_of(hour, self._timezone) for hour in ended), default=None)
        return last + timedelta(days=1) if last else None

    def is_left(self, now: datetime) -> bool:
        """Answer whether an hour is noted that the timezone does not have, of a day that is kept."""
        kept_from = self._workspace.kept_from(now)
        return any(
            is_noted and not is_hour(hour, self._timezone) and last_day_of(hour, self._timezone) >= kept_from
            for hour, is_noted in self.hours(now).items()
        )

    def sweep(self, hours: Mapping[str, bool], now: datetime, tell: Callable[[], None]) -> bool:
        """File anew what `hours` hold, some at a time; answer whether there was anything to do."""
        is_changed = False
        with some_at_a_time(lambda hour: self._refile(hour, hours[hour], now), hours) as done:
            for has_moved in done:
                is_changed = is_changed or has_moved
                tell()
        return is_changed

    def recompute(self, record: Record, sent: Sent, now: datetime) -> Backfill:
        """Queue every closed hour that is another one than it was, and return what follows it."""
        agenda, former = self._tables.agenda, self._workspace.former_timezone
        hours = [
            hour
            for hour in agenda.hours(self._name, FIRST_HOUR, LAST_HOUR)
            if is_hour(hour, self._timezone)
            and is_closed(hour, int(now.timestamp()))
            and not self._workspace.has_ended(hour, now)
            and not (former and is_cut_alike(hour, former, self._timezone))
        ]
        days = [day_of(hour, self._timezone) for hour in hours] or [now.date()]
        following = Backfill(self._workspace, min(days), max(days), agenda, record)
        slot = following.begin(sent, now)
        for portion in portions(agenda.schedule(self._name, hour, slot) for hour in hours):
            sent.send(portion)
        return following

    def _refile(self, hour: str, is_noted: bool, now: datetime) -> bool:
        if last_day_of(hour, self._timezone) < self._workspace.kept_from(now):
            self._end(hour)
            return False
        moved = self._move(hour, now)
        for part in set(hours_within(hour, self._timezone)):
            if self._workspace.has_ended(part, now):  # the first day that is kept begins within
                self._tables.archive.write(part, now)
        if not (moved or is_noted) or self._with_chunks(hour):
            return moved
        self._tables.cells.remove(self._cells_of(hour))
        self._tables.archive.empty(hour, moved, now)
        self._tables.agenda.forget(self._name, self._places(hour))
        for place in self._with_chunks(hour):  # something came meanwhile, where the fold has found it noted
            self._tables.agenda.note(self._name, *place)
        return True

    def _end(self, hour: str) -> None:
        """Take away what is shown of an hour that is not kept; what the log still has of it stays noted."""
        self._tables.cells.remove(self._cells_of(hour))
        if self._workspace.former_timezone:
            self._tables.days.remove(self._name, day_of(hour, self._workspace.former_timezone))
        self._tables.agenda.forget(self._name, set(self._places(hour)) - set(self._with_chunks(hour)))

    def _move(self, hour: str, now: datetime) -> bool:
        """Move the chunks that are filed wrong; answer whether there were any."""
        has_moved = False
        for _ in attempts():
            try:
                for _, shard in self._places(hour):
                    for logged in self._tables.log.read(self._name, hour, shard):
                        parts = refiled(logged.chunk, timezone=self._timezone, shards_at=self._workspace.shards_at)
                        if parts is not None:
                            self._replace(logged, parts, now)
                            has_moved = True
            except Conflict:
                continue  # an erasure has taken events out of a chunk: as it is now is read again
            return has_moved
        raise Unavailable(f"the hour {hour} is being rewritten by many at once; try again")

    def _replace(self, logged: LoggedChunk, parts: list[Chunk], now: datetime) -> None:
        received_at = datetime.fromisoformat(logged.received_at)
        for part in parts:
            self._note(part, now)
            self._tables.log.put(part, received_at, logged.expires_at, refiled=True)
        chunk = logged.chunk
        for session in sorted({event["session_id"] for event in chunk.events if "session_id" in event}):
            self._tables.index.remove(self._name, session_key(session), [(chunk.hour, chunk.shard, chunk.key)])
        self._tables.log.remove(logged)

    def _note(self, part: Chunk, now: datetime) -> None:
        """Note a closed hour, so that the fold has it recomputed from the log; an open one the fold notes itself."""
        place = part.hour, part.shard
        is_kept = is_closed(part.hour, int(now.timestamp())) and not self._workspace.has_ended(part.hour, now)
        if is_kept and place not in self._noted:
            self._tables.agenda.note(self._name, *place)
            self._noted.add(place)

    def _with_chunks(self, hour: str) -> list[tuple[str, int]]:
        return [place for place in self._places(hour) if self._tables.log.has_chunks(self._name, *place)]

    def _shards(self, hour: str) -> int:
        return self._workspace.shards_at(hour_seconds(hour))

    def _places(self, hour: str) -> list[tuple[str, int]]:
        return [(hour, shard) for shard in range(self._shards(hour))]

    def _cells_of(self, hour: str) -> list[tuple[str, str, int]]:
        return [(self._name, *place) for place in self._places(hour)]
