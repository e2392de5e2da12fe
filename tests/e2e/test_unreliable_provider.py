"""The analysis on the deployed stack while the provider fails and workers die: nothing is lost, nothing done twice."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.deployment import OUTPUTS_VARIABLE, until
from tests.e2e.operators import Operator, Stored, run_schedule, stored_batches
from tests.e2e.reconfigured import Workers, reconfigured
from tests.e2e.tenant import Event, Tenant
from tidemark.domain.chunks import event_hash
from tidemark.domain.jobs import MAX_ATTEMPTS

EVENTS = 10_000
BATCH_EVENTS = 100
REQUEST_EVENTS = 250
SENDERS = 4
REPEATED = 0.25
"""The share of requests that are sent again, as producers do that hear nothing."""
LONGEST_SECONDS = 240.0
"""For what is mostly done in a quarter of that."""

LOOK_SECONDS = 1.5

FUNCTION = "QueueAnalysisFunction"
KILLED = [] if os.environ.get(OUTPUTS_VARIABLE) else [FUNCTION]
"""Only processes that the tests have started are theirs to kill."""
LEASE_SECONDS = 6
FEW_BATCHES = 10
STEP_SECONDS = 0.003
STEPS = 3000
SETTLE_SECONDS = 0.3
"""In which the local AWS does what a process had asked for when it was killed."""


def page_views(tenant: Tenant, count: int) -> list[Event]:
    """Page views of the same moment, so that they are of one hour."""
    at = datetime.now(UTC).isoformat()
    return [{**tenant.page_view(), "timestamp": at} for _ in range(count)]


def send_with_retries(tenant: Tenant, events: list[Event]) -> None:
    """Send events in requests, several at a time, some of them again."""
    requests = [events[start : start + REQUEST_EVENTS] for start in range(0, len(events), REQUEST_EVENTS)]
    chance = random.Random(tenant.name)
    requests += chance.sample(requests, round(len(requests) * REPEATED))
    chance.shuffle(requests)
    with ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(tenant.send, requests))


def finished(tenant: Tenant, batches: int) -> list[Stored]:
    """Wait until so many batches are there and nothing is left to do about any; return them."""

    def look() -> list[Stored]:
        run_schedule(tenant)
        time.sleep(LOOK_SECONDS)
        return stored_batches(tenant)

    def is_done(found: list[Stored]) -> bool:
        return len(found) == batches and not any(each.is_unfinished for each in found)

    return until(look, is_done, LONGEST_SECONDS)


@contextmanager
def counted(operator: Operator, expected: Callable[[], dict[str, int]]) -> Iterator[None]:
    """Fail unless the sums of the system's own events grow by exactly so much by what the body does."""
    before = operator.operations()
    yield
    wanted = expected()

    def growth() -> dict[str, int]:
        after = operator.operations()
        return {name: after[name] - before[name] for name in wanted}

    until(growth, lambda found: found == wanted, 30)


def expect_each_event_in_one_batch(batches: list[Stored], events: list[Event]) -> None:
    identities = [identity for each in batches for identity in each.batch.ids]
    assert len(identities) == len(set(identities)), "an event is in two batches"
    assert set(identities) == {event_hash(event["event_id"]) for event in events}


def expect_told(operator: Operator, tenant: Tenant, batches: list[Stored]) -> None:
    """Fail unless the admin API tells of these batches, of one insight for each that went well, and of why not."""
    name = {"workspace": tenant.name}
    told = operator.every("batches", **name)
    assert {each["batch_id"]: (each["job"]["state"], each["job"]["attempts"]) for each in told} == {
        each.batch.batch_id: (each.job, each.attempts) for each in batches
    }
    well = [each for each in batches if each.job == "SUCCESS"]
    assert all(each.batch.state == "ANALYZED" and each.has_insight for each in well)
    insights = operator.every("insights", **name)
    assert sorted(each["insight_id"] for each in insights) == sorted(each.batch.batch_id for each in well)
    assert sum(each["events"] for each in insights) == sum(len(each.batch.ids) for each in well)
    letters = operator.every("dead-letters", **name)
    dead = [each for each in batches if each.job == "FAILED"]
    assert {each["batch_id"] for each in letters} == {each.batch.batch_id for each in dead}
    assert {letter["job"]["error"]["code"] for letter in letters} <= {"provider_unavailable"}
    assert all(letter["job"]["attempts"] == MAX_ATTEMPTS and letter["job"]["trace"] for letter in letters)
    metrics: dict[str, Any] = operator.get("metrics", **name)
    assert (metrics["batches"], metrics["dead_letters"]) == ({"open": 0, "sealed": len(dead)}, len(dead))
    assert (metrics["jobs"]["pending"], metrics["jobs"]["running"]) == (0, 0)


def test_of_ten_thousand_events_each_is_analysed_once_or_its_batch_says_why_not(
    make_tenant: Callable[..., Tenant],
) -> None:
    # GIVEN a provider that fails three times in ten, and rests for a second whenever its breaker opens
    tenant = make_tenant(batch_events=BATCH_EVENTS)
    operator = Operator(tenant)
    operator.settle()
    batches: list[Stored] = []

    def expected() -> dict[str, int]:
        analysed = sum(each.job == "SUCCESS" for each in batches)
        return {
            "batches_sealed": len(batches),
            "jobs_started": sum(each.attempts for each in batches),
            "jobs_succeeded": analysed,
            "events_analysed": BATCH_EVENTS * analysed,
            "dead_letters": len(batches) - analysed,
        }

    failing = {"ANALYSIS_FAILURE_PERCENT": "30", "BREAKER_SECONDS": "1", "JOB_PAUSE_SECONDS": "1"}
    with reconfigured(tenant.deployment, {FUNCTION: failing}), counted(operator, expected):
        # WHEN events come, many of them twice
        events = page_views(tenant, EVENTS)
        send_with_retries(tenant, events)
        batches += finished(tenant, EVENTS // BATCH_EVENTS)
    # THEN every event is in one batch, and every batch is analysed once, or a dead letter with its reason
    expect_each_event_in_one_batch(batches, events)
    assert {len(each.batch.ids) for each in batches} == {BATCH_EVENTS}
    assert all(1 <= each.attempts <= MAX_ATTEMPTS for each in batches)
    assert sum(each.attempts > 1 for each in batches) > len(batches) // 10, "the provider did fail"
    expect_told(operator, tenant, batches)
    # AND what was given up is analysed after all, once somebody asks for it
    dead = [each.batch.batch_id for each in batches if each.job == "FAILED"]
    if dead:
        operator.post("dead-letters/redrive", {"jobs": dead}, workspace=tenant.name)
        assert {each.job for each in finished(tenant, len(batches))} == {"SUCCESS"}


@pytest.mark.parametrize("function", KILLED)
def test_a_job_whose_worker_is_killed_in_the_middle_is_done_once_by_another(
    make_tenant: Callable[..., Tenant], function: str
) -> None:
    # GIVEN a worker that is warm and stands still, and ten batches that are sealed at once
    tenant = make_tenant(batch_events=BATCH_EVENTS // 10)
    operator, workers = Operator(tenant), Workers(tenant.deployment, function)
    operator.settle()
    first = page_views(tenant, BATCH_EVENTS // 10)
    lease = {"JOB_LEASE_SECONDS": str(LEASE_SECONDS)}
    with reconfigured(tenant.deployment, {function: lease}):
        with counted(operator, lambda: {"jobs_succeeded": 1}):
            tenant.send(first)
            finished(tenant, 1)
        before: list[Stored] = []
        with counted(operator, lambda: {"jobs_succeeded": FEW_BATCHES - succeeded(before)}):
            workers.stop()
            events = page_views(tenant, FEW_BATCHES * BATCH_EVENTS // 10)
            tenant.send(events)
            # WHEN it is killed as soon as it has begun a job
            before += killed_in_a_job(tenant, workers)
            # THEN another one ends every job
            batches = finished(tenant, FEW_BATCHES + 1)
    running = {each.batch.batch_id for each in before if each.job == "RUNNING"}
    assert running
    assert {each.batch.batch_id: each.attempts for each in batches} == {
        each.batch.batch_id: 2 if each.batch.batch_id in running else 1 for each in batches
    }
    assert {each.job for each in batches} == {"SUCCESS"}
    expect_each_event_in_one_batch(batches, first + events)
    expect_told(operator, tenant, batches)


def succeeded(batches: list[Stored]) -> int:
    """Count what had ended well, but the first batch: what a worker has done is told when all its messages are."""
    return sum(each.job == "SUCCESS" for each in batches) - 1


def killed_in_a_job(tenant: Tenant, workers: Workers) -> list[Stored]:
    """Let the workers go on in steps until a job is RUNNING, then kill them; return the batches as they stood."""
    for _ in range(STEPS):
        workers.step(STEP_SECONDS)
        if any(each.job == "RUNNING" for each in stored_batches(tenant)):
            workers.kill()
            time.sleep(SETTLE_SECONDS)
            return stored_batches(tenant)
    raise AssertionError(f"no job was begun in {STEPS} steps")
