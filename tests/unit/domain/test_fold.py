"""The compiled fold, against a fold that goes event by event as the definition reads."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import event, few, partition, values
from tidemark.domain.cells import Cell, compact, decode, encode, merge
from tidemark.domain.definitions import Dashboard, load, shipped
from tidemark.domain.fold import Fold
from tidemark.domain.kinds import KINDS

EVERY_KIND = load(
    """
name: every_kind
measures:
  events: {kind: count, events: [a, b]}
  total: {kind: sum, events: [a, b], field: properties.n}
  average: {kind: mean, events: [b], field: properties.n}
  least: {kind: min, events: [a], field: properties.n}
  most: {kind: max, events: [a], field: properties.n}
  people: {kind: unique, events: [a, b], field: user_id}
  named: {kind: unique, events: [a], field: properties.deep.er.name, missing: nobody}
  median: {kind: percentile, percentile: 50, events: [a], field: properties.n}
  latest: {kind: last, events: [a, b], field: properties.n}
  types: {kind: top, events: [a, b], field: type}
  names: {kind: top, events: [a, b], field: properties.deep.er.name, missing: (none)}
  equal: {kind: count, events: [a], where: {properties.n: 1}}
  equal_text: {kind: count, events: [a], where: {properties.n: "1"}}
  equal_truth: {kind: count, events: [a], where: {properties.n: {eq: true}}}
  unequal: {kind: count, events: [a], where: {properties.n: {ne: 1}}}
  among: {kind: sum, events: [a], field: properties.n, where: {properties.n: {in: [1, 2.5, "b", false]}}}
  between: {kind: count, events: [a, b], where: {properties.n: {gte: -1, lt: 2.5}, user_id: {exists: true}}}
  beyond: {kind: unique, events: [a], field: user_id, where: {properties.n: {gt: 0, lte: 1}}}
  absent: {kind: count, events: [a], where: {properties.deep.er.name: {exists: false}}}
kpis: [events]
""",
    "every_kind.yaml",
)

inner = few | st.fixed_dictionaries({}, optional={"er": few | st.fixed_dictionaries({"name": few})})
events = st.lists(
    st.builds(
        lambda number, kind, second, user, fields: (
            event(f"e{number}", f"2026-11-22T10:00:0{second}.000Z", kind, **fields) | user
        ),
        st.integers(0, 10**9),
        st.sampled_from(["a", "b", "other"]),
        st.integers(0, 3),
        st.fixed_dictionaries({}, optional={"user_id": st.sampled_from("xyz")}),
        st.fixed_dictionaries({}, optional={"n": few | values, "deep": inner}),
    ),
    max_size=25,
    unique_by=lambda found: found["event_id"],
)
fold = Fold([EVERY_KIND])


@given(events, st.randoms(use_true_random=False))
def test_any_partition_in_any_order_folds_to_the_same_bytes(found: list[dict[str, Any]], chance: random.Random) -> None:
    whole = encode(compact(fold(found)))
    parts = [fold(part) for part in partition(found, chance)]
    assert encode(compact(merge(parts))) == whole
    stored = Cell()
    for part in parts:
        stored = decode(encode(compact(merge((stored, part)))))
    assert encode(stored) == whole


@given(events)
def test_the_fold_is_what_the_definition_says_event_by_event(found: list[dict[str, Any]]) -> None:
    assert encode(compact(fold(found))) == encode(compact(merge(by_hand(EVERY_KIND, one) for one in found)))


def test_any_partition_is_the_same_beyond_the_exact_limit_of_uniques_and_at_the_capacity_of_top_lists() -> None:
    views = [
        event(f"e{n}", "2026-11-22T10:00:00.000Z", anonymous_id=f"v{n % 900}", path=f"/{n % 400}", status=200)
        for n in range(1_500)
    ]
    web = Fold([shipped()["web"]])
    whole = encode(compact(web(views)))
    for seed in range(5):
        stored = Cell()
        for part in partition(views, random.Random(seed)):
            stored = decode(encode(compact(merge((stored, web(part))))))
        assert encode(stored) == whole


@pytest.mark.parametrize(
    ("operators", "passing"),
    [
        ("1", [1, 1.0]),
        ('"1"', ["1"]),
        ("{eq: true}", [True]),
        ("{eq: 0}", [0, -0.0]),
        ('{eq: ""}', [""]),
        ("{ne: 1}", [0, -0.0, "1", "", "b", True, False, 2.5, None, [], [1], {}]),
        ("{in: [1, true, b]}", [1, 1.0, True, "b"]),
        ("{gt: 0}", [1, 1.0, 2.5]),
        ("{gte: 0}", [0, -0.0, 1, 1.0, 2.5]),
        ("{lt: 1}", [0, -0.0]),
        ("{lte: 1}", [0, -0.0, 1, 1.0]),
        ("{exists: true}", [0, -0.0, 1, 1.0, "1", "", "b", True, False, 2.5, [], [1], {}]),
        ("{exists: false}", [None]),
        ("{gt: 0, lt: 2}", [1, 1.0]),
    ],
)
def test_conditions_pass_values_of_their_own_type_alone(operators: str, passing: list[Any]) -> None:
    text = f"name: d\nmeasures: {{m: {{kind: count, events: [a], where: {{properties.n: {operators}}}}}}}\nkpis: [m]"
    dashboard = load(text, "d.yaml")
    every = [0, -0.0, 1, 1.0, "1", "", "b", True, False, 2.5, None, [], [1], {}]
    found = [v for v in every if any(Fold([dashboard])([event("e", "t", "a", n=v)]).states.values())]
    assert list(map(repr, found)) == list(map(repr, [v for v in every if repr(v) in map(repr, passing)]))
    assert len(found) == len(passing)


def test_events_of_other_types_leave_no_trace() -> None:
    assert fold([event("e", "2026-11-22T10:00:00.000Z", "other", n=1)]) == Cell()
    assert fold([]) == Cell()


def test_measures_that_mean_the_same_are_folded_once() -> None:
    both = Fold([EVERY_KIND, EVERY_KIND])
    found = [event("e", "2026-11-22T10:00:00.000Z", "a", n=1)]
    assert encode(both(found)) == encode(fold(found))


def by_hand(dashboard: Dashboard, found: dict[str, Any]) -> Cell:
    """Return the cell of one event, read from the definition without any plan or column."""
    states = {}
    for measure in dashboard.folded():
        if found["type"] not in measure.events:
            continue
        value = look_up(found, measure.field) if measure.field else found
        if measure.missing is not None and value in (None, ""):
            value = measure.missing
        passes = all(
            holds(operator, look_up(found, field), operand)
            for field, operators in measure.where.items()
            for operator, operand in operators.items()
        )
        row = (found["timestamp"], found["event_id"], value) if measure.kind == "last" else value
        states[measure.identity] = KINDS[measure.kind].of([row] if passes else [])
    return Cell(states)


def look_up(found: dict[str, Any], field: str) -> Any:
    value: Any = found
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def holds(operator: str, value: Any, operand: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match operator:
        case "eq":
            return alike(value, operand)
        case "ne":
            return not alike(value, operand)
        case "in":
            return any(alike(value, item) for item in operand)
        case "exists":
            return (value is not None) == operand
        case "gt":
            return number and value > operand
        case "gte":
            return number and value >= operand
        case "lt":
            return number and value < operand
        case _:
            return number and value <= operand


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return isinstance(one, str | int | float) and bool(one == other)
