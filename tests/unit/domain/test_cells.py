"""Cells form a commutative monoid, byte for byte as they are stored."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import few, values
from tidemark.domain.cells import Cell, compact, decode, encode, kind_of, merge
from tidemark.domain.kinds import KINDS

IDENTITIES = [f"{kind}:{number:08x}" for kind in KINDS for number in range(2)]


def cell_of(columns: dict[str, list[Any]], dated: random.Random) -> Cell:
    states = {}
    for identity, column in columns.items():
        rows: list[Any] = [(f"t{dated.randint(0, 3)}", f"e{dated.randint(0, 3)}", value) for value in column]
        states[identity] = kind_of(identity).of(rows if identity.startswith("last") else column)
    return Cell(states)


cells = st.builds(
    cell_of,
    st.dictionaries(st.sampled_from(IDENTITIES), st.lists(few | values, max_size=5), max_size=6),
    st.randoms(use_true_random=False),
)


@given(cells, cells, cells)
def test_cells_form_a_commutative_monoid(one: Cell, two: Cell, three: Cell) -> None:
    assert encode(merge((merge((one, two)), three))) == encode(merge((one, merge((two, three)))))
    assert encode(merge((one, two, three))) == encode(merge((three, one, two)))
    assert encode(merge((one, two))) == encode(merge((two, one)))
    assert encode(merge((one, Cell()))) == encode(merge((Cell(), one))) == encode(merge((one,))) == encode(one)
    assert merge(()) == Cell()


@given(cells, cells)
def test_a_cell_survives_its_encoding_and_merges_as_before(one: Cell, two: Cell) -> None:
    assert decode(encode(one)) == one
    assert encode(decode(encode(one))) == encode(one)
    assert encode(merge((decode(encode(one)), two))) == encode(merge((one, two)))


@given(cells, cells)
def test_merging_changes_neither_part(one: Cell, two: Cell) -> None:
    before = encode(one), encode(two)
    merge((one, two))
    compact(one)
    assert (encode(one), encode(two)) == before


@given(cells)
def test_compacting_twice_is_compacting_once(cell: Cell) -> None:
    assert encode(compact(compact(cell))) == encode(compact(cell))


@given(cells, st.sets(st.sampled_from(IDENTITIES)))
def test_only_keeps_the_identities_asked_for(cell: Cell, wanted: set[str]) -> None:
    assert set(cell.only(wanted).states) == wanted & set(cell.states)


def test_an_encoding_does_not_depend_on_the_order_of_states() -> None:
    one, other = Cell({"count:a": 1, "sum:b": 2}), Cell({"sum:b": 2, "count:a": 1})
    assert encode(one) == encode(other)
