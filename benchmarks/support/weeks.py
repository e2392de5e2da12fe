"""Simulated weeks of a site: a daily and a weekly shape, noise, growth, and known anomalies. Seeded.

The rate of an hour is shape x growth x noise (gamma, so that counts are overdispersed Poisson counts); within the hour
it leans as the shape does. Pages follow Zipf's law, durations and sizes are log-normal, 2 % of the answers are errors.
An anomaly begins somewhere in the first half of its hour and lasts to its end.
"""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

Event = dict[str, Any]

START = datetime(2026, 9, 28, tzinfo=UTC)
"""A Monday."""
DAYS = (1.0, 1.08, 1.1, 1.05, 0.92, 0.6, 0.55)
"""The weekly shape, from Monday on."""
ERROR_SHARE = 0.02
PATHS = [f"/page-{rank}" for rank in range(1, 81)]
PATH_WEIGHTS = list(accumulate(1 / rank for rank in range(1, 81)))
REFERRERS = ["", "https://search.example/", "https://news.example/", "https://mail.example/", "https://blog.example/"]
REFERRER_WEIGHTS = list(accumulate((40, 30, 15, 10, 5)))
STATUSES = {False: [200, 304, 302], True: [404, 500]}
MEDIAN_MS, SIGMA_MS = 120.0, 0.6
TAIL_FACTOR = 6

KINDS: dict[str, tuple[float, ...]] = {
    "surge": (1.5, 2.0, 3.0),
    "drop": (0.7, 0.5, 0.25),
    "errors": (0.06, 0.12, 0.25),
    "slow": (1.2, 1.5, 2.0),
    "tail": (0.1, 0.2, 0.3),
    "mover": (0.1, 0.2, 0.35),
    "new": (0.03, 0.07, 0.15),
    "vanished": (0.05, 0.1, 0.2),
}
"""The sizes of each kind, small, medium and large: the factor of the rate; the share of errors; the factor of
durations; the share of answers that take six times as long; the share of a page that had 1 %, of a page that never
was; the share that a missing page had."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What happens from a share of the hour on."""

    kind: str
    size: float
    begins: float
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Hour:
    """A simulated hour; `noise` is by what its rate differs from what is usual, anomalies apart."""

    start: datetime
    events: list[Event]
    noise: float
    anomaly: Anomaly | None


class Site:
    """A simulated site with so many events an hour, on average, and a growth a week (a share)."""

    def __init__(self, seed: int, per_hour: float, dispersion: float, growth: float, odd_share: float) -> None:
        self._rng = random.Random(seed)
        self._per_hour = per_hour
        self._dispersion = dispersion
        self._growth = growth
        self._odd_share = odd_share
        self._made = 0
        self._numbers = [
            (self._rng.lognormvariate(math.log(MEDIAN_MS), SIGMA_MS), int(self._rng.lognormvariate(9, 1)))
            for _ in range(20_000)
        ]
        self._visitors = [f"v{self._rng.getrandbits(40):x}" for _ in range(max(50, int(per_hour * 20)))]

    def hours(self, weeks: int) -> Iterator[Hour]:
        """Yield the hours of some weeks."""
        for number in range(weeks * 168):
            yield self._hour(START + timedelta(hours=number))

    def usual(self, at: datetime) -> float:
        """Return the rate that is usual at a time, in events an hour."""
        weeks = (at - START) / timedelta(weeks=1)
        clock = at.hour + at.minute / 60 + at.second / 3600
        daily = 1 + 0.75 * math.sin((clock - 8.5) * math.pi / 12) + 0.15 * math.sin(clock * math.pi / 3)
        # Days run into one another at midnight, as they do.
        share, day = clock / 24, at.weekday()
        weekly = DAYS[day] if share < 0.9 else DAYS[day] + (DAYS[(day + 1) % 7] - DAYS[day]) * (share - 0.9) * 10
        return self._per_hour * daily * weekly * float((1 + self._growth) ** weeks)

    def _hour(self, start: datetime) -> Hour:
        rng = self._rng
        noise = rng.gammavariate(1 / self._dispersion**2, self._dispersion**2)
        anomaly = self._anomaly() if rng.random() < self._odd_share else None
        pieces = 12
        events: list[Event] = []
        for piece in range(pieces):
            middle = (piece + 0.5) / pieces
            rate = self.usual(start + timedelta(hours=middle)) * noise
            odd = anomaly is not None and (piece + 1) / pieces > anomaly.begins
            if odd and anomaly and anomaly.kind in ("surge", "drop"):
                rate *= anomaly.size
            for _ in range(_poisson(rng, rate / pieces)):
                at = (piece + rng.random()) / pieces
                acting = anomaly if anomaly and at >= anomaly.begins else None
                events.append(self._event(start, at, acting))
        events.sort(key=lambda event: str(event["timestamp"]))
        return Hour(start, events, noise, anomaly)

    def _anomaly(self) -> Anomaly:
        rng = self._rng
        kind = rng.choice(list(KINDS))
        size = rng.choice(KINDS[kind])
        subject = {"new": f"/campaign-{rng.randrange(10**6)}", "mover": PATHS[rng.randrange(15, 25)]}.get(kind, "")
        if kind == "vanished":
            subject = _page_with(size)
        return Anomaly(kind, size, rng.random() / 2, subject)

    def _event(self, start: datetime, at: float, acting: Anomaly | None) -> Event:
        random_share = self._rng.random
        kind, size = (acting.kind, acting.size) if acting else ("", 0.0)
        path = PATHS[bisect(PATH_WEIGHTS, random_share() * PATH_WEIGHTS[-1])]
        if acting and kind in ("new", "mover") and random_share() < size:
            path = acting.subject
        while acting and kind == "vanished" and path == acting.subject:
            path = PATHS[bisect(PATH_WEIGHTS, random_share() * PATH_WEIGHTS[-1])]
        statuses = STATUSES[random_share() < (size if kind == "errors" else ERROR_SHARE)]
        duration, size_bytes = self._numbers[int(random_share() * len(self._numbers))]
        if kind == "slow" or (kind == "tail" and random_share() < size):
            duration *= size if kind == "slow" else TAIL_FACTOR
        minute, second = divmod(at * 3600, 60)
        self._made += 1
        return {
            "event_id": f"{self._made:x}",
            "type": "page",
            "timestamp": f"{start:%Y-%m-%dT%H}:{int(minute):02d}:{min(second, 59.999):06.3f}Z",
            "anonymous_id": self._visitors[int(random_share() * len(self._visitors))],
            "properties": {
                "path": path,
                "status": statuses[int(random_share() * len(statuses))],
                "bytes": size_bytes,
                "method": "GET" if random_share() < 0.9 else "POST",
                "referrer": REFERRERS[bisect(REFERRER_WEIGHTS, random_share() * REFERRER_WEIGHTS[-1])],
                "duration_ms": round(duration),
            },
        }


def _page_with(share: float) -> str:
    """Return the page whose share is nearest."""
    total = PATH_WEIGHTS[-1]
    return PATHS[min(range(len(PATHS)), key=lambda place: abs(1 / (place + 1) / total - share))]


def _poisson(rng: random.Random, mean: float) -> int:
    if mean > 60:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    bound, product, number = math.exp(-mean), rng.random(), 0
    while product > bound:
        product *= rng.random()
        number += 1
    return number
