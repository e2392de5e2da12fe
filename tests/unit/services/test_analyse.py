"""The worker: what it writes of a job, what it tells, and how it keeps what it works on."""

from __future__ import annotations

import random
import zlib
from datetime import UTC, datetime
from itertools import count
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.memory_jobs import MemoryBreakers, MemoryDeliveries, MemoryLetters, MemoryPipeline
from tidemark.domain import insights, jobs
from tidemark.domain.batches import Batch, Chain
from tidemark.domain.breaker import FAILURES_TO_OPEN, BreakerState
from tidemark.domain.errors import Unavailable
from tidemark.domain.insights import Insight
from tidemark.domain.operations import (
    BATCHES_SEALED,
    BREAKER_CHANGED,
    JOBS_DEAD,
    JOBS_FAILED,
    JOBS_STARTED,
    JOBS_SUCCEEDED,
)
from tidemark.services.analyse import Analyse, Outcome
from tidemark.services.analysis_events import of_breaker, of_dead_letters, of_outcomes
from tidemark.services.analysis_ports import ProviderUnavailable
from tidemark.services.breaker import BreakerChange, CircuitBreaker
from tidemark.services.job_ports import Delivery, Listed, Written
from tidemark.services.show_insights import ShowInsights
from tidemark.services.unreliable import Unreliable

CHAIN = Chain("acme", "2026-11-22T10:00Z", 0)
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
INSIGHT = Insight("All is well.", 0.5, (), (), "statistical", "statistical/1", "2026", "2026", 2)
TIMES = ["2026-11-22T10:05:00.000Z", "2026-11-22T10:01:00.000Z", "2026-11-22T10:09:00.000Z"]


class Told:
    """Keeps what a worker tells."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Exception]] = []

    def failed(self, key: tuple[str, str], attempts: int, error: Exception) -> None:
        self.heard.append(("failed", error))

    def unrecorded(self, what: str, key: tuple[str, str], error: Exception) -> None:
        self.heard.append((what, error))


class Office:
    """A worker with its stores, and batches of two events that were sealed 4 seconds ago."""

    def __init__(self, provide: Any = lambda context: INSIGHT) -> None:
        self.store, self.breakers = MemoryPipeline(), MemoryBreakers()
        self.letters, self.deliveries, self.told = MemoryLetters(), MemoryDeliveries(), Told()
        self.changes: list[BreakerChange] = []
        self.provide, self.attempts, leases = provide, list[int](), count(1)
        breaker = CircuitBreaker(self.breakers, "statistical", 600, self.changes.append)
        self.analyse = Analyse(
            self.store, self.deliveries, self.letters, breaker,
            lambda batch, now: SimpleNamespace(events=[{"timestamp": time} for time in TIMES]),
            "statistical", self.provider, self.told, lambda: f"lease{next(leases)}", lambda: 0.0, random.Random(3),
            jobs.Pace(),
        )  # fmt: skip

    def provider(self, attempt: int) -> Any:
        self.attempts.append(attempt)
        return SimpleNamespace(analyse=lambda context: self.provide(context))

    def sealed(self, number: int = 0) -> tuple[str, str]:
        batch = Batch(
            CHAIN, number, "SEALED", frozenset({1, 2}), ("c",), sealed_at=SECONDS - 4, sealed_by="size", version=1
        )
        self.store.put(batch, SECONDS + 26, SECONDS + 10**6)
        return "acme", batch.batch_id

    def deliver(self, key: tuple[str, str]) -> Outcome:
        return self.analyse(Delivery(*key, "receipt", {"request_id": "r1"}), NOW)


def down(context: Any) -> Insight:
    raise ProviderUnavailable("the model did not answer")


def test_a_job_that_goes_well_leaves_its_insight_and_is_due_no_more() -> None:
    office = Office()
    key = office.sealed()
    outcome = office.deliver(key)
    begun: dict[str, Any] = {"is_begun": True, "attempts": 1, "waited_seconds": 4}
    assert outcome == Outcome(*key, "analysed", **begun, events=2, lease="lease1", sealed_by="size")
    facts = office.store.facts[key]
    assert zlib.decompress(facts["insight"]) == insights.encode(INSIGHT)
    assert (facts["provider"], facts["started_at"], facts["finished_at"]) == ("statistical", SECONDS, SECONDS)
    assert office.store.listed[key] is Listed.NOWHERE
    assert office.store.items[key].batch.state == "ANALYZED"
    assert (office.breakers.history[-1].version, office.deliveries.hidden) == (0, [])


def test_another_message_about_the_same_job_finds_nothing_to_do() -> None:
    office = Office()
    key = office.sealed()
    office.deliver(key)
    again = office.deliver(key)
    assert (again.outcome, again.is_begun, again.has_insight) == ("known", False, True)
    assert office.attempts == [1]
    assert office.deliver(("acme", "2026-11-22T10:00Z.00.000009")).outcome == "skipped"


def test_a_failed_attempt_is_made_again_after_a_pause_and_says_why() -> None:
    office = Office(down)
    key = office.sealed()
    outcome = office.deliver(key)
    assert (outcome.outcome, outcome.comes_again, outcome.code) == ("retried", True, "provider_unavailable")
    facts, stored = office.store.facts[key], office.store.items[key]
    assert facts["error"] == {"code": "provider_unavailable", "message": "the model did not answer"}
    assert facts["trace"] == {"request_id": "r1", "cause": "ProviderUnavailable"}
    ((receipt, pause),) = office.deliveries.hidden
    assert (receipt, stored.due_at) == ("receipt", SECONDS + pause)
    assert 1 <= pause <= jobs.FIRST_PAUSE_SECONDS
    office.provide = lambda context: INSIGHT
    assert office.deliver(key).waited_seconds is None
    assert "error" not in office.store.facts[key]


def test_the_fifth_failure_becomes_a_dead_letter_with_all_that_is_known() -> None:
    office = Office(down)
    key = office.sealed()
    office.store.facts[key] = {"attempts": 4}
    assert office.deliver(key).outcome == "dead"
    (letter,) = office.letters.waiting
    assert (letter.workspace, letter.batch, letter.lease, letter.attempts) == (*key, "lease1", 5)
    assert letter.error.code == "provider_unavailable"
    assert letter.trace == {"request_id": "r1", "cause": "ProviderUnavailable"}
    assert letter.input == {"provider": "statistical", "first_event_at": TIMES[1], "last_event_at": TIMES[2]}


def test_a_defect_fails_the_attempt_but_neither_blames_the_provider_nor_shows_what_it_says() -> None:
    def broken(context: Any) -> Insight:
        raise KeyError("ann@example.com")

    office = Office(broken)
    key = office.sealed()
    assert office.deliver(key).code == "internal"
    assert "ann" not in str(office.store.facts[key])
    assert office.breakers.history[-1].failures == 0
    assert [what for what, _ in office.told.heard] == ["failed"]


def test_five_failures_open_the_breaker_and_then_jobs_wait_without_an_attempt() -> None:
    office = Office(down)
    keys = [office.sealed(number) for number in range(FAILURES_TO_OPEN + 1)]
    found = [office.deliver(key).outcome for key in keys]
    assert found == ["retried"] * 5 + ["postponed"]
    assert office.store.items[keys[-1]].job.attempts == 0
    assert office.store.items[keys[-1]].due_at == SECONDS + 600
    assert [(change.before, change.after) for change in office.changes] == [(BreakerState.CLOSED, BreakerState.OPEN)]


def test_a_success_that_cannot_be_stored_is_no_success() -> None:
    office = Office()
    key = office.sealed()

    def refuse() -> None:
        office.store.disturb = lambda: None
        raise Unavailable("throttled")

    def provide(context: Any) -> Insight:
        office.store.disturb = refuse
        return INSIGHT

    office.provide = provide
    assert office.deliver(key).outcome == "retried"
    assert office.store.facts[key]["error"]["code"] == "unavailable"


def test_while_a_provider_thinks_its_worker_keeps_job_and_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "HEARTBEATS_A_LEASE", 1000 * jobs.LEASE_SECONDS)
    beaten = Event()

    class Watched(MemoryDeliveries):
        def hide(self, receipt: str, seconds: int) -> None:
            super().hide(receipt, seconds)
            beaten.set()

    def slow(context: Any) -> Insight:
        assert beaten.wait(10), "the heart does not beat"
        return INSIGHT

    office = Office(slow)
    office.deliveries = office.analyse._deliveries = Watched()
    key = office.sealed()
    assert office.deliver(key).outcome == "analysed"
    moves = [step.move for step in office.store.steps]
    assert jobs.RENEW in moves
    assert moves[-1] is jobs.SUCCEED, "it beats no more once the job has ended"
    assert office.deliveries.hidden[0] == ("receipt", jobs.HIDDEN_SECONDS)


def test_a_worker_that_was_overtaken_stops_to_renew_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "HEARTBEATS_A_LEASE", 1000 * jobs.LEASE_SECONDS)

    def slow(context: Any) -> Insight:
        lost = office.store.change(key, jobs.RECOVER, SECONDS + jobs.LEASE_SECONDS + 1, Written())
        assert lost.done
        return INSIGHT

    office = Office(slow)
    key = office.sealed()
    assert office.deliver(key).outcome == "skipped"
    assert office.store.items[key].job.state == "PENDING"
    assert "insight" not in office.store.facts[key]


def test_a_share_of_the_attempts_fails_on_purpose_always_the_same_ones() -> None:
    def fails(batch: int, attempt: int) -> bool:
        context: Any = SimpleNamespace(workspace="acme", batch=f"b{batch}")
        provider: Any = SimpleNamespace(analyse=lambda context: INSIGHT)
        try:
            return Unreliable(provider, 30, attempt).analyse(context) is not INSIGHT
        except ProviderUnavailable:
            return True

    drawn = [[fails(batch, attempt) for attempt in range(1, 6)] for batch in range(400)]
    assert drawn == [[fails(batch, attempt) for attempt in range(1, 6)] for batch in range(400)]
    assert 0.27 < sum(map(sum, drawn)) / 2000 < 0.33
    assert any(all(row) != any(row) for row in drawn), "another attempt may go otherwise"


def test_an_invocation_tells_an_event_a_kind_with_counts_and_the_same_when_repeated() -> None:
    began: dict[str, Any] = {"is_begun": True, "attempts": 1}
    outcomes = [
        Outcome("acme", "b1", "analysed", **began, waited_seconds=4, events=100, milliseconds=7, lease="l1"),
        Outcome(
            "acme", "b2", "analysed", **began, waited_seconds=9, events=50, milliseconds=3, lease="l2", sealed_by="size"
        ),
        Outcome("acme", "b3", "retried", **began, code="provider_unavailable", lease="l3"),
        Outcome("acme", "b4", "dead", **began, code="internal", lease="l4"),
        Outcome("acme", "b5", "postponed"),
    ]
    events = of_outcomes(outcomes)
    assert [(event.type, event.properties) for event in events] == [
        (BATCHES_SEALED, {"batches": 1, "by": "size"}),
        (JOBS_STARTED, {"jobs": 4, "waited_seconds": 9}),
        (JOBS_SUCCEEDED, {"jobs": 2, "events": 150, "milliseconds": 10}),
        (JOBS_FAILED, {"jobs": 1, "code": "provider_unavailable"}),
    ]
    assert [event.key for event in of_outcomes(outcomes[::-1])] == [event.key for event in events]
    letter = jobs.DeadLetter("acme", "b4", jobs.JobError("internal", "x"), "l4", 5)
    (dead,) = of_dead_letters([letter])
    assert (dead.type, dead.properties) == (JOBS_DEAD, {"jobs": 1, "code": "internal"})
    change = BreakerChange("statistical", BreakerState.CLOSED, BreakerState.OPEN, 6, 5)
    (changed,) = of_breaker([change])
    assert (changed.type, changed.key) == (BREAKER_CHANGED, "statistical#6")
    assert changed.properties == {"provider": "statistical", "before": "CLOSED", "after": "OPEN"}


def test_the_views_of_a_workspace_are_refreshed_once_and_a_failure_is_named() -> None:
    seen: list[str] = []
    failures: list[str] = []

    def refresh(workspace: Any, now: datetime) -> None:
        seen.append(workspace.name)
        if workspace.name == "bad":
            raise Unavailable("as the test wishes")

    directory: Any = SimpleNamespace(workspace=lambda name: SimpleNamespace(name=name) if name != "gone" else None)
    show = ShowInsights(directory, refresh, lambda workspace, error: failures.append(workspace))
    outcomes = [
        Outcome(workspace, batch, outcome)
        for workspace, batch, outcome in [
            ("acme", "1", "analysed"), ("acme", "2", "known"), ("bad", "1", "analysed"),
            ("gone", "1", "known"), ("other", "1", "retried"),
        ]
    ]  # fmt: skip
    assert show(outcomes, NOW) == {"bad"} == set(failures)
    assert seen == ["acme", "bad"]
