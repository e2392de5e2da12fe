"""Jobs: which changes of state are legal, by whom and when, and how long a failed attempt waits."""

from __future__ import annotations

import random

import pytest

from tidemark.domain.jobs import (
    ABANDON,
    ANALYSE_AGAIN,
    BURY,
    CANCEL,
    CLAIM,
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    MAX_MESSAGE_CHARACTERS,
    MOVES,
    POSTPONE,
    RECOVER,
    REDRIVE,
    RENEW,
    RETRY,
    SUCCEED,
    Job,
    JobError,
    JobState,
    Move,
    Pace,
)

NOW = 1_795_000_000
PENDING, SUCCESS, FAILED = Job(JobState.PENDING, 1), Job(JobState.SUCCESS, 1, "mine"), Job(JobState.FAILED, 5, "mine")
HELD, ENDED = (Job(JobState.RUNNING, 2, "mine", NOW + seconds) for seconds in (LEASE_SECONDS, -1))
ALLOWED = {
    CLAIM: [PENDING, ENDED],
    RENEW: [HELD, ENDED],
    SUCCEED: [HELD, ENDED],
    RETRY: [HELD, ENDED],
    POSTPONE: [PENDING],
    RECOVER: [ENDED],
    BURY: [HELD, ENDED],
    ABANDON: [PENDING, ENDED],
    CANCEL: [PENDING, HELD, ENDED],
    REDRIVE: [FAILED],
    ANALYSE_AGAIN: [SUCCESS, FAILED],
}
"""By whoever holds the lease `mine`."""

each_move = pytest.mark.parametrize("move", MOVES, ids=[move.name.replace(" ", "_") for move in MOVES])


@each_move
def test_a_change_is_legal_from_certain_states_alone(move: Move) -> None:
    jobs = [PENDING, HELD, ENDED, SUCCESS, FAILED]
    assert [job for job in jobs if move.allows(job, NOW, "mine")] == ALLOWED[move]


@each_move
def test_only_whoever_holds_the_lease_may_end_or_renew_what_runs(move: Move) -> None:
    others = {state for state in (HELD, ENDED) if move.allows(state, NOW, "another")}
    expected = {CLAIM: {ENDED}, RECOVER: {ENDED}, ABANDON: {ENDED}, CANCEL: {HELD, ENDED}}
    assert others == expected.get(move, set())


@each_move
def test_the_last_attempt_leaves_nothing_but_its_end(move: Move) -> None:
    spent = Job(JobState.RUNNING, MAX_ATTEMPTS, "mine", NOW - 1)
    assert move.allows(spent, NOW, "mine") == (move in {RENEW, SUCCEED, BURY, ABANDON, CANCEL})
    assert spent.is_exhausted(NOW)
    assert not spent.is_exhausted(NOW - 1)


def test_a_lease_holds_until_its_second_has_passed() -> None:
    assert not CLAIM.allows(Job(JobState.RUNNING, 1, "other", NOW), NOW)
    assert CLAIM.allows(Job(JobState.RUNNING, 1, "other", NOW), NOW + 1)


def test_a_pause_is_drawn_from_everything_up_to_a_bound_that_doubles_to_five_minutes() -> None:
    chance = random.Random(7)
    drawn = {attempts: [Pace().pause_seconds(attempts, chance) for _ in range(2000)] for attempts in range(1, 8)}
    assert {attempts: (min(found), max(found)) for attempts, found in drawn.items()} == {
        1: (1, 10), 2: (1, 20), 3: (1, 40), 4: (1, 80), 5: (1, 160), 6: (1, 300), 7: (1, 300),
    }  # fmt: skip
    hasty = Pace(first_pause_seconds=1)
    assert {hasty.pause_seconds(4, chance) for _ in range(200)} == set(range(1, 9))


def test_a_claim_is_renewed_three_times_before_it_would_end() -> None:
    assert (Pace().heartbeat_seconds, Pace(lease_seconds=30).heartbeat_seconds) == (40, 10)


def test_what_is_kept_of_an_error_is_bounded() -> None:
    kept = JobError("provider_refused", "x" * 10_000).as_dict()
    assert kept == {"code": "provider_refused", "message": "x" * MAX_MESSAGE_CHARACTERS}
