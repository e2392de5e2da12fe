"""The client that knows docs/protocol.md only writes JSON and merges patches as the system does."""

from __future__ import annotations

import math
from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.interop_client import canonical, merged
from tidemark.domain.delta import apply, diff

NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    NUMBERS | st.text() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
SECTIONS = st.dictionaries(
    st.sampled_from("ab"), st.dictionaries(st.sampled_from("xy"), st.integers(0, 2) | st.text(max_size=2))
)


@given(document=DOCUMENTS)
def test_its_canonical_form_is_that_of_rfc_8785(document: Any) -> None:
    assert canonical(document).encode() == rfc8785.dumps(document)


def test_it_writes_the_numbers_of_the_standard() -> None:
    """Appendix B of RFC 8785, and the limits of each form."""
    forms = {
        5e-324: "5e-324",
        1.7976931348623157e308: "1.7976931348623157e+308",
        9007199254740992.0: "9007199254740992",
        295147905179352830000.0: "295147905179352830000",
        1e21: "1e+21",
        1e20: "100000000000000000000",
        1e-6: "0.000001",
        1e-7: "1e-7",
        333333333.3333332: "333333333.3333332",
        -0.0: "0",
        math.pi: "3.141592653589793",
    }
    assert {value: canonical(value) for value in forms} == forms


@given(old=SECTIONS, new=SECTIONS)
def test_it_merges_patches_as_the_system_does(old: dict[str, Any], new: dict[str, Any]) -> None:
    patch = diff(old, new)
    assert merged(old, patch) == apply(old, patch) == new
