"""How far a replay has come, so that an interrupted one continues: a file in the user's cache folder."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path

SAVE_SECONDS = 1.0


@dataclass(slots=True)
class Totals:
    """What became of the lines so far."""

    lines: int = 0
    sent: int = 0
    """Events that were sent and answered."""
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """Events and lines that were refused, by code, here or by the server."""

    def add(self, other: Totals) -> None:
        """Count `other` in."""
        self.lines += other.lines
        self.sent += other.sent
        self.accepted += other.accepted
        self.rejected.update(other.rejected)


class Checkpoint:
    """The state of one replay: this content, to this workspace of this stack, with these options.

    Batches may be answered in any order; what counts is the prefix of the lines of which every batch was answered. The
    few beyond it are sent again, which is harmless.
    """

    def __init__(self, path: Path, start: datetime, totals: Totals | None = None) -> None:
        self.path = path
        self.start = start
        """When the replay was begun, also if it is continued later: the shift depends on it."""
        self.totals = totals or Totals()
        self.resumed_lines = self.totals.lines
        self._next = 0
        self._waiting: dict[int, Totals] = {}
        self._saved_at = time.monotonic()

    @classmethod
    def open(cls, identity: str, now: datetime, *, restart: bool = False) -> Checkpoint:
        """Return the checkpoint of `identity`: the stored one, or a new one that starts now."""
        path = user_cache_path("tidemark") / "replay" / f"{sha256(identity.encode()).hexdigest()[:32]}.json"
        if not restart:
            try:
                stored = json.loads(path.read_text("utf-8"))
                totals = Totals(**{each.name: stored[each.name] for each in fields(Totals)})
                totals.rejected = Counter(totals.rejected)
                return cls(path, datetime.fromisoformat(stored["start"]), totals)
            except (OSError, ValueError, KeyError, TypeError):
                pass  # none, or not one of ours: start at the beginning
        return cls(path, now)

    def complete(self, index: int, batch: Totals) -> None:
        """Note that batch number `index` (from 0) was answered."""
        self._waiting[index] = batch
        while self._next in self._waiting:
            self.totals.add(self._waiting.pop(self._next))
            self._next += 1
        if time.monotonic() - self._saved_at >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Write the file, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        totals = {each.name: getattr(self.totals, each.name) for each in fields(Totals)}
        part.write_text(json.dumps({"start": self.start.isoformat(), **totals}), "utf-8")
        part.replace(self.path)
        self._saved_at = time.monotonic()

    def remove(self) -> None:
        """Forget it: the replay is complete, and the next one is a new one."""
        self.path.unlink(missing_ok=True)
