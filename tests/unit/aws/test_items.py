"""DynamoDB's typed values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.aws.items import decode, encode

values: st.SearchStrategy[Any] = st.recursive(
    st.text() | st.booleans() | st.integers(-(2**63), 2**63) | st.binary() | st.sets(st.text(), min_size=1),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), values))
def test_what_is_encoded_is_decoded(attributes: dict[str, Any]) -> None:
    assert decode(encode(attributes)) == attributes


def test_none_is_left_out_and_null_is_none() -> None:
    assert encode({"a": None, "b": ("x",), "c": frozenset({"y"})}) == {"b": {"L": [{"S": "x"}]}, "c": {"SS": ["y"]}}
    assert decode({"a": {"NULL": True}}) == {"a": None}


def test_what_has_no_type_is_an_error() -> None:
    with pytest.raises(TypeError):
        encode({"a": 0.5})
