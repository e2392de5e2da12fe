"""What one invocation has done of jobs, as the system's own events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tidemark.domain import operations
from tidemark.domain.events import format_timestamp
from tidemark.domain.jobs import DeadLetter
from tidemark.domain.operations import SystemEvent
from tidemark.services.analyse import Outcome
from tidemark.services.breaker import BreakerChange


def of_outcomes(outcomes: Iterable[Outcome]) -> list[SystemEvent]:
    """Return an event a kind, and a code of failures, with how many jobs it is about; those given up are not here.

    Batches that were full are told as sealed when their job is first begun: the fold, which seals them, tells nothing,
    since an event for each would cost what the batch does.
    """
    begun = [outcome for outcome in outcomes if outcome.is_begun]
    events = []
    if full := [outcome for outcome in begun if outcome.sealed_by == "size"]:
        events.append(_event(operations.BATCHES_SEALED, full, {"batches": len(full), "by": "size"}))
    if begun:
        waited = [outcome.waited_seconds for outcome in begun if outcome.waited_seconds is not None]
        longest = {"waited_seconds": max(waited)} if waited else {}
        events.append(_event(operations.JOBS_STARTED, begun, {"jobs": len(begun), **longest}))
    if analysed := [outcome for outcome in begun if outcome.outcome == "analysed"]:
        sums = {
            "jobs": len(analysed),
            "events": sum(outcome.events for outcome in analysed),
            "milliseconds": sum(outcome.milliseconds for outcome in analysed),
        }
        events.append(_event(operations.JOBS_SUCCEEDED, analysed, sums))
    by_code: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in begun:
        if outcome.outcome == "retried":
            by_code[outcome.code].append(outcome)
    for code, failed in by_code.items():
        events.append(_event(operations.JOBS_FAILED, failed, {"jobs": len(failed), "code": code}))
    return events


def of_dead_letters(letters: Iterable[DeadLetter]) -> list[SystemEvent]:
    """Return an event for each code of the jobs that were given up."""
    by_code: dict[str, list[str]] = defaultdict(list)
    for letter in letters:
        by_code[letter.error.code].append(f"{letter.workspace}#{letter.batch}#{letter.lease}")
    return [
        SystemEvent(operations.JOBS_DEAD, ",".join(sorted(keys)), {"jobs": len(keys), "code": code})
        for code, keys in by_code.items()
    ]


def of_sealed(batches: int, now: datetime) -> list[SystemEvent]:
    """Return the event of a run of the schedule that has sealed so many batches by their age."""
    properties = {"batches": batches, "by": "age"}
    return [SystemEvent(operations.BATCHES_SEALED, format_timestamp(now), properties)] if batches else []


def of_breaker(changes: Iterable[BreakerChange]) -> list[SystemEvent]:
    """Return an event for each change of a breaker."""
    return [
        SystemEvent(
            operations.BREAKER_CHANGED,
            f"{change.provider}#{change.version}",
            {"provider": change.provider, "before": change.before.value, "after": change.after.value},
        )
        for change in changes
    ]


def _event(kind: str, outcomes: Sequence[Outcome], properties: Mapping[str, int | str]) -> SystemEvent:
    attempts = sorted(f"{each.workspace}#{each.batch}#{each.lease}" for each in outcomes)
    return SystemEvent(kind, ",".join(attempts), properties)
