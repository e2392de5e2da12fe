"""The kinds of measures: how the values of a column become a state, how states merge, what they show.

A kind obeys the laws on which everything stands: `merge` is associative and commutative, `merge(())` is its unit, the
state of a column is the merge of the states of its parts, and `load(dump(state)) == state`. `compact` bounds a state
before it is stored.
"""

from __future__ import annotations

import json
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from tidemark.domain import quantiles, toplists, uniques
from tidemark.domain.numeric import MICRO, bounded, canonical, from_micro, numeric, quotient, rounded, to_micro

Column = Sequence[Any]
"""The values of one field, one an event; None where it is missing."""


State = TypeVar("State")


class Kind(ABC, Generic[State]):
    """One kind of measure over the values of a column."""

    needs_field = True

    @abstractmethod
    def of(self, column: Column) -> State:
        """Return the state of the column's values."""

    @abstractmethod
    def merge(self, states: Iterable[State]) -> State:
        """Return the state of all values together."""

    @abstractmethod
    def value(self, state: State, options: Mapping[str, Any]) -> Any:
        """Return what a snapshot shows of the state."""

    def compact(self, state: State) -> State:
        """Return the state in its bounded form."""
        return state

    def dump(self, state: State) -> Any:
        """Return the state for JSON."""
        return state

    def load(self, raw: Any) -> State:
        """Return the state that `dump` wrote."""
        state: State = raw
        return state

    def pack(self, state: State) -> bytes:
        """Return the stored form of a state that stands by itself."""
        return zlib.compress(json.dumps(self.dump(state), separators=(",", ":"), ensure_ascii=False).encode())

    def unpack(self, blob: bytes) -> State:
        """Return the state that `pack` wrote."""
        return self.load(json.loads(zlib.decompress(blob)))


class Count(Kind[int]):
    """How many events."""

    needs_field = False

    def of(self, column: Column) -> int:
        return len(column)

    def merge(self, states: Iterable[int]) -> int:
        return sum(states)

    def value(self, state: int, options: Mapping[str, Any]) -> Any:
        return bounded(state)


class Sum(Kind[int]):
    """The sum of the numbers, in micro-units."""

    def of(self, column: Column) -> int:
        return to_micro(numeric(column))

    def merge(self, states: Iterable[int]) -> int:
        return sum(states)

    def value(self, state: int, options: Mapping[str, Any]) -> Any:
        return from_micro(state)


class Mean(Kind[tuple[int, int]]):
    """The mean of the numbers: (sum in micro-units, how many)."""

    def of(self, column: Column) -> tuple[int, int]:
        values = numeric(column)
        return to_micro(values), len(values)

    def merge(self, states: Iterable[tuple[int, int]]) -> tuple[int, int]:
        micro = number = 0
        for part_micro, part_number in states:
            micro += part_micro
            number += part_number
        return micro, number

    def value(self, state: tuple[int, int], options: Mapping[str, Any]) -> Any:
        return quotient(state[0], state[1] * MICRO)

    def load(self, raw: Any) -> tuple[int, int]:
        return raw[0], raw[1]


class Least(Kind[float | None]):
    """The smallest number; 0 is shown for none."""

    def of(self, column: Column) -> float | None:
        return min(map(canonical, numeric(column)), default=None)

    def merge(self, states: Iterable[float | None]) -> float | None:
        return min((state for state in states if state is not None), default=None)

    def value(self, state: float | None, options: Mapping[str, Any]) -> Any:
        return 0 if state is None else bounded(rounded(state))


class Greatest(Least):
    """The largest number; 0 is shown for none."""

    def of(self, column: Column) -> float | None:
        return max(map(canonical, numeric(column)), default=None)

    def merge(self, states: Iterable[float | None]) -> float | None:
        return max((state for state in states if state is not None), default=None)


class Unique(Kind[uniques.Uniques]):
    """How many distinct values."""

    def of(self, column: Column) -> uniques.Uniques:
        return uniques.of_values(set(texts(column)))

    def merge(self, states: Iterable[uniques.Uniques]) -> uniques.Uniques:
        return uniques.merge(states)

    def compact(self, state: uniques.Uniques) -> uniques.Uniques:
        return uniques.compact(state)

    def value(self, state: uniques.Uniques, options: Mapping[str, Any]) -> Any:
        return uniques.count(state)

    def dump(self, state: uniques.Uniques) -> Any:
        return uniques.dump(state)

    def load(self, raw: Any) -> uniques.Uniques:
        return uniques.load(raw)


class Percentile(Kind[quantiles.Buckets]):
    """The `percentile` of the numbers."""

    def of(self, column: Column) -> quantiles.Buckets:
        return quantiles.of_values(numeric(column))

    def merge(self, states: Iterable[quantiles.Buckets]) -> quantiles.Buckets:
        return quantiles.merge(states)

    def value(self, state: quantiles.Buckets, options: Mapping[str, Any]) -> Any:
        return rounded(quantiles.quantile(state, options["percentile"] / 100))

    def dump(self, state: quantiles.Buckets) -> Any:
        return sorted(state.items())

    def load(self, raw: Any) -> quantiles.Buckets:
        return dict(raw)


class Top(Kind[toplists.TopList]):
    """The most frequent values."""

    def of(self, column: Column) -> toplists.TopList:
        return toplists.of_values(texts(column))

    def merge(self, states: Iterable[toplists.TopList]) -> toplists.TopList:
        return toplists.merge(states)

    def compact(self, state: toplists.TopList) -> toplists.TopList:
        return toplists.compact(state)

    def value(self, state: toplists.TopList, options: Mapping[str, Any]) -> Any:
        ranked = enumerate(toplists.rows(state, options["limit"]))
        return {
            "error": bounded(state.error),
            "rows": {key: {"order": order, "value": bounded(number)} for order, (key, number) in ranked},
        }

    def dump(self, state: toplists.TopList) -> Any:
        return [dict(sorted(state.counts.items())), state.error]

    def load(self, raw: Any) -> toplists.TopList:
        return toplists.TopList(raw[0], raw[1])

    def pack(self, state: toplists.TopList) -> bytes:
        return toplists.pack(state)

    def unpack(self, blob: bytes) -> toplists.TopList:
        return toplists.unpack(blob)


class Last(Kind[tuple[str, str, Any] | None]):
    """The value of the latest event that has one: (timestamp, event id, value); 0 is shown for none."""

    def of(self, column: Column) -> tuple[str, str, Any] | None:
        return max((row for row in column if type(row[2]) in (int, float, str)), key=_latest, default=None)

    def merge(self, states: Iterable[tuple[str, str, Any] | None]) -> tuple[str, str, Any] | None:
        return max((state for state in states if state is not None), key=_latest, default=None)

    def value(self, state: tuple[str, str, Any] | None, options: Mapping[str, Any]) -> Any:
        if state is None:
            return 0
        return state[2] if isinstance(state[2], str) else bounded(rounded(state[2]))

    def load(self, raw: Any) -> tuple[str, str, Any] | None:
        return (raw[0], raw[1], raw[2]) if raw else None


KINDS: Mapping[str, Kind[Any]] = {
    "count": Count(),
    "sum": Sum(),
    "mean": Mean(),
    "min": Least(),
    "max": Greatest(),
    "unique": Unique(),
    "percentile": Percentile(),
    "top": Top(),
    "last": Last(),
}


def texts(column: Iterable[object]) -> list[str]:
    """Return the values of a column as text: strings, numbers and truth values; the rest is left out."""
    values = [value for value in column if value is not None]
    types = set(map(type, values))
    if types == {int}:
        return list(map(str, values))
    if types <= {str}:
        return values  # type: ignore[return-value]  # each is a str, as just seen; a cast would copy nothing but say less
    return [text for text in map(_text, values) if text is not None]


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if value == int(value) else repr(value)
    return None


def _latest(state: tuple[str, str, Any]) -> tuple[str, str, str]:
    """Order by time, then id, then, so that no tie is left to the order of merging, by the value's text."""
    return state[0], state[1], repr(state[2])
