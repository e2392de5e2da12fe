"""The measures of the `web` dashboard, folded by hand: what one would write for this dashboard and no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any


class WebFold:
    """Folds page views, one after the other, into plain counters and sets."""

    def __init__(self) -> None:
        self.pageviews = 0
        self.bytes_sent: float = 0
        self.errors = 0
        self.visitors: set[str] = set()
        self.paths: Counter[str] = Counter()
        self.referrers: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.methods: Counter[str] = Counter()

    def __call__(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Fold normalised events; those of other types are passed over."""
        visitors, paths, referrers = self.visitors, self.paths, self.referrers
        statuses, methods = self.statuses, self.methods
        pageviews = errors = 0
        bytes_sent: float = 0
        for event in events:
            if event["type"] != "page":
                continue
            pageviews += 1
            if visitor := event.get("anonymous_id"):
                visitors.add(visitor)
            properties = event["properties"]
            size = properties.get("bytes")
            if isinstance(size, int | float):
                bytes_sent += size
            status = properties.get("status")
            if status is not None:
                if isinstance(status, int) and status >= 400:
                    errors += 1
                statuses[str(status)] += 1
            path = properties.get("path")
            if path is not None:
                paths[path] += 1
            method = properties.get("method")
            if method is not None:
                methods[method] += 1
            referrers[properties.get("referrer") or "(direct)"] += 1
        self.pageviews += pageviews
        self.bytes_sent += bytes_sent
        self.errors += errors

    def shown(self) -> dict[str, Any]:
        """Return the sections of the dashboard, series left out, as `tidemark.domain.snapshot.render` has them."""
        views, visitors = self.pageviews, len(self.visitors)
        return {
            "kpis": {
                "pageviews": views,
                "visitors": visitors,
                "bytes_sent": self.bytes_sent,
                "errors": self.errors,
                "error_rate": round(self.errors * 100 / views, 4) if views else 0,
            },
            "tabs.overview": {"top_paths": _top(self.paths, 10), "top_referrers": _top(self.referrers, 10)},
            "tabs.engagement": {"pages_per_visitor": round(views / visitors, 4) if visitors else 0},
            "tabs.technology": {"status_codes": _top(self.statuses, 20), "methods": _top(self.methods, 10)},
        }


def _top(counts: Counter[str], limit: int) -> dict[str, Any]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit]
    return {"error": 0, "rows": {key: {"order": order, "value": number} for order, (key, number) in enumerate(ranked)}}
