"""Drift: what a live cell shows otherwise than the log gives."""

from __future__ import annotations

from collections.abc import Set

from tidemark.domain.cells import Cell, kind_of
from tidemark.domain.toplists import TopList


def drift(live: Cell, recomputed: Cell, identities: Set[str]) -> list[str]:
    """Return which of the measures `identities` differ, sorted.

    A top list that was cut depends on the order of its events, within the error that it states: it is left out.
    """
    return sorted(identity for identity in identities if _differ(identity, live, recomputed))


def _differ(identity: str, live: Cell, recomputed: Cell) -> bool:
    kind = kind_of(identity)
    states = [cell.states.get(identity, kind.merge(())) for cell in (live, recomputed)]
    if any(isinstance(state, TopList) and state.error for state in states):
        return False
    one, other = (kind.dump(kind.compact(state)) for state in states)
    return bool(one != other)
