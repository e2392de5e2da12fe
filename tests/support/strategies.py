"""What the laws of the algebra are tried on: values as JSON brings them, events, and ways to cut and order a list."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

Item = TypeVar("Item")

LARGEST = 2**53 - 1

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.1, 0.2, 0.3, 1e-7, 5e-7, -1e-300, float(LARGEST), LARGEST, -LARGEST]),
    st.integers(-LARGEST, LARGEST),
    st.floats(-LARGEST, LARGEST),
)
few = st.sampled_from(["", "a", "b", "1", "true", 1, 1.0, True, False, 0, -0.0, None, 2.5, [], [1], {}, {"a": 1}])
"""Few enough to come again and again, and to look alike: 1, 1.0, "1" and True."""
values = few | numbers | texts | st.lists(numbers, max_size=2)
"""Whatever may stand in a column."""

json_values = st.recursive(
    st.booleans() | numbers.map(lambda number: number + 0) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd") | texts, inner, max_size=4),
    max_leaves=12,
)
"""JSON without null."""
documents: st.SearchStrategy[dict[str, Any]] = st.dictionaries(st.sampled_from("abcd") | texts, json_values, max_size=5)


def event(event_id: str, timestamp: str, kind: str = "page", **fields: Any) -> dict[str, Any]:
    """Return a native event; `fields` are its properties, save the ids."""
    ids: dict[str, Any] = {
        name: fields.pop(name) for name in ("anonymous_id", "user_id", "session_id") if name in fields
    }
    return {"event_id": event_id, "type": kind, "timestamp": timestamp, **ids, "properties": fields}


def partition(items: Sequence[Item], chance: random.Random) -> list[list[Item]]:
    """Return the items in any order, cut anywhere; parts may be empty."""
    shuffled = chance.sample(items, len(items))
    cuts = sorted(chance.randint(0, len(items)) for _ in range(chance.randint(0, 4)))
    return [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(items)], strict=True)]
