"""Whatever happens to workers, messages and clocks, every event is analysed once or its batch says why not.

A state machine (Hypothesis) stores events, fills batches, delivers messages in any order, again and again, to two
workers that die before any request or after it, step in between two requests of each other, and work longer than their
lease; their clocks are apart. The provider answers, is unavailable or answers nonsense. The schedule runs whenever it
likes, the queue gives messages up, operators redrive, cancel, analyse again, trip and reset. Only legal changes may
have been written then, nothing may have been begun through an open breaker, and once the provider is well and time goes
on everything comes to its end.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.memory_batches import MemoryAnalysisQueue
from tests.support.memory_jobs import MemoryBreakers, MemoryDeliveries, MemoryLetters, MemoryPipeline
from tests.support.strategies import event
from tidemark.domain.breaker import FAILURES_TO_OPEN, BreakerState
from tidemark.domain.chunks import Chunk, chunk_events, event_hash
from tidemark.domain.errors import Unavailable
from tidemark.domain.events import format_timestamp
from tidemark.domain.insights import Insight
from tidemark.domain.jobs import (
    ABANDON,
    ANALYSE_AGAIN,
    CANCELLED,
    CLAIM,
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    POSTPONE,
    RECOVER,
    REDRIVE,
    DeadLetter,
    JobState,
    Pace,
)
from tidemark.domain.workspace import Workspace
from tidemark.services import contention
from tidemark.services.analyse import Analyse, BatchMissing, Outcome
from tidemark.services.analysis_ports import ProviderRefused, ProviderUnavailable
from tidemark.services.batching import FillBatches
from tidemark.services.breaker import CircuitBreaker
from tidemark.services.bury import BuryJobs
from tidemark.services.job_ports import Delivery, JobKey, Listed
from tidemark.services.jobs import Jobs
from tidemark.services.ports import LoggedChunk
from tidemark.services.sealing import SealBatches

WORKSPACE = Workspace("demo", batch_events=3, batch_seconds=60)
OPEN_SECONDS = 600
START = datetime(2026, 11, 22, 10, 5, tzinfo=UTC)
LEGAL = {
    ("PENDING", "RUNNING"),
    ("RUNNING", "RUNNING"),
    ("RUNNING", "SUCCESS"),
    ("RUNNING", "PENDING"),
    ("PENDING", "PENDING"),
    ("RUNNING", "FAILED"),
    ("PENDING", "FAILED"),
    ("FAILED", "PENDING"),
    ("SUCCESS", "PENDING"),
}
ANSWERS = ["well", "well", "unavailable", "unavailable", "nonsense", "missing", "defect"]

answers = st.sampled_from(ANSWERS)
skews = st.sampled_from([0, 0, -40, 40])
chances = st.randoms(use_true_random=False)


class Crash(BaseException):
    """The end of a process, as no handler can catch it."""


class Told:
    """Nobody needs to hear of it."""

    def failed(self, key: JobKey, attempts: int, error: Exception) -> None: ...

    def unrecorded(self, what: str, key: JobKey, error: Exception) -> None: ...


class Histories(RuleBasedStateMachine):
    """Two workers over one set of tables and queues."""

    @initialize()
    def start(self) -> None:
        self.now = START
        self.disturbance: Callable[[], None] = lambda: None
        self.store = MemoryPipeline(self.disturb)
        self.breakers = MemoryBreakers(self.disturb)
        self.queue = MemoryAnalysisQueue(self.disturb)
        self.letters = MemoryLetters(self.disturb)
        self.deliveries = MemoryDeliveries(self.disturb)
        self.messages: list[JobKey] = []
        self.chunks: list[LoggedChunk] = []
        self.answer = "well"
        self.meanwhile: Callable[[], None] = lambda: None
        self.tokens, self.numbers = count(1), count(1)
        self.chance = random.Random(1)
        directory = SimpleNamespace(workspace=lambda _: WORKSPACE)
        self.fill = FillBatches(directory, self.store, self.queue, lambda jobs, error: None)
        self.jobs = Jobs(self.store, self.queue, self.token)
        self.bury = BuryJobs(self.store)
        self.breaker = CircuitBreaker(self.breakers, "statistical", OPEN_SECONDS, lambda change: None)
        self.seal = SealBatches(self.store, self.store, self.queue, self.letters, self.breaker.read, lambda: 0.0)
        self.analyse = Analyse(
            self.store, self.deliveries, self.letters, self.breaker, self.context, "statistical",
            lambda attempt: SimpleNamespace(analyse=self.provide), Told(), self.token,
            lambda: self.now.timestamp(), self.chance, Pace(),
        )  # fmt: skip

    # ── What happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(number=st.integers(1, 7))
    def ingest(self, number: int) -> None:
        events = [event(f"e{next(self.numbers)}", format_timestamp(self.now)) for _ in range(number)]
        chunks = chunk_events("demo", events, timezone="UTC", shards_at=lambda _: 1)
        self.chunks += [self.logged(chunk) for chunk in chunks]
        self.fill(self.chunks[-len(chunks) :], self.now)

    @precondition(lambda self: self.jobs_there())
    @rule(answer=answers, skew=skews, chance=chances, keep=st.booleans())
    def deliver(self, answer: str, skew: int, chance: random.Random, keep: bool) -> None:
        """A message comes, perhaps not for the last time, perhaps of a job of long ago."""
        self.check_delivery(self.some_job(chance, keep), answer, skew)

    @precondition(lambda self: self.jobs_there())
    @rule(answer=answers, at=st.integers(1, 10), chance=chances)
    def deliver_to_a_worker_that_dies(self, answer: str, at: int, chance: random.Random) -> None:
        self.die(self.some_job(chance, keep=True), answer, at)

    @precondition(lambda self: self.jobs_there())
    @rule(how=st.sampled_from(["missing", "defect", "unavailable", "dies"]), times=st.integers(2, 6), chance=chances)
    def fail_again_and_again(self, how: str, times: int, chance: random.Random) -> None:
        """One job, until it has no attempt left."""
        key = chance.choice(self.jobs_there())
        for _ in range(times):
            if how == "dies":
                self.die(key, "well", 3)
                self.now += timedelta(seconds=LEASE_SECONDS + 1)
                self.run_the_schedule()
            else:
                self.work(key, how)

    @precondition(lambda self: self.jobs_there())
    @rule(answer=answers, dies_at=st.integers(0, 5), chance=chances)
    def let_a_provider_rest_and_probe_it(self, answer: str, dies_at: int, chance: random.Random) -> None:
        self.breaker.trip(self.token(), self.seconds)
        key = self.some_job(chance, keep=True)
        self.check_delivery(key, answer)
        self.now += timedelta(seconds=OPEN_SECONDS)
        if dies_at:
            self.die(key, answer, dies_at)
        else:
            self.check_delivery(key, answer)

    @precondition(lambda self: self.jobs_there())
    @rule(answer=answers, other=answers, at=st.integers(1, 10), same=st.booleans(), chance=chances)
    def deliver_while_another_worker_works_between_two_requests(
        self, answer: str, other: str, at: int, same: bool, chance: random.Random
    ) -> None:
        key = self.some_job(chance, keep=True)
        another = key if same else self.some_job(chance, keep=True)
        self.step_in(at, lambda: self.work(another, other))
        self.work(key, answer)
        self.disturbance = lambda: None

    @precondition(lambda self: self.jobs_there())
    @rule(
        answer=answers, other=answers | st.just("dies"), seconds=st.sampled_from([5, LEASE_SECONDS + 1]), chance=chances
    )
    def deliver_to_a_worker_that_is_slow(self, answer: str, other: str, seconds: int, chance: random.Random) -> None:
        """While it waits for the provider its lease may end, and another one takes the job, and may die with it."""
        key = self.some_job(chance, keep=True)

        def others() -> None:
            self.meanwhile = lambda: None
            self.now += timedelta(seconds=seconds)
            self.run_the_schedule()
            if other == "dies":
                self.die(key, "well", 3)
            else:
                self.work(key, other)
            self.answer = answer

        self.meanwhile = others
        self.work(key, answer)
        self.meanwhile = lambda: None

    @precondition(lambda self: self.jobs_there())
    @rule(fails=st.integers(1, 10), answer=answers, chance=chances)
    def deliver_while_a_request_fails(self, fails: int, answer: str, chance: random.Random) -> None:
        def fail() -> None:
            raise Unavailable("as the test wishes")

        key = self.some_job(chance, keep=True)
        self.step_in(fails, fail)
        with suppress(Unavailable):
            self.work(key, answer)
        self.disturbance = lambda: None

    @rule()
    def run_the_schedule(self) -> None:
        self.seal.run(self.now)
        self.take_what_was_sent()

    @rule(at=st.integers(1, 8))
    def run_the_schedule_until_it_dies(self, at: int) -> None:
        def die() -> None:
            raise Crash

        self.step_in(at, die)
        with suppress(Crash):
            self.seal.run(self.now)
        self.disturbance = lambda: None
        self.take_what_was_sent()

    @precondition(lambda self: self.letters.waiting)
    @rule(chance=chances, keep=st.booleans())
    def take_a_dead_letter(self, chance: random.Random, keep: bool) -> None:
        letter = chance.choice(self.letters.waiting)
        if not keep:
            self.letters.waiting.remove(letter)
        self.bury(letter, self.seconds)

    @precondition(lambda self: self.messages)
    @rule(chance=chances)
    def give_a_message_up(self, chance: random.Random) -> None:
        """As SQS does with one that came five times."""
        key = chance.choice(self.messages)
        self.messages.remove(key)
        self.letters.waiting.append(DeadLetter(*key))

    @precondition(lambda self: self.jobs_there())
    @rule(action=st.sampled_from(["redrive", "redrive", "analyse_again", "cancel"]), chance=chances)
    def act_by_hand(self, action: str, chance: random.Random) -> None:
        key = chance.choice(self.jobs_there())
        before = self.store.items[key].job
        done = getattr(self.jobs, action)(key, self.seconds).done
        allowed = {"redrive": ["FAILED"], "analyse_again": ["FAILED", "SUCCESS"], "cancel": ["PENDING", "RUNNING"]}
        assert done == (before.state in allowed[action])
        if done and action != "cancel":
            assert not getattr(self.jobs, action)(key, self.seconds).done, "twice at once"
        self.take_what_was_sent()

    @rule(does=st.sampled_from(["trip", "reset"]))
    def turn_the_breaker(self, does: str) -> None:
        if does == "trip":
            assert self.breaker.trip(self.token(), self.seconds).state is BreakerState.OPEN
        else:
            before = self.breakers.history[-1]
            assert self.breaker.reset(self.token()).state is BreakerState.CLOSED
            if before.state is BreakerState.OPEN:
                self.check_that_nobody_waits_until(before.until)

    @rule(seconds=st.sampled_from([1, 15, 61, 130, OPEN_SECONDS, LEASE_SECONDS + 1]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    # ── What must hold ───────────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def only_legal_changes_were_written(self) -> None:
        if not hasattr(self, "store"):
            return
        for step in self.store.steps:
            assert (step.before.state, step.after.state) in LEGAL, step
            assert step.after.attempts <= MAX_ATTEMPTS
            assert step.after.state != "PENDING" or step.after.attempts < MAX_ATTEMPTS, "pending without an attempt"
            if step.after.state == "SUCCESS":
                assert step.before.lease == step.lease, "ended by somebody else"
            if step.move in (CLAIM, RECOVER, ABANDON) and step.before.state == "RUNNING":
                assert step.before.lease_until < step.now_seconds, "taken from a worker that still had it"
            attempts = {CLAIM: step.before.attempts + 1, REDRIVE: 0, ANALYSE_AGAIN: 0}
            assert step.after.attempts == attempts.get(step.move, step.before.attempts)
        for key, stored in self.store.items.items():
            assert (stored.batch.state == "OPEN") == (stored.job is None), "a sealed batch has its job"
            if stored.job is None:
                continue
            assert (stored.job.state == "SUCCESS") <= (stored.batch.state == "ANALYZED")
            listed = self.store.listed.get(key, Listed.UNFINISHED)
            facts = self.store.facts.get(key, {})
            if not stored.job.is_finished:
                assert listed is Listed.UNFINISHED
            elif stored.job.state == "FAILED" and facts["error"]["code"] != CANCELLED:
                assert listed is Listed.DEAD
            else:
                assert listed is Listed.NOWHERE

    @invariant()
    def the_breaker_opens_and_closes_by_its_rules(self) -> None:
        if not hasattr(self, "store"):
            return
        for before, after in zip(self.breakers.history, self.breakers.history[1:], strict=False):
            assert after.version == before.version + 1
            states = before.state, after.state
            assert states != (BreakerState.CLOSED, BreakerState.HALF_OPEN)
            if states == (BreakerState.CLOSED, BreakerState.CLOSED):
                assert after.failures in (0, before.failures + 1)
                assert after.failures < FAILURES_TO_OPEN

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.disturbance, self.meanwhile = lambda: None, lambda: None
        for _ in range(40):
            self.now += timedelta(seconds=120)
            self.run_the_schedule()
            while self.messages:
                self.work(self.messages.pop(0), "well")
            while self.letters.waiting:
                self.bury(self.letters.waiting.pop(), self.seconds)
        self.only_legal_changes_were_written()
        everything = [event_hash(found["event_id"]) for chunk in self.chunks for found in chunk.chunk.events]
        batched = [identity for stored in self.store.items.values() for identity in stored.batch.ids]
        assert sorted(everything) == sorted(batched), "an event is in exactly one batch"
        for key, stored in self.store.items.items():
            assert stored.job is not None
            assert stored.job.is_finished, f"{key} never ends: {stored.job}"
            facts = self.store.facts[key]
            if stored.job.state is JobState.SUCCESS:
                assert "insight" in facts
                assert "error" not in facts
            else:
                assert facts["error"]["code"]
        assert not list(self.store.due(self.seconds + 10_000))

    # ── How ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def seconds(self) -> int:
        return int(self.now.timestamp())

    def token(self) -> str:
        return f"t{next(self.tokens)}"

    def logged(self, chunk: Chunk) -> LoggedChunk:
        return LoggedChunk(chunk, format_timestamp(self.now), self.seconds + 10**7)

    def disturb(self) -> None:
        self.disturbance()

    def step_in(self, at: int, action: Callable[[], None]) -> None:
        """Have `action` done once, before or after the `at`th request from now."""
        left = at

        def disturbance() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self.disturbance = lambda: None
                action()

        self.disturbance = disturbance

    def die(self, key: JobKey, answer: str, at: int) -> None:
        """Deliver a message to a worker that dies before or after a request, if it comes to so many."""

        def end() -> None:
            raise Crash

        self.step_in(at, end)
        with suppress(Crash):
            self.work(key, answer)
        self.disturbance, self.meanwhile = lambda: None, lambda: None

    def jobs_there(self) -> list[JobKey]:
        return sorted(key for key, stored in self.store.items.items() if stored.job is not None)

    def some_job(self, chance: random.Random, keep: bool) -> JobKey:
        """Take a message, or one that came before comes again."""
        self.take_what_was_sent()
        if not self.messages or chance.random() < 0.2:
            return chance.choice(self.jobs_there())
        key = chance.choice(self.messages)
        if not keep:
            self.messages.remove(key)
        return key

    def take_what_was_sent(self) -> None:
        self.messages += self.queue.sent
        self.queue.sent.clear()

    def work(self, key: JobKey, answer: str, skew: int = 0) -> Outcome:
        self.answer = answer
        outcome = self.analyse(Delivery(*key, "receipt", {}), self.now + timedelta(seconds=skew))
        if outcome.comes_again:
            self.messages.append(key)
        return outcome

    def check_delivery(self, key: JobKey, answer: str, skew: int = 0) -> None:
        """Deliver a message to a worker with whom nothing interferes: a breaker that is not closed decides."""
        breaker, job, steps = self.breakers.history[-1], self.store.items[key].job, len(self.store.steps)
        outcome = self.work(key, answer, skew)
        if breaker.state is not BreakerState.CLOSED and self.seconds + skew < breaker.until:
            assert outcome.outcome == {"PENDING": "postponed", "SUCCESS": "known"}.get(job.state, "skipped")
            assert self.store.items[key].job == job, "an open breaker uses up no attempt"
            assert all(step.move is POSTPONE for step in self.store.steps[steps:])
            assert job.state != "PENDING" or self.store.items[key].due_at > self.seconds + skew
        elif breaker.state is BreakerState.OPEN:
            first, stands = self.breakers.history[breaker.version + 1], self.breakers.history[-1]
            assert not outcome.is_begun or first.probe == outcome.lease, "who comes first is the probe"
            if not outcome.is_begun or answer in ("missing", "defect"):  # nobody has asked the provider
                assert (stands.state, stands.probe) == (BreakerState.HALF_OPEN, "")
            else:
                assert stands.state is (BreakerState.CLOSED if answer == "well" else BreakerState.OPEN)

    def check_that_nobody_waits_until(self, second: int) -> None:
        """The next run of the schedule sends every job that the breaker had sent away."""
        pending = [key for key in self.jobs_there() if self.store.items[key].job.state is JobState.PENDING]
        waiting = {key for key in pending if self.store.items[key].due_at == second}
        self.take_what_was_sent()
        self.seal.run(self.now)
        assert waiting <= set(self.queue.sent)
        self.take_what_was_sent()

    def context(self, batch: Any, now: datetime) -> Any:
        if self.answer == "missing":
            raise BatchMissing("as the test wishes")
        return SimpleNamespace(events=[{"timestamp": format_timestamp(START)}])

    def provide(self, context: Any) -> Insight:
        self.meanwhile()
        match self.answer:
            case "unavailable":
                raise ProviderUnavailable("as the test wishes")
            case "nonsense":
                raise ProviderRefused("as the test wishes")
            case "defect":
                raise ZeroDivisionError
        return Insight("All is well.", 0.5, (), (), "statistical", "statistical/1", "2026", "2026", 1)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is racing in a test."""
    monkeypatch.setattr(contention, "LONGEST_PAUSE_SECONDS", 0)


@pytest.mark.timeout(900)  # a failure is shrunk for five minutes
class TestAnyHistoryOfJobs(Histories.TestCase):  # type: ignore[misc,valid-type]  # made by Hypothesis
    settings = settings(
        max_examples=max(25, settings().max_examples // 4),
        stateful_step_count=30 if settings().max_examples < 100 else 60,
    )
