"""What the tests that take guards away share: a guard, and the two runs that show that it is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pytest

from tests.support.data import SMALL
from tests.support.deployed import World
from tests.support.removals import Removal
from tests.support.stack import Stack
from tidemark.domain.definitions import Dashboard


@dataclass(frozen=True)
class Guard:
    """What guards an invariant, how to take it away, where it matters, and what then fails."""

    name: str
    removal: Removal
    scenario: Callable[[World], None]
    broken: str
    dashboards: Mapping[str, Dashboard] | None = None


def each(guards: Sequence[Guard]) -> pytest.MarkDecorator:
    """Have a test run with every one of them as its `guard`."""
    return pytest.mark.parametrize("guard", guards, ids=[guard.name.replace(" ", "_") for guard in guards])


def check_passes(stack: Stack, guard: Guard) -> None:
    """As the system is, it passes the scenario of a guard."""
    stack.clear()
    with World(stack, definitions=guard.dashboards or SMALL) as world:
        guard.scenario(world)


def check_needed(stack: Stack, guard: Guard) -> None:
    """Without the guard it fails as it must."""
    with guard.removal(stack), pytest.raises(AssertionError, match=guard.broken):
        check_passes(stack, guard)
