"""What the OpenAPI description says of the parameters of queries. The domain checks them, not these."""

from __future__ import annotations

from typing import Any

from tidemark.domain import hourly

_TEXT = {"type": "string"}

HOURLY_PARAMETERS: list[dict[str, Any]] = [
    {"name": name, "in": "query", "required": name == "dashboard", "schema": schema, "description": description}
    for name, schema, description in (
        ("dashboard", _TEXT, "The name of an enabled dashboard."),
        ("from", {**_TEXT, "format": "date"}, "The first local day; that of `to` unless given."),
        ("to", {**_TEXT, "format": "date"}, f"The last local day, of {hourly.MAX_DAYS} at most; today unless given."),
        ("by", {**_TEXT, "enum": ["workspace"]}, "A row for each member of a district and hour."),
        ("limit", {"type": "integer", "minimum": 1, "maximum": hourly.MAX_ROWS}, "Hours to a page."),
        ("cursor", _TEXT, "The `next_cursor` of the page before."),
        ("format", {**_TEXT, "enum": list(hourly.FORMATS), "default": "json"}, "JSON, or CSV with a header."),
    )
]
