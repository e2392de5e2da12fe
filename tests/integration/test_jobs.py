"""Jobs and breakers in DynamoDB: what is stored obeys the rules of the domain, also when an answer is lost."""

from __future__ import annotations

from itertools import count, product
from json import dumps
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults import Faults, without_pauses
from tests.support.batches import SIZE, batches
from tests.support.checks import check_world
from tests.support.clients import Producer
from tests.support.data import pages
from tests.support.deployed import World
from tests.support.jobs import Job as Message
from tests.support.scenarios import watched
from tests.support.stack import Stack
from tidemark.aws import clients
from tidemark.aws.batches import DynamoBatches, dead_queue_of, key_of, queue_of
from tidemark.aws.breaker import DynamoBreakers
from tidemark.aws.items import decode, encode
from tidemark.aws.jobs import DynamoJobs
from tidemark.domain import jobs
from tidemark.domain.batches import Batch, Chain
from tidemark.domain.breaker import Breaker, admit, failed, trip
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.domain.jobs import MOVES, DeadLetter, Job, JobError, JobState
from tidemark.services.bury import BuryJobs
from tidemark.services.job_ports import Listed, Written
from tidemark.services.jobs import Jobs

NOW = 1_795_000_000
CHAIN = Chain("acme", "2026-11-22T10:00Z", 0)
KEY = "acme", "2026-11-22T10:00Z.00.000000"


class Queue:
    """The messages that were sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, sent: Any) -> None:
        self.sent += sent


class Stored:
    """One sealed batch, and its item to be read and set at will."""

    def __init__(self, table: str) -> None:
        self.table, self.jobs = table, DynamoJobs(table)
        batch = Batch(
            CHAIN, 0, "SEALED", frozenset({1, 2}), ("ab" * 16,), opened_at=NOW - 60, sealed_at=NOW - 5,
            sealed_by="size", version=1,
        )  # fmt: skip
        DynamoBatches(table).put(batch, NOW + 25, NOW + 10**6)
        self._fresh = self.item()

    def item(self) -> dict[str, Any]:
        answer = clients.dynamodb().get_item(TableName=self.table, Key=encode(key_of(*KEY)), ConsistentRead=True)
        return decode(answer["Item"])

    def set(self, job: Job) -> None:
        attributes = {
            "job": job.state.value,
            "attempts": job.attempts,
            "lease": job.lease,
            "lease_until": job.lease_until,
        }
        clients.dynamodb().put_item(TableName=self.table, Item=encode(self._fresh | attributes))


@pytest.fixture
def stored(tables: SimpleNamespace) -> Stored:
    return Stored(tables.work)


def test_what_is_written_is_what_the_domain_allows_for_every_change_and_state(stored: Stored) -> None:
    leases = [("mine", NOW + 60), ("mine", NOW - 1), ("other", NOW), ("other", NOW - 1)]
    running = [Job(JobState.RUNNING, attempts, *lease) for attempts, lease in product((4, 5), leases)]
    others = [Job(state, 4, "mine", NOW) for state in JobState if state is not JobState.RUNNING]
    for move, job in product(MOVES, running + others):
        stored.set(job)
        given = "mine" if move.lease is jobs.Lease.MINE else None
        change = stored.jobs.change(KEY, move, NOW, Written(), given)
        case = f"{move.name} of {job}"
        was_so = given is not None and (job.state, job.lease) == (move.target, given)
        assert change.done == (move.allows(job, NOW, "mine") or was_so), case
        assert change.stored is not None, case
        assert change.stored.job.state == (move.target if change.done else job.state), case


def test_an_open_batch_and_one_that_is_not_there_have_no_job_to_change(tables: SimpleNamespace) -> None:
    open_batch = Batch(CHAIN, 0, "OPEN", frozenset({1}), ("ab" * 16,), opened_at=NOW, version=1)
    DynamoBatches(tables.work).put(open_batch, NOW + 600, NOW + 10**6)
    for key, move in product([KEY, ("acme", "2026-11-22T10:00Z.00.000007")], MOVES):
        change = DynamoJobs(tables.work).change(key, move, NOW, Written(), "mine")
        assert (change.done, change.stored) == (False, None)


def test_a_claim_of_which_the_answer_was_lost_is_made_once(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    without_pauses(monkeypatch)
    claim = Written(sets={"lease_until": NOW + 900}, counts=("attempts",))
    faults = Faults(clients.dynamodb())
    faults.lose_answer("UpdateItem", times=1)
    assert stored.jobs.change(KEY, jobs.CLAIM, NOW, claim, "mine").done
    assert stored.item()["attempts"] == 1
    faults.none()
    assert not stored.jobs.change(KEY, jobs.CLAIM, NOW, claim, "another").done
    faults.lose_answer("UpdateItem", times=1)
    assert stored.jobs.change(KEY, jobs.SUCCEED, NOW, Written(listed=Listed.NOWHERE), "mine").done


def test_a_job_is_listed_where_its_state_belongs(stored: Stored) -> None:
    queue = Queue()
    leases = map(str, count())
    by_hand, bury = Jobs(stored.jobs, queue, lambda: next(leases)), BuryJobs(stored.jobs)
    assert stored.item()["queue"] == queue_of("acme")
    stored.jobs.change(KEY, jobs.CLAIM, NOW, Written(sets={"lease_until": NOW + 900}, counts=("attempts",)), "mine")
    letter = DeadLetter(*KEY, JobError("provider_refused", "nonsense"), "mine", 5, {"cause": "X"}, {"provider": "p"})
    assert bury(letter, NOW + 9).done
    dead = stored.item()
    assert (dead["job"], dead["queue"], dead["due_at"]) == ("FAILED", dead_queue_of("acme"), NOW + 9)
    assert (dead["error"]["code"], dead["input"], dead["trace"]) == (
        "provider_refused",
        {"provider": "p"},
        {"cause": "X"},
    )
    assert by_hand.redrive(KEY, NOW + 20).done
    assert not by_hand.redrive(KEY, NOW + 20).done
    assert queue.sent == [KEY]
    again = stored.item()
    assert (again["job"], again["attempts"], again["redrives"]) == ("PENDING", 0, 1)
    assert (again["queue"], again["due_at"]) == (queue_of("acme"), NOW + 50)
    assert not again.keys() & {"error", "trace", "input", "finished_at"}
    assert not bury(letter, NOW + 30).done, "a letter that comes late buries no other attempt"
    assert by_hand.cancel(KEY, NOW + 40).done
    cancelled = stored.item()
    assert (cancelled["job"], cancelled["error"]["code"]) == ("FAILED", "cancelled")
    assert not cancelled.keys() & {"queue", "due_at"}
    assert cancelled["ids"] == dead["ids"]
    assert cancelled["version"] == dead["version"], "the batch is untouched"


def test_a_letter_of_the_queue_itself_keeps_what_the_last_attempt_said(stored: Stored) -> None:
    bury = BuryJobs(stored.jobs)
    assert bury(DeadLetter(*KEY), NOW).done
    assert stored.item()["error"]["code"] == "not_delivered"
    stored.set(Job(JobState.PENDING, 3))
    assert bury(DeadLetter(*KEY), NOW).done
    stored.set(Job(JobState.RUNNING, 3, "mine", NOW + 60))
    assert not bury(DeadLetter(*KEY), NOW).done, "somebody runs it"


def test_a_breaker_is_replaced_only_as_it_was_seen_and_by_the_same_writer_once(
    tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pauses(monkeypatch)
    store, faults = DynamoBreakers(tables.work), Faults(clients.dynamodb())
    assert store.read("statistical") == Breaker()
    one = store.write("statistical", failed(Breaker(), "t", NOW, 600), "a")
    assert store.read("statistical") == one == Breaker(failures=1, version=1)
    with pytest.raises(Conflict):
        store.write("statistical", failed(Breaker(), "t", NOW, 600), "b")
    faults.lose_answer("PutItem", times=1)
    opened = store.write("statistical", trip(one, NOW, 600), "c")
    faults.none()
    probed, _ = admit(opened, "probe", NOW + 600)
    stored = store.write("statistical", probed, "d")
    assert store.read("statistical") == stored
    assert store.read("bedrock") == Breaker()
    faults.refuse("InternalServerError", 500)
    with pytest.raises(Unavailable):
        store.read("statistical")


def test_an_insight_reaches_whoever_watches(stack: Stack) -> None:
    stack.clear()
    with World(stack) as world:
        world.settings(batch_events=SIZE)
        (viewer,) = watched(world)
        Producer(world).send(pages(world.now, 2 * SIZE))
        world.deliver()
        world.analyse()
        world.deliver()
        viewer.drain()
        assert len(viewer.sections["insights"]) == 2
        check_world(world, viewer)
        world.restart("queue_analysis")
        world.stack.analysis_jobs.queued += [Message("again", dumps(message), 0) for message in _messages(world)]
        world.analyse()
        assert not world.poll(), "a message that comes again changes nothing"


def _messages(world: World) -> list[dict[str, str]]:
    return [{"workspace": world.workspace, "batch": item["sk"]} for item in batches(world)]
