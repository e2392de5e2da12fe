"""Page views of a busy site at a steady rate: seeded, so that every run measures the same events.

The shape is that of the access log of a real site (a method, a path, a status, bytes, a referrer and the browser's user
agent): 400 paths after Zipf's law, half of the visits by people who have been there before, and the random ids that
SDKs make, one of which is each event's own and does not compress: 16 random bytes in 36 characters.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate, islice
from typing import Any
from uuid import UUID

Event = dict[str, Any]

PATHS = 400
VISITORS = 40_000
"""Who may come again; half of all visits are by them."""
RETURNING_SHARE = 0.5
PAGES_PER_VISIT = 3.0
OPEN_VISITS = 300
MEDIAN_BYTES = 14_000
BYTES_SIGMA = 1.1

SECTIONS = ("docs", "blog", "features", "customers", "changelog", "community", "jobs", "help")
REFERRERS = (
    "https://www.google.com/",
    "https://duckduckgo.com/",
    "https://news.ycombinator.com/",
    "https://www.bing.com/",
    "https://github.com/",
    "https://www.linkedin.com/",
    *(f"https://partner-{number}.example.org/articles/analytics" for number in range(54)),
)
SYSTEMS = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "iPhone; CPU iPhone OS 18_5 like Mac OS X",
    "Linux; Android 10; K",
)
STATUSES = (200, 304, 302, 404, 500, 503)
STATUS_WEIGHTS = (86, 94, 97, 99, 99.7, 100)
"""Cumulative, in percent."""


def page_views(start: datetime, per_second: float, seed: int = 1) -> Iterator[Event]:
    """Yield page views without end, in order of time, in the native form."""
    rng = random.Random(seed)
    paths = [_path(rank) for rank in range(PATHS)]
    weights = list(accumulate(1 / rank for rank in range(1, PATHS + 1)))
    agents = [_agent(rng) for _ in range(60)]
    visits: list[list[str]] = []
    at = start
    step = timedelta(seconds=1 / per_second)
    while True:
        if len(visits) < OPEN_VISITS:
            visits.append(_visit(rng, agents))
        index = rng.randrange(len(visits))
        anonymous_id, agent, referrer = visits[index]
        path = rng.choices(paths, cum_weights=weights)[0]
        yield _page_view(rng, at, anonymous_id, agent, path, referrer)
        visits[index][2] = f"https://www.example.com{path}"
        if rng.random() < 1 / PAGES_PER_VISIT:
            visits[index] = _visit(rng, agents)
        at += step


def batches(events: Iterator[Event], size: int) -> Iterator[list[Event]]:
    """Yield lists of `size` events without end."""
    while True:
        yield list(islice(events, size))


def _page_view(rng: random.Random, at: datetime, anonymous_id: str, agent: str, path: str, referrer: str) -> Event:
    status = rng.choices(STATUSES, cum_weights=STATUS_WEIGHTS)[0]
    size = 0 if status == 304 else int(rng.lognormvariate(math.log(MEDIAN_BYTES), BYTES_SIGMA))
    method = "POST" if status == 302 else "GET"
    properties: Event = {"path": path, "method": method, "status": status, "bytes": size}
    if referrer:
        properties["referrer"] = referrer
    return {
        "event_id": _uuid(rng),
        "type": "page",
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "anonymous_id": anonymous_id,
        "properties": properties,
        "context": {"userAgent": agent},
    }


def _visit(rng: random.Random, agents: list[str]) -> list[str]:
    """Return who comes, with what, and from where: a third come directly."""
    returning = rng.random() < RETURNING_SHARE
    visitor = _uuid(random.Random(rng.randrange(VISITORS))) if returning else _uuid(rng)
    known = min(int(rng.expovariate(0.25)), len(REFERRERS) - 1)
    return [visitor, rng.choice(agents), REFERRERS[known] if rng.random() < 2 / 3 else ""]


def _path(rank: int) -> str:
    return "/" if rank == 0 else f"/{SECTIONS[rank % len(SECTIONS)]}/{'how-to-' if rank % 3 else ''}page-{rank}"


def _agent(rng: random.Random) -> str:
    version = f"{rng.randrange(110, 143)}.0.0.0"
    system = rng.choice(SYSTEMS)
    return f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"


def _uuid(rng: random.Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))
