"""The compiled fold: from events to a cell.

Measures are compiled once to a plan by event type. A chunk is folded column by column: each field is gathered once
for all measures of a type, by a list comprehension, and each kind reduces a whole column with the interpreter's own
loops (Counter, sum, set). So the cost per event is a few dictionary lookups, and nothing is dispatched per event but
its type.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from tidemark.domain.cells import Cell, hashes_of, kind_of
from tidemark.domain.definitions import Dashboard, Measure

Event = Mapping[str, Any]
Events = Sequence[Event]
Column = list[Any]
Condition = Callable[[Column], list[bool]]

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@dataclass(frozen=True, slots=True)
class _Step:
    """One measure over the events of one type."""

    identity: str
    field: str | None
    conditions: tuple[tuple[str, Condition], ...]
    missing: str | None
    dated: bool


class Fold:
    """The fold of all measures of some dashboards."""

    def __init__(self, dashboards: Iterable[Dashboard]) -> None:
        measures = {m.identity: m for dashboard in dashboards for m in dashboard.folded()}
        plan: dict[str, list[_Step]] = defaultdict(list)
        for measure in measures.values():
            for event_type in measure.events:
                plan[event_type].append(_step(measure))
        self._plan: Mapping[str, Sequence[_Step]] = dict(plan)
        self.identities: frozenset[str] = frozenset(measures)
        """The measures that it folds."""
        self.covers: frozenset[str] = hashes_of(measures)
        """What a stored cell of it covers."""

    def __call__(self, events: Events) -> Cell:
        """Return the cell of `events` (normalised events), in any order."""
        by_type: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            by_type[event["type"]].append(event)
        gathered: dict[str, list[Any]] = defaultdict(list)
        for event_type, same in by_type.items():
            steps = self._plan.get(event_type)
            if steps:
                for identity, state in _run(steps, same):
                    gathered[identity].append(state)
        return Cell({name: s[0] if len(s) == 1 else kind_of(name).merge(s) for name, s in gathered.items()})


def _run(steps: Sequence[_Step], events: list[Event]) -> Iterable[tuple[str, Any]]:
    columns: dict[str, Column] = {}

    def column(field: str) -> Column:
        if field not in columns:
            parent, _, name = field.rpartition(".")
            columns[field] = _gather(column(parent) if parent else events, name)
        return columns[field]

    for step in steps:
        values: Column = column(step.field) if step.field else events
        if step.missing is not None:
            values = [step.missing if value is None or value == "" else value for value in values]
        if step.dated:
            values = [
                (event["timestamp"], event["event_id"], value) for event, value in zip(events, values, strict=True)
            ]
        if step.conditions:
            masks = [condition(column(field)) for field, condition in step.conditions]
            values = list(compress(values, masks[0] if len(masks) == 1 else map(all, zip(*masks, strict=True))))
        yield step.identity, kind_of(step.identity).of(values)


def _gather(objects: Column, name: str) -> Column:
    """Return the values of a name, None where it is missing or where there is no object."""
    try:
        return [value.get(name) for value in objects]
    except AttributeError:  # rare: some event has something else in the object's place
        return [value.get(name) if isinstance(value, dict) else None for value in objects]


def _step(measure: Measure) -> _Step:
    conditions = tuple(
        (field, _condition(name, operand))
        for field, operators in measure.where.items()
        for name, operand in operators.items()
    )
    return _Step(measure.identity, measure.field, conditions, measure.missing, measure.kind == "last")


def _condition(name: str, operand: Any) -> Condition:
    """Return the test of a column; a value of another type than the operand's never passes, but for `ne`."""
    if name in _COMPARISONS:
        compare = _COMPARISONS[name]
        return lambda column: [(type(v) is int or type(v) is float) and compare(v, operand) for v in column]
    if name == "exists":
        return lambda column: [(v is not None) == operand for v in column]
    wanted = {(isinstance(item, bool), item) for item in (operand if name == "in" else [operand])}
    expected = name != "ne"
    return lambda column: [(_scalar(v) and (type(v) is bool, v) in wanted) == expected for v in column]


def _scalar(value: Any) -> bool:
    return type(value) in (str, int, float, bool)
