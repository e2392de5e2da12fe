"""The laws that every kind of measure obeys, byte for byte as stored, and what each shows."""

from __future__ import annotations

import json
import random
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import LARGEST, few, partition, values
from tidemark.domain.kinds import KINDS, texts

OPTIONS = {"limit": 10, "percentile": 50}

each_kind = pytest.mark.parametrize("kind", sorted(KINDS))

columns = st.lists(few, max_size=12) | st.lists(values, max_size=12)
chances = st.randoms(use_true_random=False)


def column_of(kind: str, column: list[Any]) -> list[Any]:
    """Return the column as the fold gives it to a kind: `last` wants to know when. Few moments and ids, hence ties."""
    if kind != "last":
        return column
    return [(f"2026-11-22T10:0{n % 2}", f"e{n % 3}", value) for n, value in enumerate(column)]


def stored(kind: str, state: Any) -> str:
    return json.dumps(KINDS[kind].dump(KINDS[kind].compact(state)))


@each_kind
@given(columns, chances)
def test_a_column_folds_to_the_same_bytes_in_any_order_and_any_parts(
    kind: str, column: list[Any], chance: random.Random
) -> None:
    rows = column_of(kind, column)
    whole = stored(kind, KINDS[kind].of(rows))
    parts = partition(rows, chance)
    assert stored(kind, KINDS[kind].merge([KINDS[kind].of(part) for part in parts])) == whole
    folded = KINDS[kind].merge(())
    for part in parts:
        again = KINDS[kind].load(json.loads(stored(kind, folded)))
        folded = KINDS[kind].compact(KINDS[kind].merge((again, KINDS[kind].of(part))))
    assert stored(kind, folded) == whole


@each_kind
@given(columns, columns, columns)
def test_merging_is_associative_and_commutative_with_a_unit(
    kind: str, one: list[Any], two: list[Any], three: list[Any]
) -> None:
    merge, same = KINDS[kind].merge, partial(stored, kind)
    a, b, c = (KINDS[kind].of(column_of(kind, column)) for column in (one, two, three))
    assert same(merge((merge((a, b)), c))) == same(merge((a, merge((b, c))))) == same(merge((a, b, c)))
    assert same(merge((a, b))) == same(merge((b, a)))
    assert same(merge((a, merge(())))) == same(merge((merge(()), a))) == same(merge((a,))) == same(a)


@each_kind
@given(columns)
def test_a_state_survives_its_dump_and_is_compacted_once(kind: str, column: list[Any]) -> None:
    state = KINDS[kind].of(column_of(kind, column))
    assert KINDS[kind].load(json.loads(json.dumps(KINDS[kind].dump(state)))) == state
    assert KINDS[kind].unpack(KINDS[kind].pack(state)) == state
    bounded = KINDS[kind].compact(state)
    assert KINDS[kind].compact(bounded) == bounded
    assert KINDS[kind].value(bounded, OPTIONS) == KINDS[kind].value(state, OPTIONS)


@each_kind
@given(columns)
def test_what_is_shown_is_json_that_every_reader_keeps(kind: str, column: list[Any]) -> None:
    shown = KINDS[kind].value(KINDS[kind].of(column_of(kind, column)), OPTIONS)
    for value in leaves(shown):
        assert value is not None
        assert not isinstance(value, bool)
        assert isinstance(value, str) or abs(value) <= LARGEST
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown


@each_kind
def test_nothing_is_shown_as_zero(kind: str) -> None:
    shown = KINDS[kind].value(KINDS[kind].merge(()), OPTIONS)
    assert shown == ({"error": 0, "rows": {}} if kind == "top" else 0)
    assert KINDS[kind].value(KINDS[kind].of([]), OPTIONS) == shown


@pytest.mark.parametrize(
    ("kind", "column", "shown"),
    [
        ("count", [None, 1, "x", [], {}], 5),
        ("sum", [1, 2.5, "3", None, True, [4], 0.1], 3.6),
        ("sum", [0.1] * 10, 1),
        ("sum", [LARGEST] * 3, LARGEST),
        ("sum", [-LARGEST] * 3, -LARGEST),
        ("mean", [1, 2, "x", None, True, 4.5], 2.5),
        ("mean", [LARGEST] * 2_000, LARGEST),
        ("mean", [1, 1, 2], 1.3333),
        ("min", [3, -2.5, None, "-9", False], -2.5),
        ("max", [3, -2.5, None, "9", True], 3),
        ("max", [-3, -2], -2),
        ("unique", ["a", "a", 1, 1.0, "1", True, "true", None, "", [], {}], 4),
        ("unique", [-0.0, 0, 0.0, "0"], 1),
        ("percentile", [5] * 9 + [7, "x", None], 5.0),
        ("top", ["b", "a", "b", None, 404, 404.0, "404", True], {"404": 3, "b": 2, "a": 1, "true": 1}),
        ("top", [{}, [], None], {}),
        ("last", [1, "two", None], "two"),
        ("last", [1, 2.50004, True, [], {}], 2.5),
    ],
)
def test_what_each_kind_shows(kind: str, column: list[Any], shown: Any) -> None:
    dated = [(f"2026-11-22T10:{n:02}", "e", value) for n, value in enumerate(column)] if kind == "last" else column
    value = KINDS[kind].value(KINDS[kind].of(dated), OPTIONS)
    if kind == "top":
        assert list(value["rows"]) == list(shown)
        assert value["rows"] == {key: {"order": n, "value": shown[key]} for n, key in enumerate(shown)}
    elif kind == "percentile":
        assert value == pytest.approx(shown, rel=0.01)
    else:
        assert value == shown
        assert type(value) is type(shown)


@given(st.permutations([1, 1.0, "1", -0.0, 0, 0.0, 2]), chances)
def test_the_last_of_simultaneous_values_is_the_same_in_any_order(column: list[Any], chance: random.Random) -> None:
    rows = [("2026-11-22T10:00:00.000Z", "e", value) for value in column]
    merged = KINDS["last"].merge([KINDS["last"].of(part) for part in partition(rows, chance)])
    assert stored("last", merged) == '["2026-11-22T10:00:00.000Z", "e", 2]'


def test_the_last_value_is_that_of_the_latest_event_that_has_one() -> None:
    rows = [
        ("2026-11-22T10:00:01.000Z", "a", "earlier"),
        ("2026-11-22T10:00:02.000Z", "a", "same time, lesser id"),
        ("2026-11-22T10:00:02.000Z", "b", "latest"),
        ("2026-11-22T10:00:03.000Z", "c", None),
    ]
    assert KINDS["last"].value(KINDS["last"].of(rows), {}) == "latest"


@given(columns)
def test_text_is_what_a_person_would_write(column: list[Any]) -> None:
    scalars = [value for value in column if isinstance(value, str | int | float)]
    assert len(texts(column)) == len(scalars)
    assert texts([1, 1.0, True, False, "x", 2.5, -0.0, 10**15, 1e15]) == [
        "1",
        "1",
        "true",
        "false",
        "x",
        "2.5",
        "0",
        "1000000000000000",
        "1000000000000000",
    ]


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    return [value]
