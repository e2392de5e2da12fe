"""The native event: its form, its bounds, and how whatever a client sends becomes one.

An event is a plain dict, because it is stored as JSON and folded a million times a second:

======================================== =========================================================================
`event_id`, `type`                       strings, always present
`timestamp`                              always present, always "YYYY-MM-DDTHH:MM:SS.mmmZ"
`anonymous_id`, `user_id`, `session_id`  strings, when known
`properties`                             an object, always present
`context`                                an object, when there is any
======================================== =========================================================================

The bounds and codes are those of docs/protocol.md. One event costs about 10 us here.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tidemark.domain.errors import InvalidRequest

Event = dict[str, Any]

MAX_EVENT_BYTES = 32 * 1024
MAX_TYPE_CHARACTERS = 128
MAX_ID_CHARACTERS = 256
MAX_DEPTH = 8
MAX_KEYS = 512
MAX_NUMBER = 2**53 - 1
"""The largest integer that every JSON reader keeps (RFC 7493, section 2.2)."""
MAX_AHEAD = timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_IDS = ("event_id", "anonymous_id", "user_id", "session_id")
_KEYS = frozenset({*_IDS, "type", "timestamp", "properties", "context"})
_NO_SHIFT = timedelta()

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_canonical = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


class InvalidEvent(InvalidRequest):
    """An event that breaks a bound; `code` says which, `field` where."""

    code = "invalid_event"


def compact_json(value: Any) -> bytes:
    """Return `value` as compact JSON in UTF-8. Raises `UnicodeEncodeError` for a lone surrogate."""
    return _dumps(value).encode()


def normalise(
    raw: Mapping[str, Any], *, received_at: datetime, shift: timedelta = _NO_SHIFT, new_id: Callable[[], str]
) -> Event:
    """Return the native event of `raw`, an object in the native form.

    Top-level keys that the form does not know move into `properties`, so that nothing is dropped in silence.

    Parameters
    ----------
    raw
        The event as it came out of a JSON parser.
    received_at
        When the request came, in UTC: the time of an event without one, and the measure of what lies in the future.
    shift
        What to add to the event's own timestamp (see `clock_shift`).
    new_id
        Makes the id of an event that has neither id nor timestamp.

    Raises
    ------
    InvalidEvent
        With the code and the field of the first bound that is broken.
    """
    event: Event = {}
    for name in _IDS:
        value = raw.get(name)
        if value is not None:
            event[name] = _text(value, name, MAX_ID_CHARACTERS, "invalid_id")
    event["type"] = _text(raw.get("type"), "type", MAX_TYPE_CHARACTERS, "invalid_type")
    properties = _object(raw.get("properties"), "properties")
    if not raw.keys() <= _KEYS:
        properties = _adopt(raw, properties)
    bound(properties, "properties")
    event["properties"] = properties
    context = raw.get("context")
    if context:
        event["context"] = _object(context, "context")
        bound(context, "context")
    elif context is not None:
        _object(context, "context")
    _stamp(event, raw.get("timestamp"), received_at, shift, new_id)
    try:
        size = len(_dumps(event).encode())
    except UnicodeEncodeError:
        raise InvalidEvent("a string is not valid Unicode", field=_surrogate(event)) from None
    if size > MAX_EVENT_BYTES:
        raise InvalidEvent(f"the event has {size} bytes, {MAX_EVENT_BYTES} are allowed", code="event_too_large")
    return event


def clock_shift(sent_at: Any, received_at: datetime) -> timedelta:
    """Return what to add to the timestamps of a request that its client says it sent at `sent_at`.

    Nothing up to 5 minutes, beyond that the difference to the nearest minute. A retry is sent later by a moment and
    must land in the same hour: whole minutes hide the moment, and the nearest minute hides it best, since large skews
    are mostly wrong time zones, which are whole minutes themselves. A missing `sent_at` shifts nothing.

    Raises
    ------
    InvalidRequest
        `sent_at` is no time.
    """
    if sent_at is None:
        return _NO_SHIFT
    try:
        skew = received_at - _instant(sent_at)
    except ValueError:
        raise InvalidRequest("sentAt is an ISO 8601 time or Unix milliseconds", field="sentAt") from None
    if abs(skew) <= timedelta(minutes=5):
        return _NO_SHIFT
    return timedelta(minutes=round(skew / timedelta(minutes=1)))


def format_timestamp(instant: datetime) -> str:
    """Return a UTC time as events carry it: "2026-11-22T10:00:00.000Z" (what is below a millisecond is cut)."""
    return instant.isoformat(timespec="milliseconds")[:23] + "Z"


def _stamp(event: Event, timestamp: Any, received_at: datetime, shift: timedelta, new_id: Callable[[], str]) -> None:
    if timestamp is None:
        event["timestamp"] = format_timestamp(received_at)
        if "event_id" not in event:
            event["event_id"] = new_id()
        return
    try:
        own = _instant(timestamp)
        instant = own + shift
    except (ValueError, OverflowError):
        raise InvalidEvent(
            "timestamp is an ISO 8601 time or Unix milliseconds", code="invalid_timestamp", field="timestamp"
        ) from None
    if instant < EPOCH or own < EPOCH:
        raise InvalidEvent("timestamp lies before 1970", code="invalid_timestamp", field="timestamp")
    if instant > received_at + MAX_AHEAD:
        raise InvalidEvent("timestamp lies more than an hour ahead", code="timestamp_in_future", field="timestamp")
    if "event_id" not in event:
        # Of the client's own timestamp: a retry repeats that one, while the shift depends on when it was sent.
        event["timestamp"] = format_timestamp(own)
        event["event_id"] = _derived_id(event)
    event["timestamp"] = format_timestamp(instant)


def _derived_id(event: Event) -> str:
    try:
        return hashlib.sha256(_canonical(event).encode()).hexdigest()[:32]
    except UnicodeEncodeError:
        raise InvalidEvent("a string is not valid Unicode", field=_surrogate(event)) from None


def _instant(value: Any) -> datetime:
    """Return the time that a client wrote, in UTC; raises ValueError."""
    if isinstance(value, str):
        # fromisoformat takes any character between date and time, and week dates; ISO 8601's calendar form is enough.
        if len(value) < 8 or (len(value) > 10 and value[10] not in "Tt " and value[8] not in "Tt "):
            raise ValueError(value)
        try:
            instant = datetime.fromisoformat(value)
            if instant.tzinfo is UTC:
                return instant
            return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        except OverflowError:
            raise ValueError(value) from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MAX_NUMBER:
        raise ValueError(value)
    try:
        return EPOCH + timedelta(milliseconds=math.floor(value))
    except OverflowError:
        raise ValueError(value) from None


def _text(value: Any, field: str, limit: int, code: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= limit:
        raise InvalidEvent(f"{field} is a string of 1 to {limit} characters", code=code, field=field)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidEvent(f"{field} is not valid Unicode", code=code, field=field) from None
    return value


def _object(value: Any, field: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidEvent(f"{field} is an object", field=field)
    return value


def _adopt(raw: Mapping[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    """Return `properties` with the unknown top-level keys of `raw`."""
    adopted = dict(properties)
    for name, value in raw.items():
        if name in _KEYS:
            continue
        if name in properties and properties[name] != value:
            field = name[:64].encode(errors="replace").decode()
            raise InvalidEvent(f"{field} stands beside properties and in them, with two values", field=field)
        adopted[name] = value
    return adopted


def bound(value: dict[str, Any], field: str) -> None:
    """Check depth, keys and numbers, level by level: input that is nested deeply must not recurse."""
    keys = 0
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for container in level:
            if type(container) is dict:
                keys += len(container)
                values = container.values()
            else:
                values = container
            for element in values:
                kind = type(element)
                if kind is dict or kind is list:
                    below.append(element)
                elif kind is not str:
                    _bound_scalar(element, field)
        if keys > MAX_KEYS:
            raise InvalidEvent(f"{field} has more than {MAX_KEYS} keys", code="too_many_properties", field=field)
        if not below:
            return
        level = below
    raise InvalidEvent(f"{field} is nested deeper than {MAX_DEPTH} levels", code="too_deep", field=field)


def _bound_scalar(value: Any, field: str) -> None:
    if value is None or isinstance(value, str | bool):
        return
    if not isinstance(value, int | float):
        raise InvalidEvent(f"{field} holds a {type(value).__name__}, which is not JSON", field=field)
    # Written so that NaN, which compares with nothing, fails too.
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise InvalidEvent(f"a number in {field} is not finite or beyond 2^53 - 1", code="invalid_number", field=field)


def _surrogate(event: Event) -> str:
    """Return the key of the event whose value holds a lone surrogate."""
    for name, value in event.items():
        try:
            _dumps(value).encode()
        except UnicodeEncodeError:
            return name
    return "event"
