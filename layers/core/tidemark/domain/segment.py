"""Segment's calls, renamed to the native form.

Only names change here; every bound is checked by `tidemark.domain.events.normalise`, which comes after. Reference:
https://segment.com/docs/connections/spec/common/ and https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemark.domain.events import InvalidEvent

CALLS = ("track", "page", "screen", "identify", "group", "alias")

_RENAMED = {
    "messageId": "event_id",
    "anonymousId": "anonymous_id",
    "userId": "user_id",
    "sessionId": "session_id",
}
_OWN_FIELDS = ("name", "category", "traits", "groupId", "previousId")
_DELIVERY = frozenset(
    {
        "_metadata",
        "channel",
        "integrations",
        "originalTimestamp",
        "projectId",
        "receivedAt",
        "rudderId",
        "sentAt",
        "version",
        "writeKey",
    }
)
"""What an SDK says about the delivery of a call, not about the event; dropped, as Segment does."""
_MARKS = frozenset({*_RENAMED, *_OWN_FIELDS, "event", "originalTimestamp", "integrations"})


def is_call(raw: Mapping[str, Any]) -> bool:
    """Answer whether `raw` is in Segment's form: it has a key that only that form has."""
    return not raw.keys().isdisjoint(_MARKS)


def to_native(raw: Mapping[str, Any], call: str | None = None) -> dict[str, Any]:
    """Return the call `raw` with the names of the native form.

    Parameters
    ----------
    raw
        One call: the body of a single call, or an entry of a batch.
    call
        The call that the route names, for a body that does not say its `type` itself.

    Raises
    ------
    InvalidEvent
        A `track` call names no event, or a field is given in both forms.
    """
    kind = call or raw.get("type")
    event: dict[str, Any] = {"type": kind}
    properties: dict[str, Any] = {}
    for name, value in raw.items():
        if name == "type" or name in _DELIVERY or value is None:
            continue
        if name in _RENAMED:
            _identify(event, raw, name, value)
        elif name in _OWN_FIELDS:
            properties[name] = value
        elif name == "event" and kind == "track":
            event["type"] = value
        else:
            event[name] = value
    if kind == "track" and raw.get("event") is None:
        raise InvalidEvent("a track call names its event", code="invalid_type", field="event")
    if event.get("timestamp") is None and raw.get("originalTimestamp") is not None:
        event["timestamp"] = raw["originalTimestamp"]
    if properties:
        event["properties"] = _merged(properties, event.get("properties"))
    return event


def with_context(raw: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the call `raw` with the context that its batch shares; what the call says itself wins."""
    own = raw.get("context")
    if own is None:
        return {**raw, "context": shared}
    return {**raw, "context": {**shared, **own}} if isinstance(own, dict) else dict(raw)


def _identify(event: dict[str, Any], raw: Mapping[str, Any], name: str, value: Any) -> None:
    native = _RENAMED[name]
    if native in raw and raw[native] != value:
        raise InvalidEvent(f"{name} and {native} differ", code="invalid_id", field=name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    # SDKs send "" for a user who is not known.
    if value != "":
        event[native] = value


def _merged(own: dict[str, Any], properties: Any) -> Any:
    """Return `properties` with the call's own fields; what stands there stays (analytics.js repeats `name`)."""
    if properties is None:
        return own
    return {**own, **properties} if isinstance(properties, dict) else properties
