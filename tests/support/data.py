"""Events to send."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tidemark.domain.definitions import load

SMALL = {
    "web": load(
        """
        name: web
        measures:
          pageviews: {kind: count, events: [page]}
          visitors: {kind: unique, events: [page], field: anonymous_id}
          bytes_sent: {kind: sum, unit: bytes, events: [page], field: properties.bytes}
          errors: {kind: count, events: [page], where: {properties.status: {gte: 400}}}
          top_paths: {kind: top, events: [page], field: properties.path, limit: 10}
        kpis: [pageviews, visitors, bytes_sent, errors]
        charts:
          pageviews_by_day: {measure: pageviews, grain: day}
        tabs:
          overview: [top_paths]
        timelines:
          page: [properties.path]
        """,
        "small.yaml",
    )
}
"""The dashboard `web` with few sections and a short window, which make few calls."""
LARGE = {
    "web": load(
        """
        name: web
        measures:
          pageviews: {kind: count, events: [page]}
          paths: {kind: top, events: [page], field: properties.path, limit: 100}
        kpis: [pageviews]
        charts:
          by_hour: {measure: pageviews, grain: hour, last: 48}
        tabs:
          overview: [paths]
        """,
        "large.yaml",
    )
}
"""The dashboard `web` with a section that `long_paths` make larger than a message may be."""

_ids = count(1)
_PATHS = ("/", "/pricing", "/docs", "/blog")


def page(at: datetime, *, event_id: str | None = None, minutes_ago: float = 0, **properties: Any) -> dict[str, Any]:
    """Return a native `page` event of some minutes before `at`."""
    number = next(_ids)
    return {
        "event_id": event_id or f"e{number:06d}",
        "type": "page",
        "timestamp": (at - timedelta(minutes=minutes_ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "anonymous_id": f"visitor-{number % 7}",
        "properties": {
            "path": _PATHS[number % 4],
            "method": "GET",
            "status": 404 if number % 5 == 0 else 200,
            "bytes": 100 + number,
            **properties,
        },
    }


def pages(at: datetime, number: int, minutes_ago: float = 0) -> list[dict[str, Any]]:
    """Return that many page views."""
    return [page(at, minutes_ago=minutes_ago) for _ in range(number)]


def long_paths(at: datetime) -> list[dict[str, Any]]:
    """Return a hundred page views of a hundred long paths."""
    return [page(at, path=f"/{number:03d}" + '"\\é' * 150) for number in range(100)]
