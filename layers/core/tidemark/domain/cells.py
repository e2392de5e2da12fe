"""Cells: the states of measures over some events, and the monoid that they form.

A cell holds a state for every measure identity that an event of it touched. `merge` is associative and commutative
with `Cell()` as unit, whatever cells it is given.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidemark.domain.kinds import KINDS, Kind


@dataclass(frozen=True, slots=True)
class Cell:
    """States by measure identity."""

    states: Mapping[str, Any] = field(default_factory=dict)

    def only(self, identities: Iterable[str]) -> Cell:
        """Return the cell with the given identities alone."""
        return Cell({identity: self.states[identity] for identity in identities if identity in self.states})


def kind_of(identity: str) -> Kind[Any]:
    """Return the kind of a measure identity."""
    return KINDS[identity.partition(":")[0]]


def hashes_of(identities: Iterable[str]) -> frozenset[str]:
    """Return the hashes of measure identities, by which a stored cell says which measures it covers."""
    return frozenset(identity.partition(":")[2] for identity in identities)


def merge(cells: Iterable[Cell]) -> Cell:
    """Return the cell of all events together."""
    gathered: dict[str, list[Any]] = {}
    for cell in cells:
        for identity, state in cell.states.items():
            gathered.setdefault(identity, []).append(state)
    return Cell(
        {
            identity: states[0] if len(states) == 1 else kind_of(identity).merge(states)
            for identity, states in gathered.items()
        }
    )


def compact(cell: Cell) -> Cell:
    """Return the cell with every state in its bounded form, as it is stored."""
    return Cell({identity: kind_of(identity).compact(state) for identity, state in cell.states.items()})


def encode(cell: Cell) -> bytes:
    """Return the stored form; equal cells have equal bytes."""
    states = {identity: kind_of(identity).dump(state) for identity, state in sorted(cell.states.items())}
    return zlib.compress(json.dumps(states, separators=(",", ":"), ensure_ascii=False).encode())


def decode(blob: bytes) -> Cell:
    """Return the cell that `encode` wrote."""
    states = json.loads(zlib.decompress(blob))
    return Cell({identity: kind_of(identity).load(raw) for identity, raw in states.items()})
