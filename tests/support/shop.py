"""A small definition that holds, to be changed in one place."""

from __future__ import annotations

from typing import Any

import yaml

from tidemark.domain.definitions import Dashboard, load

VALID: dict[str, Any] = {
    "name": "shop",
    "title": "Shop",
    "measures": {
        "orders": {"kind": "count", "events": ["order"]},
        "revenue": {"kind": "sum", "events": ["order"], "field": "properties.total", "title": "Revenue"},
        "buyers": {"kind": "unique", "events": ["order"], "field": "user_id"},
        "per_buyer": {"kind": "ratio", "of": "revenue", "over": "buyers"},
        "large": {"kind": "count", "events": ["order"], "where": {"properties.total": {"gte": 100}}},
        "median": {"kind": "percentile", "percentile": 50, "events": ["order"], "field": "properties.total"},
        "products": {"kind": "top", "events": ["order"], "field": "properties.product", "limit": 5},
        "latest": {"kind": "last", "events": ["order"], "field": "properties.product"},
    },
    "kpis": ["orders", "revenue", "per_buyer"],
    "charts": {
        "by_day": {"measure": "orders", "grain": "day"},
        "by_hour": {"measure": "per_buyer", "grain": "hour", "last": 24},
    },
    "tabs": {"products": ["products", "latest"], "sizes": ["large", "median"]},
}


def read(definition: Any) -> Dashboard:
    return load(yaml.safe_dump(definition, sort_keys=False), "shop.yaml")


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the valid definition with another value at `path`, or without it for `...`."""
    definition: dict[str, Any] = yaml.safe_load(yaml.safe_dump(VALID, sort_keys=False))
    *parents, last = path.split("/")
    target = definition
    for name in parents:
        target = target[name]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return definition
