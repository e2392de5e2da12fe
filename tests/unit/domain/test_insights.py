"""Insights: whatever exists is valid and bounded, and comes back as it was stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.insights import (
    KINDS,
    MAX_BYTES,
    MAX_CLAIMS,
    Claim,
    Figure,
    Insight,
    InvalidInsight,
    clean,
    encode,
    from_json,
    to_json,
)

LINES = st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=120)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e9, 1e9, allow_nan=False)
SHARES = st.floats(0, 1)
FIGURES = st.builds(Figure, LINES, NUMBERS, st.none() | NUMBERS, LINES.map(lambda text: text[:32]))
CLAIMS = st.builds(Claim, st.sampled_from(KINDS), LINES, SHARES, st.lists(FIGURES, min_size=1, max_size=4).map(tuple))
INSIGHTS = st.builds(
    Insight,
    LINES,
    SHARES,
    st.lists(CLAIMS, max_size=MAX_CLAIMS).map(tuple),
    st.lists(LINES, max_size=4).map(tuple),
    LINES,
    LINES,
    LINES,
    LINES,
    st.integers(0, 1000),
)
CLAIM = {
    "kind": "change",
    "text": "More.",
    "confidence": 0.5,
    "figures": [{"name": "a", "value": 1, "usual": None, "unit": "count"}],
}
VALID: dict[str, Any] = {
    "summary": "As usual.",
    "confidence": 0.5,
    "patterns": [CLAIM],
    "recommendations": [],
    "provider": "statistical",
    "model": "statistical/1",
    "first_event_at": "2026-11-22T10:00:00.000Z",
    "last_event_at": "2026-11-22T10:01:00.000Z",
    "events": 3,
}


@given(INSIGHTS)
def test_an_insight_comes_back_as_it_was_and_fits_its_item(insight: Insight) -> None:
    assert from_json(json.loads(json.dumps(to_json(insight)))) == insight
    stored = encode(insight)
    assert len(stored) <= MAX_BYTES
    kept = from_json(json.loads(stored))
    assert insight.patterns[: len(kept.patterns)] == kept.patterns
    assert (kept.summary, kept.confidence, kept.events) == (insight.summary, insight.confidence, insight.events)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("summary", ""),
        ("summary", "x" * 401),
        ("summary", "two\nlines"),
        ("summary", 5),
        ("confidence", 1.01),
        ("confidence", float("nan")),
        ("confidence", True),
        ("confidence", "high"),
        ("patterns", {}),
        ("patterns", [CLAIM] * (MAX_CLAIMS + 1)),
        ("patterns", [CLAIM | {"kind": "guess"}]),
        ("patterns", [CLAIM | {"figures": []}]),
        ("patterns", [CLAIM | {"figures": CLAIM["figures"] * 5}]),
        ("patterns", [CLAIM | {"why": "because"}]),
        ("patterns", [CLAIM | {"figures": [{"name": "a", "value": float("inf"), "usual": None, "unit": "count"}]}]),
        ("patterns", [CLAIM | {"figures": [{"name": "a", "value": 1, "usual": "2", "unit": "count"}]}]),
        ("recommendations", ["x"] * 5),
        ("recommendations", [""]),
        ("events", -1),
        ("events", 1.5),
        ("provider", None),
    ],
)
def test_what_breaks_a_bound_is_no_insight(field: str, value: Any) -> None:
    assert from_json(VALID).events == 3
    with pytest.raises(InvalidInsight):
        from_json(VALID | {field: value})
    with pytest.raises(InvalidInsight):
        from_json({name: kept for name, kept in VALID.items() if name != field})


@given(st.text(max_size=300), st.integers(1, 240))
def test_any_text_can_be_cleaned_for_an_insight(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    if cleaned:
        Figure(cleaned[:120], 1, None, "count")
