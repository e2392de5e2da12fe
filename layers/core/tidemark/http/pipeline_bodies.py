"""What the administration of the pipeline says of batches, breakers and itself; and the bodies that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tidemark.domain.batches import parse_batch_id
from tidemark.domain.breaker import Breaker, BreakerState
from tidemark.domain.errors import InvalidRequest
from tidemark.domain.events import format_timestamp
from tidemark.domain.pipeline_health import Alarm
from tidemark.domain.pipeline_query import MAX_ROWS
from tidemark.services.pipeline_health import PipelineReport
from tidemark.services.pipeline_ports import AuditEntry, BatchRecord

MAX_PROVIDER_CHARACTERS = 64


def batch_body(record: BatchRecord, *, with_forensics: bool = False) -> dict[str, Any]:
    """Return a batch with its job; what does not apply is left out, and so are input and trace unless asked for."""
    body = {
        "workspace_id": record.workspace,
        "batch_id": record.batch_id,
        "state": record.state,
        "events": record.events,
        **_times(opened_at=record.opened_at, sealed_at=record.sealed_at),
        **_given(sealed_by=record.sealed_by),
    }
    if record.job:
        body["job"] = _job(record) | (
            _given(input=dict(record.input), trace=dict(record.trace)) if with_forensics else {}
        )
    if record.insight is not None:
        body["insight"] = record.insight.as_dict()
    return body


def _job(record: BatchRecord) -> dict[str, Any]:
    return {
        "state": record.job,
        "attempts": record.attempts,
        "redrives": record.redrives,
        **_times(due_at=record.due_at if record.job == "PENDING" else 0),
        **_times(lease_until=record.lease_until if record.job == "RUNNING" else 0),
        **_times(started_at=record.started_at, finished_at=record.finished_at),
        **_given(provider=record.provider, error=dict(record.error)),
    }


def breaker_body(provider: str, breaker: Breaker) -> dict[str, Any]:
    """Return a breaker."""
    is_closed = breaker.state is BreakerState.CLOSED
    times = {} if is_closed else _times(since=breaker.opened_at, until=breaker.until)
    return {"provider": provider, "state": breaker.state.value, "failures": breaker.failures, **times}


def report_body(report: PipelineReport, workspace: str | None, now: datetime) -> dict[str, Any]:
    """Return how the pipeline does."""
    tally = report.tally
    return {
        **_given(workspace_id=workspace),
        "checked_at": format_timestamp(now),
        "batches": {"open": tally.open, "sealed": tally.sealed},
        "jobs": {
            "pending": tally.pending,
            "running": tally.running,
            "oldest_pending_seconds": report.oldest_pending_seconds,
        },
        "dead_letters": tally.dead,
        "is_all": tally.is_all,
        "breakers": [breaker_body(provider, breaker) for provider, breaker in report.breakers.items()],
        "alarms": [_alarm(alarm) for alarm in report.alarms],
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    value = {} if alarm.value is None else {"value": alarm.value}
    rule = alarm.rule
    return {"name": alarm.name, "state": alarm.state, **value, "threshold": rule.threshold, "unit": rule.unit}


def entry_body(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry of the audit trail."""
    access = entry.access
    return {
        "at": entry.at,
        "workspace_id": access.workspace,
        "by": {"workspace_id": access.by.workspace, "role": access.by.role, **_given(user=access.by.user)},
        "action": access.action,
        **_given(target=access.target),
        "times": entry.times,
        "request_id": access.request_id,
    }


@dataclass(frozen=True, slots=True)
class RedriveBody:
    """Which dead letters are to be tried again: those named, or all that failed no later than `failed_before`."""

    jobs: tuple[str, ...] | None
    failed_before: datetime

    @classmethod
    def parse(cls, body: Mapping[str, Any], now: datetime) -> RedriveBody:
        """Return what a body asks for; raises `InvalidRequest`, which names the field."""
        _only(body, {"jobs", "all", "failed_before"})
        jobs, everything = body.get("jobs"), body.get("all", False)
        if type(everything) is not bool:
            raise InvalidRequest("all is true or false", field="all")
        if everything == (jobs is not None):
            raise InvalidRequest("give either jobs, or all: true", field="jobs")
        if jobs is not None and not _is_ids(jobs):
            raise InvalidRequest(f"jobs lists 1 to {MAX_ROWS} batch ids", field="jobs")
        for job in jobs or ():
            parse_batch_id("", job)
        if jobs is not None and "failed_before" in body:
            raise InvalidRequest("failed_before goes with all", field="failed_before")
        return cls(tuple(jobs) if jobs is not None else None, _instant(body.get("failed_before"), now))


def provider_of(body: Mapping[str, Any]) -> str | None:
    """Return the provider that a body names, if it does; raises `InvalidRequest`."""
    _only(body, {"provider"})
    provider = body.get("provider")
    if provider is not None and not (isinstance(provider, str) and len(provider) <= MAX_PROVIDER_CHARACTERS):
        raise InvalidRequest("provider is the name of one", field="provider")
    return provider


def _only(body: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(body.keys() - known):
        shown = unknown[0][:64].encode(errors="replace").decode()
        raise InvalidRequest(f"there is no field {shown!r}", field=shown)


def _is_ids(value: Any) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= MAX_ROWS and all(isinstance(each, str) for each in value)


def _instant(text: Any, now: datetime) -> datetime:
    if text is None:
        return now
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError
        return min(instant.astimezone(UTC), now)
    except (TypeError, ValueError, OverflowError):
        raise InvalidRequest("failed_before is a time like 2026-11-22T10:00:00.000Z", field="failed_before") from None


def _times(**seconds: int) -> dict[str, str]:
    return {name: format_timestamp(datetime.fromtimestamp(at, UTC)) for name, at in seconds.items() if at}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}
