"""Conditional requests (RFC 9110, section 13)."""

from __future__ import annotations


def is_named(condition: str, etag: str) -> bool:
    """Tell whether If-None-Match names the tag, compared weakly as RFC 9110, section 13.1.2, wants it."""
    tags = [tag.strip().removeprefix("W/") for tag in condition.split(",")]
    return etag.removeprefix("W/") in tags or "*" in tags
