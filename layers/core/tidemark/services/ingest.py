"""Ingest: what a client sends is validated, chunked and stored, and only then acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tidemark.domain.chunks import Chunk, chunk_events
from tidemark.domain.errors import InvalidRequest, RequestTooLarge, TidemarkError
from tidemark.domain.events import MAX_ID_CHARACTERS, Event, InvalidEvent, normalise
from tidemark.domain.segment import is_call, to_native
from tidemark.services.ports import EventLog, Workspace

MAX_EVENTS = 2_500
CONCURRENT_PUTS = 8


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one event of a request was not kept; `index` is its place in the request."""

    index: int
    code: str
    message: str
    event_id: str | None = None
    field: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the rejection as it stands on the wire."""
        body: dict[str, Any] = {"index": self.index, "code": self.code, "message": self.message}
        if self.event_id is not None:
            body["event_id"] = self.event_id
        if self.field is not None:
            body["field"] = self.field
        return body


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a request.

    `accepted` lists the ids of the events that are stored, in the order of the request; `rejected` what is not.
    `failure` is set if some valid events could not be stored: they stand in `rejected` too, and may be sent again.
    """

    accepted: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    failure: TidemarkError | None = None


def ingest(
    log: EventLog,
    workspace: Workspace,
    raw_events: Any,
    *,
    received_at: datetime,
    new_id: Callable[[], str],
    shift: timedelta = timedelta(),
    call: str | None = None,
) -> Receipt:
    """Store the events of one request and return what became of each.

    Parameters
    ----------
    raw_events
        A list of events, native or Segment's, as they came out of a JSON parser.
    received_at
        When the request came, in UTC.
    new_id
        Makes the ids of events that have neither id nor timestamp.
    shift
        What the client's clock is behind, see `tidemark.domain.events.clock_shift`.
    call
        The Segment call that the request as a whole is, if it is one.

    Raises
    ------
    InvalidRequest
        `raw_events` is not a list.
    RequestTooLarge
        It has more than 2,500 entries (code `too_many_events`).
    """
    if not isinstance(raw_events, list):
        raise InvalidRequest("the events are a list", field="events")
    if len(raw_events) > MAX_EVENTS:
        raise RequestTooLarge(
            f"the request has {len(raw_events)} events, {MAX_EVENTS} are allowed", code="too_many_events"
        )
    valid: dict[int, Event] = {}
    rejected: list[Rejection] = []
    for index, raw in enumerate(raw_events):
        try:
            valid[index] = native_event(raw, call, received_at, shift, new_id)
        except InvalidEvent as error:
            rejected.append(Rejection(index, error.code, error.message, _id_of(raw), error.field))
    chunks = chunk_events(
        workspace.workspace, valid.values(), timezone=workspace.timezone, shards_at=workspace.shards_at
    )
    expires_at = int((received_at + timedelta(days=workspace.retention_days)).timestamp())
    failures = _store(log, chunks, received_at, expires_at)
    return _receipt(valid, rejected, failures)


def native_event(
    raw: Any, call: str | None, received_at: datetime, shift: timedelta, new_id: Callable[[], str]
) -> Event:
    """Return the event as it is stored, of what a client sends; raises `InvalidEvent`. Parameters as in `ingest`."""
    if not isinstance(raw, Mapping):
        raise InvalidEvent("an event is an object")
    native = to_native(raw, call) if call or is_call(raw) else raw
    return normalise(native, received_at=received_at, shift=shift, new_id=new_id)


def _store(
    log: EventLog, chunks: Sequence[Chunk], received_at: datetime, expires_at: int
) -> list[tuple[Chunk, TidemarkError]]:
    """Put every chunk, several at a time, and return those that could not be stored; a defect is raised."""

    def put(chunk: Chunk) -> TidemarkError | None:
        try:
            log.put(chunk, received_at, expires_at)
        except TidemarkError as error:
            return error
        return None

    if len(chunks) <= 1:
        outcomes = [put(chunk) for chunk in chunks]
    else:
        with ThreadPoolExecutor(min(CONCURRENT_PUTS, len(chunks))) as pool:
            outcomes = list(pool.map(put, chunks))
    return [(chunk, error) for chunk, error in zip(chunks, outcomes, strict=True) if error is not None]


def _receipt(
    valid: Mapping[int, Event], rejected: list[Rejection], failures: Sequence[tuple[Chunk, TidemarkError]]
) -> Receipt:
    # By id alone: if the same id also stands in an hour that was stored, sending it again does no harm.
    lost = {event["event_id"]: error for chunk, error in failures for event in chunk.events}
    accepted: list[str] = []
    for index, event in valid.items():
        error = lost.get(event["event_id"])
        if error is None:
            accepted.append(event["event_id"])
        else:
            rejected.append(Rejection(index, error.code, error.message, event["event_id"]))
    rejected.sort(key=lambda rejection: rejection.index)
    return Receipt(tuple(accepted), tuple(rejected), failures[0][1] if failures else None)


def _id_of(raw: Any) -> str | None:
    """Return the id of a rejected event as the client knows it, if it has one that can be repeated."""
    value = (raw.get("event_id") or raw.get("messageId")) if isinstance(raw, Mapping) else None
    if isinstance(value, str) and len(value) <= MAX_ID_CHARACTERS:
        return value.encode(errors="replace").decode()
    return None
