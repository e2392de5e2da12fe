"""Web server logs in combined (or common) format, as `page` events.

Format: https://httpd.apache.org/docs/2.4/logs.html#combined, which is nginx's default too. What other servers append is
ignored.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

from tidemark.domain.events import MAX_NUMBER, format_timestamp

_LINE = re.compile(
    r"(?P<host>\S+) \S+ .*? \[(?P<time>[^\]]+)\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d{1,16}|-)'
    r'(?: "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?(?: .*)?'
)
_REQUEST = re.compile(r"(?P<method>[A-Z]{1,32}) (?P<path>.+?)(?: HTTP/[\d.]+)?")
_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
# strptime's %b follows the locale of the machine; the log does not.
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: n for n, name in enumerate(_MONTH_NAMES, 1)}


class LogLineError(ValueError):
    """The line is not in combined format; the message says where it departs from it."""


def looks_like_log(line: str) -> bool:
    """Answer whether a line has the form of an access log, whatever its request."""
    return _LINE.fullmatch(line) is not None


def page_event(line: str) -> dict[str, Any]:
    """Return the `page` event of a line, in the native form but without an id; raises `LogLineError`.

    The visitor is a hash of address and user agent: it tells visitors apart like the usual log analysers do, and keeps
    the address itself out of the store. It is a pseudonym, not anonymity: who has a list of addresses can hash them.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        raise LogLineError("not in combined log format")
    request = _REQUEST.fullmatch(match["request"])
    if request is None:
        raise LogLineError(f"the request {match['request'][:60]!r} names no method and path")
    size = 0 if match["bytes"] == "-" else int(match["bytes"])
    if size > MAX_NUMBER:
        raise LogLineError(f"{size} bytes are beyond 2^53 - 1")
    agent = match["agent"] or ""
    return {
        "type": "page",
        "timestamp": format_timestamp(_instant(match["time"])),
        "anonymous_id": sha256(f"{match['host']}\n{agent}".encode()).hexdigest()[:16],
        "properties": {
            "method": request["method"],
            "path": request["path"],
            "status": int(match["status"]),
            "bytes": size,
            "referrer": "" if match["referrer"] in (None, "-") else match["referrer"],
        },
        "context": {"userAgent": agent} if agent not in ("", "-") else {},
    }


def _instant(text: str) -> datetime:
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
        offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes)) * (-1 if sign == "-" else 1)
        zone = timezone(offset)
        # A leap second, 60, counts as the last regular one.
        seconds = min(int(second), 59)
        local = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), seconds, tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError, KeyError):
        raise LogLineError(f"{text[:40]!r} is not a time like 17/May/2015:10:05:03 +0000") from None
