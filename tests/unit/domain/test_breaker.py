"""The circuit breaker: what it lets through, and by what it opens and closes."""

from __future__ import annotations

from functools import reduce

from tidemark.domain.breaker import (
    FAILURES_TO_OPEN,
    PROBE_SECONDS,
    Breaker,
    BreakerState,
    admit,
    failed,
    given_back,
    reset,
    succeeded,
    trip,
)

NOW, OPEN_SECONDS = 1_795_000_000, 600
OPEN = trip(Breaker(failures=5, version=7), NOW, OPEN_SECONDS)
HALF_OPEN, _ = admit(OPEN, "probe", OPEN.until)


def fail(breaker: Breaker, token: str = "t", at: int = NOW) -> Breaker:
    return failed(breaker, token, at, OPEN_SECONDS)


def test_five_failures_in_a_row_open_it_and_no_fewer() -> None:
    after = [reduce(lambda breaker, _: fail(breaker), range(count), Breaker()) for count in range(FAILURES_TO_OPEN + 1)]
    assert [breaker.state for breaker in after] == [BreakerState.CLOSED] * 5 + [BreakerState.OPEN]
    assert (after[-1].opened_at, after[-1].until, after[-1].failures) == (NOW, NOW + OPEN_SECONDS, 5)


def test_a_success_between_begins_the_count_anew() -> None:
    four = reduce(lambda breaker, _: fail(breaker), range(4), Breaker())
    assert succeeded(four, "t").failures == 0
    assert fail(succeeded(four, "t")).state is BreakerState.CLOSED


def test_what_goes_well_changes_nothing_of_a_breaker_without_failures() -> None:
    untouched = Breaker(version=3)
    assert succeeded(untouched, "t") is untouched


def test_nothing_passes_while_it_is_open_and_then_one_probe() -> None:
    assert admit(OPEN, "t", OPEN.until - 1) == (OPEN, False)
    assert (HALF_OPEN.state, HALF_OPEN.probe, HALF_OPEN.opened_at) == (BreakerState.HALF_OPEN, "probe", NOW)
    assert admit(HALF_OPEN, "t", OPEN.until) == (HALF_OPEN, False)


def test_a_probe_that_is_never_heard_of_gives_way_to_another() -> None:
    late = OPEN.until + PROBE_SECONDS
    assert admit(HALF_OPEN, "t", late - 1) == (HALF_OPEN, False)
    second, passes = admit(HALF_OPEN, "second", late)
    assert (passes, second.probe) == (True, "second")
    assert fail(second, "probe", late) is second
    assert succeeded(second, "probe") is second


def test_the_probe_closes_it_or_opens_it_for_as_long_again() -> None:
    assert succeeded(HALF_OPEN, "probe") == Breaker(version=7)
    again = fail(HALF_OPEN, "probe", NOW + 700)
    assert (again.state, again.until, again.opened_at) == (BreakerState.OPEN, NOW + 1300, NOW)


def test_what_was_begun_before_it_opened_changes_nothing_when_it_ends() -> None:
    for breaker in (OPEN, HALF_OPEN):
        assert succeeded(breaker, "old") is breaker
        assert fail(breaker, "old") is breaker
        assert given_back(breaker, "old", NOW) is breaker


def test_a_probe_that_was_not_made_leaves_its_place_at_once() -> None:
    free = given_back(HALF_OPEN, "probe", NOW + 650)
    assert free.state is BreakerState.HALF_OPEN
    taken, passes = admit(free, "next", NOW + 650)
    assert (passes, taken.probe) == (True, "next")


def test_by_hand_it_opens_and_closes() -> None:
    assert trip(Breaker(), NOW, 60).until == NOW + 60
    assert reset(OPEN) == Breaker(until=OPEN.until, version=7)
    assert reset(Breaker(version=2)) == Breaker(version=2)
