"""What the OpenAPI description says of bodies and answers. Bodies are checked by the services, not by these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tidemark.domain.periods import GRAINS
from tidemark.domain.query import MAX_DAYS, MAX_GROUPS, MAX_ROWS


class Rejection(BaseModel):
    """Why one event was not kept."""

    index: int
    code: str
    message: str
    event_id: str | None = None
    field: str | None = None


class Accepted(BaseModel):
    """What became of the events of a request."""

    success: bool
    accepted: int
    rejected: list[Rejection]


class Error(BaseModel):
    """Every error has this form."""

    code: str
    message: str
    request_id: str
    field: str | None = None
    type: str
    title: str
    status: int
    detail: str


class Position(BaseModel):
    """Where a snapshot stands in its delta log."""

    epoch: str
    seq: int


class Snapshot(BaseModel):
    """A whole dashboard, over a window of days."""

    workspace_id: str
    days: int
    timestamp: str
    kpis: dict[str, Any]
    charts: dict[str, Any]
    tabs: dict[str, dict[str, Any]]
    insights: dict[str, dict[str, Any]] | None = None
    checksums: dict[str, str]
    position: Position


class Dashboards(BaseModel):
    """The dashboards that a workspace has enabled, as declared, and the timezone of its days."""

    timezone: str
    dashboards: list[dict[str, Any]]


class MetricsRow(BaseModel):
    """A period: from `start` up to, but not including, `end`; `groups` is a top list."""

    start: str
    end: str
    state: Literal["final", "live", "incomplete", "expired"]
    values: dict[str, Any]
    groups: dict[str, Any] | None = None


class PreviousMetrics(BaseModel):
    """As many days just before: a row for each row, of the same number of days or the same hour of the clock."""

    from_: str = Field(alias="from")
    to: str
    rows: list[MetricsRow]


class MetricsSources(BaseModel):
    """How many days and hours were read from where."""

    day_cells: int
    hour_cells: int
    log_hours: int


class MetricsFreshness(BaseModel):
    """What of the rows is final."""

    final_until: str
    live_hours: int
    incomplete_hours: int
    expired_days: int
    left_out_hours: int
    retry_at: str | None = None


class Metrics(BaseModel):
    """A page of the answer to a query."""

    workspace_id: str
    dashboard: str
    timezone: str
    from_: str = Field(alias="from")
    to: str
    grain: Literal["hour", "day", "week", "month", "all"]
    measures: list[dict[str, Any]]
    group_by: dict[str, Any] | None = None
    rows: list[MetricsRow]
    previous: PreviousMetrics | None = None
    sources: MetricsSources
    freshness: MetricsFreshness
    fresh_at: str
    next_cursor: str | None = None


class HourlyTable(BaseModel):
    """A page of an hourly table; a row holds the hour, a value a column, and how it came to be."""

    workspace_id: str
    dashboard: str
    timezone: str
    from_: str = Field(alias="from")
    to: str
    columns: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    left_out: list[str]
    expired: list[str]
    next_cursor: str | None = None


class ComponentHealth(BaseModel):
    """The state of one component, and when it was seen."""

    state: Literal["ok", "degraded", "down", "unknown"]
    checked_at: str | None = None


class Notified(BaseModel):
    """Where a message to a user went: to connections of its thread, to others of the user, or to the inbox alone."""

    message_id: str
    delivery: Literal["thread", "user", "inbox"]
    connections: int


class Ticket(BaseModel):
    """What opens a WebSocket while its time lasts."""

    ticket: str
    expires_in_seconds: int
    websocket_url: str


class Health(BaseModel):
    """The state of the service and of its components; what follows `components` is for operators."""

    status: Literal["ok", "degraded", "down", "unknown"]
    components: dict[str, ComponentHealth]
    checks: dict[str, dict[str, Any]] | None = None
    run: dict[str, Any] | None = None
    steps: dict[str, dict[str, Any]] | None = None
    ratios: dict[str, float] | None = None


_MEANINGS = {
    400: "The request, or every event in it, is invalid.",
    401: "No credential, or one that is malformed, unknown, revoked or expired.",
    403: "The credential is good, but not for this.",
    404: "There is no such thing.",
    409: "As things stand it cannot be done: the inbox of the user is full, a job has ended.",
    413: "More bytes or more events than a request may have.",
    429: "The store is over its rate; repeat after Retry-After seconds.",
    503: "A dependency failed; repeat after Retry-After seconds.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the error answers of a route; FastAPI's own 422 is not among them, it is answered as a 400."""
    named: dict[int | str, str] = {status: _MEANINGS[status] for status in statuses}
    named["default"] = "Any other error has the same form."
    return {status: {"model": Error, "description": meaning} for status, meaning in named.items()}


_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}
_COMMON: dict[str, Any] = {
    "messageId": {**_TEXT, "description": "Identifies the call, within its hour."},
    "anonymousId": _TEXT,
    "userId": _TEXT,
    "timestamp": {**_TEXT, "format": "date-time"},
    "sentAt": {**_TEXT, "format": "date-time", "description": "The client's time; corrects its clock."},
    "context": _OBJECT,
    "writeKey": {**_TEXT, "description": "The write key, if no header carries it."},
}
_OWN: dict[str, dict[str, Any]] = {
    "track": {"event": _TEXT, "properties": _OBJECT},
    "page": {"name": _TEXT, "category": _TEXT, "properties": _OBJECT},
    "screen": {"name": _TEXT, "category": _TEXT, "properties": _OBJECT},
    "identify": {"traits": _OBJECT},
    "group": {"groupId": _TEXT, "traits": _OBJECT},
    "alias": {"previousId": _TEXT},
}
_NATIVE: dict[str, Any] = {
    "type": "object",
    "title": "Native event",
    "required": ["type"],
    "properties": {
        "event_id": {**_TEXT, "maxLength": 256},
        "type": {**_TEXT, "maxLength": 128},
        "timestamp": {**_TEXT, "format": "date-time"},
        "anonymous_id": {**_TEXT, "maxLength": 256},
        "user_id": {**_TEXT, "maxLength": 256},
        "session_id": {**_TEXT, "maxLength": 256},
        "properties": _OBJECT,
        "context": _OBJECT,
    },
}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}, "text/plain": {"schema": schema}}}


def _call(name: str) -> dict[str, Any]:
    required = ["event"] if name == "track" else []
    return {"type": "object", "title": f"{name} call", "required": required, "properties": {**_OWN[name], **_COMMON}}


CALL_BODIES = {name: _body(_call(name)) for name in _OWN}
BATCH_BODY = _body(
    {
        "type": "object",
        "title": "Batch",
        "required": ["batch"],
        "properties": {
            "batch": {
                "type": "array",
                "maxItems": 2500,
                "items": {"anyOf": [_NATIVE, *map(_call, _OWN)]},
                "description": "Events in the native form, Segment calls with their `type`, or both.",
            },
            **{name: _COMMON[name] for name in ("sentAt", "context", "writeKey")},
        },
    }
)
METRICS_PARAMETERS: list[dict[str, Any]] = [
    {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
    for name, schema, description in (
        ("dashboard", {**_TEXT, "default": "web"}, "The name of an enabled dashboard."),
        ("measures", _TEXT, "Names of its measures, with commas between; all unless given."),
        ("from", {**_TEXT, "format": "date"}, "The first local day; 29 days before `to` unless given."),
        ("to", {**_TEXT, "format": "date"}, f"The last local day, of {MAX_DAYS} at most; today unless given."),
        ("grain", {**_TEXT, "enum": list(GRAINS), "default": "day"}, "What a row spans; weeks begin on Monday."),
        ("group_by", _TEXT, "The top list by whose keys its counts are broken down."),
        ("groups", {"type": "integer", "minimum": 1, "maximum": MAX_GROUPS}, "Keys to a row, with `group_by`."),
        ("compare", {**_TEXT, "enum": ["previous"]}, "As many days just before, too."),
        ("limit", {"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "default": MAX_ROWS}, "Rows to a page."),
        ("cursor", _TEXT, "The `next_cursor` of the page before."),
    )
]
NOTIFY_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "title": "Message to a user",
                "required": ["user", "body"],
                "properties": {
                    "user": {**_TEXT, "maxLength": 256},
                    "body": {**_OBJECT, "description": "At most 8 KB as JSON."},
                    "thread": {**_TEXT, "maxLength": 128},
                    "message_id": {**_TEXT, "maxLength": 128, "description": "Makes the request repeatable."},
                },
            }
        }
    },
}
