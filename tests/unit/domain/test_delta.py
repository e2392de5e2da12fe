"""Deltas lead exactly from one snapshot to the next, by the rules of RFC 7396."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import documents, json_values
from tidemark.domain.delta import apply, compose, diff

Document = dict[str, Any]


def checksum(value: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()


@st.composite
def related(draw: st.DrawFn) -> tuple[Document, Document]:
    """Two documents, the second made from the first by a few changes."""
    old = draw(documents)
    new = copy.deepcopy(old)
    for _ in range(draw(st.integers(0, 4))):
        target: Document = new
        while draw(st.booleans()) and (inner := [name for name in target if isinstance(target[name], dict)]):
            target = target[draw(st.sampled_from(inner))]
        if target and draw(st.booleans()):
            del target[draw(st.sampled_from(sorted(target)))]
        else:
            target[draw(st.sampled_from([*"abcd", *sorted(target)]))] = draw(json_values)
    return old, new


pairs = st.tuples(documents, documents) | related()


@given(pairs)
def test_a_patch_leads_from_the_old_snapshot_to_the_new(pair: tuple[Document, Document]) -> None:
    old, new = pair
    before = copy.deepcopy(old), copy.deepcopy(new)
    reached = apply(old, diff(old, new))
    assert reached == new
    assert checksum(reached) == checksum(new)
    assert json.loads(json.dumps(reached)) == json.loads(json.dumps(new))
    assert (old, new) == before


@given(pairs)
def test_a_patch_arrives_the_same_over_the_wire(pair: tuple[Document, Document]) -> None:
    old, new = pair
    patch = json.loads(json.dumps(diff(old, new)))
    assert checksum(apply(json.loads(json.dumps(old)), patch)) == checksum(new)


@given(documents)
def test_nothing_leads_from_a_snapshot_to_itself(document: Document) -> None:
    assert diff(document, copy.deepcopy(document)) == {}
    assert apply(document, {}) == document


@given(pairs)
def test_applying_a_patch_twice_is_applying_it_once(pair: tuple[Document, Document]) -> None:
    patch = diff(*pair)
    once = apply(pair[0], patch)
    assert checksum(apply(once, patch)) == checksum(once)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Document, Document, Document]:
    """Three documents, each made from the one before by a few changes."""
    old, middle = draw(related())
    new = copy.deepcopy(middle)
    for _ in range(draw(st.integers(0, 4))):
        target: Document = new
        while draw(st.booleans()) and (inner := [name for name in target if isinstance(target[name], dict)]):
            target = target[draw(st.sampled_from(inner))]
        target[draw(st.sampled_from([*"abcd", *sorted(target)]))] = draw(json_values)
    return old, middle, new


@given(st.tuples(documents, documents, documents) | histories())
def test_a_composed_patch_leads_where_both_lead_from_wherever_one_stands(
    history: tuple[Document, Document, Document],
) -> None:
    old, middle, new = history
    both = compose(diff(old, middle), diff(middle, new))
    if both is not None:
        for start in (old, middle, new):
            assert checksum(apply(start, both)) == checksum(new)


def test_patches_of_absolute_values_compose() -> None:
    first = {"kpis": {"pageviews": 5}, "charts": {"by_day": {"2026-11-22": 5}}}
    second = {"kpis": {"pageviews": 7, "errors": None}, "tabs": {"top": 1}}
    assert compose(first, second) == {
        "kpis": {"pageviews": 7, "errors": None},
        "charts": {"by_day": {"2026-11-22": 5}},
        "tabs": {"top": 1},
    }


@pytest.mark.parametrize("replaced", [None, 1, "text", [1]])
def test_what_no_merge_patch_can_say_does_not_compose(replaced: Any) -> None:
    """An object that follows something else must not keep what was there before that."""
    assert compose({"row": replaced}, {"row": {"value": 2}}) is None


@given(pairs)
def test_a_patch_holds_only_what_changed(pair: tuple[Document, Document]) -> None:
    """Without any one of its leaves it leads elsewhere."""
    old, new = pair
    patch = diff(old, new)
    for path in leaves(patch):
        assert repr(apply(old, without(patch, path))) != repr(apply(old, patch))


@pytest.mark.parametrize("one", [1, True, "1", 1.5, [1], [True], {"n": 1}, {"n": True}, [], {}, "", 0, False])
@pytest.mark.parametrize("other", [1, True, "1", 1.5, [1], [True], {"n": 1}, {"n": True}, [], {}, "", 0, False])
def test_a_change_of_type_is_a_change(one: Any, other: Any) -> None:
    old, new = {"a": one, "b": [one]}, {"a": other, "b": [other]}
    reached = apply(old, diff(old, new))
    assert repr(reached) == repr(new)
    assert (diff(old, new) == {}) == (json.dumps(one) == json.dumps(other))


def test_a_whole_float_and_an_integer_are_the_same_json() -> None:
    old, new = {"a": 1, "b": 1.0}, {"a": 1.0, "b": 1}
    assert checksum(apply(old, diff(old, new))) == checksum(new) == checksum(old)


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [  # RFC 7396, appendix A, where target or patch are no objects as the member of one
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": [1, 2]}, {"a": {"a": "b", "c": None}}, {"a": {"a": "b"}}),
        # section 3
        (
            {
                "title": "Goodbye!",
                "author": {"givenName": "John", "familyName": "Doe"},
                "tags": ["example", "sample"],
                "content": "This will be unchanged",
            },
            {
                "title": "Hello!",
                "phoneNumber": "+01-123-456-7890",
                "author": {"familyName": None},
                "tags": ["example"],
            },
            {
                "title": "Hello!",
                "author": {"givenName": "John"},
                "tags": ["example"],
                "content": "This will be unchanged",
                "phoneNumber": "+01-123-456-7890",
            },
        ),
    ],
)
def test_patches_are_applied_as_rfc_7396_says(document: Document, patch: Document, result: Document) -> None:
    assert apply(document, patch) == result


def leaves(patch: Document, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, value in patch.items():
        inner = leaves(value, (*path, name)) if isinstance(value, dict) else []
        found += inner or [(*path, name)]
    return found


def without(patch: Document, path: tuple[str, ...]) -> Document:
    """Return the patch without what stands at `path`, nor the objects that this leaves empty."""
    name, *rest = path
    if not rest:
        return {key: value for key, value in patch.items() if key != name}
    inner = without(patch[name], tuple(rest))
    return {key: inner if key == name else value for key, value in patch.items() if key != name or inner}
