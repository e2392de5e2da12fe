"""What reading has found to be missing is put on the agenda, so that the next run of the rollup builds it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from tidemark.domain.closing import slot_at
from tidemark.domain.errors import Throttled, Unavailable
from tidemark.services.closing_ports import Agenda

MAX_PERIODS = 1000
"""A request schedules no more; the next one goes on."""
MAX_SECONDS = 4.0
"""Nor does it go on for longer, should the store be slow: somebody waits for the answer."""
WORKERS = 8
REMEMBERED = 10_000


class Repairs:
    """Schedules periods: once a run and process, and as well as it can; `clock` gives seconds that never go back."""

    def __init__(self, agenda: Agenda, clock: Callable[[], float] = time.monotonic) -> None:
        self._agenda = agenda
        self._clock = clock
        self._scheduled: set[tuple[str, str]] = set()
        self._slot = ""

    def schedule(self, workspace: str, periods: Iterable[str], now_seconds: int) -> None:
        """Have the next run close `periods` (hours, or days as `2026-11-22`); what fails the next request tries."""
        slot = slot_at(now_seconds)
        if slot != self._slot or len(self._scheduled) > REMEMBERED:
            self._scheduled, self._slot = set(), slot
        wanted = [period for period in dict.fromkeys(periods) if (workspace, period) not in self._scheduled]
        ends_at = self._clock() + MAX_SECONDS

        def put(period: str) -> bool:
            if self._clock() > ends_at:
                return False
            try:
                self._agenda.schedule(workspace, period, slot)
            except (Throttled, Unavailable):
                return False
            self._scheduled.add((workspace, period))
            return True

        # Where the first fails, so would the others, and each would take its time.
        if wanted and put(wanted[0]) and len(wanted) > 1:
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(put, wanted[1:MAX_PERIODS]))
