"""A small cache for what rarely changes: a value lives for a while, and for longer when its source is down."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from tidemark.domain.errors import Throttled, Unavailable

Value = TypeVar("Value")


class TimedCache(Generic[Value]):
    """Values by key, loaded when missing or too old; the least recently used one makes room.

    Parameters
    ----------
    fresh_seconds
        How long a value is used without asking again.
    absent_seconds
        The same for the answer that there is none.
    stale_seconds
        How long after its loading a value may stand in when it cannot be loaded again.
    max_entries
        The bound on what is kept.
    clock
        A monotonic clock, in seconds.
    """

    def __init__(
        self,
        *,
        fresh_seconds: float,
        absent_seconds: float,
        stale_seconds: float,
        max_entries: int = 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fresh_seconds = fresh_seconds
        self._absent_seconds = absent_seconds
        self._stale_seconds = stale_seconds
        self._max_entries = max_entries
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, Value | None]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str, load: Callable[[], Value | None]) -> Value | None:
        """Return the value of `key`, from `load` if need be; raises what that raises if no older value can stand in."""
        now = self._clock()
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
        if entry is not None and now - entry[0] < self._lifetime(entry[1]):
            return entry[1]
        try:
            return self.renew(key, load)
        except (Throttled, Unavailable):
            if entry is None or entry[1] is None or now - entry[0] > self._stale_seconds:
                raise
            return entry[1]

    def renew(self, key: str, load: Callable[[], Value | None]) -> Value | None:
        """Return the value of `key` from `load`, and keep it; raises what that raises."""
        now = self._clock()
        value = load()
        with self._lock:
            self._entries[key] = now, value
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
        return value

    def _lifetime(self, value: Value | None) -> float:
        return self._absent_seconds if value is None else self._fresh_seconds
