"""The resident memory of the functions' processes of a local AWS."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from benchmarks.support.slope import Line, fit

WORKER = re.compile(r"tidemark-(\w+?)Function")
PAGE_KILOBYTES = 4.0

Samples = list[tuple[float, float]]
"""(minute, kilobytes)"""


class Residents:
    """Samples, by function and process."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        self._samples: dict[tuple[str, int], Samples] = defaultdict(list)

    def sample(self, minute: float) -> None:
        """Add a sample of every process."""
        for name, process, kilobytes in self._now():
            self._samples[name, process].append((minute, kilobytes))

    def largest(self) -> Mapping[str, float]:
        """Return the kilobytes of each function's largest process, now."""
        found: dict[str, float] = {}
        for name, _, kilobytes in self._now():
            found[name] = max(kilobytes, found.get(name, 0.0))
        return found

    def lines(self) -> dict[str, Line]:
        """Return for each function the line of its process that grew most, of those that lived for half the time."""
        longest = max((len(samples) for samples in self._samples.values()), default=0)
        found: dict[str, Line] = {}
        for (name, _), samples in sorted(self._samples.items()):
            line = fit(samples)
            if len(samples) * 2 >= longest and (name not in found or line.slope > found[name].slope):
                found[name] = line
        return found

    def _now(self) -> list[tuple[str, int, float]]:
        found = []
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                command = (process / "cmdline").read_text(errors="replace")
                pages = int((process / "statm").read_text().split()[1])
            except OSError:
                continue  # it has ended meanwhile
            name = WORKER.search(command)
            if name and self._directory in command:
                found.append((name[1], int(process.name), pages * PAGE_KILOBYTES))
        return found
