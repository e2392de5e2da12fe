"""Any AWS call may fail, succeed without an answer, or be the last one before a crash, in every handler (invariant 9).

So too in what the operator's commands write by themselves.

The calls are found by running a handler's scenario once; then it runs again for each call and each mode of failure.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from tests.support.calls import MODES, Call, Mode, Plan
from tests.support.data import SMALL
from tests.support.deployed import World
from tests.support.every_scenario import SCENARIOS
from tests.support.processes import HANDLERS
from tests.support.stack import Stack

CASES = [
    (handler, mode)
    for handler in sorted(SCENARIOS)
    for mode in MODES.values()
    if not mode.warm or handler.startswith("stream_")  # a stream delivers the same batch again, also to a warm process
]


def run(stack: Stack, plan: Plan) -> None:
    """Run the scenario of the plan's handler in a new world."""
    stack.clear()
    with World(stack, definitions=SMALL) as world:
        SCENARIOS[plan.handler](world, lambda: world.armed(plan))


@pytest.fixture(scope="module")
def undisturbed(stack: Stack) -> Callable[[str], list[Call]]:
    """Finds the calls that a handler makes in its scenario when nothing fails."""

    @cache
    def calls(handler: str) -> list[Call]:
        plan = Plan(handler)
        run(stack, plan)
        return plan.calls

    return calls


def test_every_handler_has_a_scenario() -> None:
    assert {name for name in SCENARIOS if not name.startswith("cli_")} == set(HANDLERS)


@pytest.mark.parametrize(("handler", "mode"), CASES, ids=[f"{handler}-{mode.name}" for handler, mode in CASES])
def test_the_invariants_hold_whatever_befalls_a_call(
    stack: Stack, undisturbed: Callable[[str], list[Call]], handler: str, mode: Mode
) -> None:
    calls = undisturbed(handler)
    assert calls, "the scenario makes no call"
    failures = []
    for index, call in enumerate(calls):
        if not mode.befalls(call, last=index == len(calls) - 1):
            continue
        plan = Plan(handler, index, mode)
        try:
            run(stack, plan)
            assert plan.hit is not None, "the call was never made"
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is reported with the plan that replays it
            failures.append(f"{plan}: {type(error).__name__}: {error}")
    assert not failures, "\n" + "\n".join(failures)
