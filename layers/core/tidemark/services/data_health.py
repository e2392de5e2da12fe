"""The health of the data: tables, rollup, rate of insertion and drift; nothing is started and nothing is scanned.

Tables and rollup are those of the whole system. How many events come, what has drifted and what has failed is told of
one workspace alone: whoever asks has a token of that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from tidemark.domain.closing import GRACE_SECONDS, closes_at, is_day, slot_at, slots
from tidemark.domain.data_health import USABLE, closed_hours, lag_seconds, rollup_state, week_before, worst
from tidemark.domain.errors import TidemarkError
from tidemark.domain.health import State
from tidemark.services.closing_ports import Due
from tidemark.services.ports import Workspace
from tidemark.services.record import PastClosing, PastRun, Record

RATE_HOURS = 24
RECENT_RUNS = 24
LATE_SLOTS = 2
"""How many runs after its own an hour's record is looked for, a week ago: what was late came mostly by then."""
MAX_COUNTED = 16_000
"""Due periods that are counted: 1,000 of each partition over which the agenda spreads them, 8 read units each."""
WORKERS = 16
COUNTED = frozenset({"final", "empty"})
"""Of an hour with one of these outcomes it is known how many events it has: the log was read."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table's status in DynamoDB's words, and its size as AWS counted it last."""

    status: str
    items: int
    size_bytes: int


class Tables(Protocol):
    """The tables, as they are described."""

    def names(self) -> tuple[str, ...]:
        """Return which tables there are."""

    def describe(self, name: str) -> TableFacts:
        """Describe one."""


class Backlog(Protocol):
    """What is still due, in numbers; and which hours have events."""

    def oldest_slot(self) -> str | None:
        """Read the oldest slot that holds something; None if nothing is due at all."""

    def count_until(self, slot: str, most: int) -> tuple[int, bool]:
        """Count what is due in a slot or before, at most about `most`; answer also whether that was all."""

    def hours(self, workspace: str, first: str, last: str) -> list[str]:
        """Read the hours with events from `first` to `last`, both included."""

    def find(self, due: Due) -> Due | None:
        """Read a due period; None if it is not due in that slot (any more)."""


@dataclass(frozen=True, slots=True)
class TableHealth:
    """A table: `code` says why it could not be described."""

    state: State
    facts: TableFacts | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class RollupHealth:
    """The rollup: its last runs, newest first, and what is left over in slots whose run has been."""

    state: State
    runs: Sequence[PastRun] = ()
    lag_seconds: int | None = None
    oldest_due: str | None = None
    due: int = 0
    is_all: bool = True
    code: str | None = None


@dataclass(frozen=True, slots=True)
class HourRate:
    """The events of an hour, and of the same local hour a week before; None for what is not recorded (yet)."""

    hour: str
    events: int | None
    week_before: int | None


@dataclass(frozen=True, slots=True)
class WorkspaceHealth:
    """A workspace's last hours: their events, what drifted, and which periods failed and were not closed since.

    `last_day` is the last local day that was merged within these hours, None if there is none.
    """

    state: State
    rates: Sequence[HourRate] = ()
    drift: int = 0
    slowest_milliseconds: int = 0
    failed: Sequence[PastClosing] = ()
    last_day: PastClosing | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class DataReport:
    """The whole."""

    status: State
    tables: dict[str, TableHealth]
    rollup: RollupHealth
    workspace: WorkspaceHealth


class DataHealth:
    """Asks for the health of the data; `on_failure` is told of what could not be asked for no expected reason."""

    def __init__(
        self, tables: Tables, backlog: Backlog, record: Record, on_failure: Callable[[str, Exception], None]
    ) -> None:
        self._tables = tables
        self._backlog = backlog
        self._record = record
        self._on_failure = on_failure

    def __call__(self, workspace: Workspace, now: datetime) -> DataReport:
        """Return the health as of `now`; what does not answer is part of it, and raises nothing."""
        with ThreadPoolExecutor(WORKERS) as pool:
            tables = dict(zip(self._tables.names(), pool.map(self._table, self._tables.names()), strict=True))
            rollup, code = self._ask("rollup", lambda: self._rollup(now))
            rollup = rollup or RollupHealth("unknown", code=code)
            own, code = self._ask("workspace", lambda: self._workspace(workspace, now, pool))
            own = own or WorkspaceHealth("unknown", code=code)
        states = [rollup.state, own.state, *(table.state for table in tables.values())]
        return DataReport(worst(states), tables, rollup, own)

    def _table(self, name: str) -> TableHealth:
        facts, code = self._ask(name, lambda: self._tables.describe(name))
        if facts is None:
            return TableHealth("down", code=code)
        return TableHealth("ok" if facts.status in USABLE else "down", facts)

    def _rollup(self, now: datetime) -> RollupHealth:
        now_seconds, runs = int(now.timestamp()), self._record.runs(RECENT_RUNS)
        if not runs:
            return RollupHealth("unknown")
        last, oldest = runs[0].slot, self._backlog.oldest_slot()
        if oldest is None or oldest > last:  # it waits for its run, as open hours do
            return RollupHealth(rollup_state(last, None, now_seconds), runs, lag_seconds(last, now_seconds))
        due, is_all = self._backlog.count_until(last, MAX_COUNTED)
        state = rollup_state(last, oldest, now_seconds)
        return RollupHealth(state, runs, lag_seconds(last, now_seconds), oldest, due, is_all)

    def _workspace(self, workspace: Workspace, now: datetime, pool: ThreadPoolExecutor) -> WorkspaceHealth:
        hours = closed_hours(now, workspace.timezone, RATE_HOURS)
        before = {hour: week_before(hour, workspace.timezone) for hour in hours}
        recent = self._closings(workspace, hours, slot_at(int(now.timestamp())), pool)
        ago = sorted(set(before.values()))
        past = self._closings(workspace, ago, slot_at(closes_at(ago[-1]) + LATE_SLOTS * 3600), pool)
        name = workspace.workspace
        noted = {*self._backlog.hours(name, hours[0], hours[-1]), *self._backlog.hours(name, ago[0], ago[-1])}
        counted = {closing.period: closing.events for closing in (*past, *recent) if closing.outcome in COUNTED}

        def events(hour: str) -> int | None:
            return counted.get(hour, None if hour in noted else 0)

        failures = [closing for closing in recent if closing.has_failed]
        still_due = pool.map(lambda each: self._backlog.find(Due(name, each.period, each.slot)), failures)
        failed = [closing for closing, due in zip(failures, still_due, strict=True) if due]
        drift = sum(closing.drift for closing in recent)
        return WorkspaceHealth(
            "degraded" if failed or drift else "ok",
            [HourRate(hour, events(hour), events(before[hour])) for hour in hours],
            drift,
            max((closing.milliseconds for closing in recent), default=0),
            failed,
            max((each for each in recent if _is_merged_day(each)), key=lambda each: each.period, default=None),
        )

    def _closings(
        self, workspace: Workspace, hours: Sequence[str], last_slot: str, pool: ThreadPoolExecutor
    ) -> list[PastClosing]:
        """Return what was recorded of `hours` (ascending) and of the days from theirs on, oldest record first."""
        first_slot = slot_at(closes_at(hours[0]) - GRACE_SECONDS)
        first_day = hours[0].partition("T")[0]
        found: Iterable[list[PastClosing]] = pool.map(
            lambda slot: self._record.closings_of(workspace.workspace, slot, first_day, hours[-1]),
            slots(first_slot, last_slot),
        )
        closings = [each for part in found for each in part if is_day(each.period) or each.period >= hours[0]]
        return sorted(closings, key=lambda closing: closing.at)

    def _ask(self, name: str, ask: Callable[[], Answer]) -> tuple[Answer | None, str | None]:
        try:
            return ask(), None
        except TidemarkError as error:
            return None, error.code
        except Exception as error:  # noqa: BLE001  # access denied, say: it is what was asked for
            self._on_failure(name, error)
            return None, "internal"


def _is_merged_day(closing: PastClosing) -> bool:
    return is_day(closing.period) and closing.outcome == "final"
