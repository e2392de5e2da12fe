"""Insights in snapshots: what they show, that patches and checksums hold for them, how a dashboard asks for them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.support.insights import insight
from tests.support.shop import VALID, changed, read
from tidemark.domain.definitions import shipped
from tidemark.domain.delta import apply, diff
from tidemark.domain.errors import DefinitionError
from tidemark.domain.insight_section import MAX_PATTERNS, StoredInsight, section_of
from tidemark.domain.insights import Claim, Figure, InvalidInsight
from tidemark.domain.snapshot import checksum

ANALYSED_AT = 1795343400  # 2026-11-22T10:30:00Z
ID = "2026-11-22T10:00Z.00.000003"


def stored(insight_id: str = ID, **changes: Any) -> StoredInsight:
    return StoredInsight(insight_id, ANALYSED_AT, insight(**changes))


def test_an_insight_is_shown_with_its_figures_and_without_a_null() -> None:
    assert section_of([stored()]) == {
        ID: {
            "order": 1795342800000,
            "analysed_at": "2026-11-22T10:30:00Z",
            "first_event_at": "2026-11-22T10:00:00.000Z",
            "last_event_at": "2026-11-22T10:20:00.000Z",
            "events": 100,
            "provider": "statistical",
            "model": "statistical/1",
            "summary": "As usual.",
            "confidence": 1,
            "patterns": [
                {
                    "kind": "anomaly",
                    "text": "Four times as many errors as usual.",
                    "confidence": 0.93,
                    "figures": [
                        {"name": "errors", "value": 42, "usual": 10.5, "unit": "count"},
                        {"name": "error_rate", "value": 12, "unit": "percent"},
                    ],
                }
            ],
            "recommendations": ["Look at the pages that fail."],
        }
    }


def test_the_section_is_short_and_the_whole_insight_is_not() -> None:
    claims = tuple(Claim("trend", f"Number {n}", 0.5, (Figure("events", n, None, "count"),)) for n in range(8))
    one = stored(patterns=claims, recommendations=("a", "b", "c"))
    assert [claim["text"] for claim in section_of([one])[ID]["patterns"]] == [
        f"Number {n}" for n in range(MAX_PATTERNS)
    ]
    assert section_of([one])[ID]["recommendations"] == ["a", "b"]
    assert (len(one.as_dict()["patterns"]), one.as_dict()["recommendations"]) == (8, ["a", "b", "c"])


def test_a_delta_names_the_insight_that_came_and_the_one_that_went() -> None:
    ids = [f"2026-11-22T10:00Z.00.{number:06d}" for number in range(3)]
    old = {"insights": section_of(map(stored, ids[:2]))}
    again = stored(ids[1], summary="Analysed again.")
    new = {"insights": section_of([stored(ids[2]), again])}
    patch = diff(old, new)
    assert patch["insights"].keys() == set(ids)
    assert patch["insights"][ids[0]] is None
    assert patch["insights"][ids[1]] == {"summary": "Analysed again."}
    assert checksum(apply(old, json.loads(json.dumps(patch)))) == checksum(new)


def test_an_insight_without_a_time_is_none() -> None:
    with pytest.raises(InvalidInsight):
        stored(last_event_at="yesterday")


def test_a_dashboard_declares_how_many_it_shows() -> None:
    with_some = read({**VALID, "insights": 5})
    assert (with_some.insights, with_some.as_dict()["insights"]) == (5, 5)
    assert (read(VALID).insights, "insights" in read(VALID).as_dict()) == (0, False)
    assert {name for name, dashboard in shipped().items() if dashboard.insights} == {"web", "product"}


def test_what_a_dashboard_shows_of_insights_is_part_of_its_fingerprint() -> None:
    prints = {read(VALID).fingerprint, *(read({**VALID, "insights": count}).fingerprint for count in (1, 20))}
    assert len(prints) == 3
    assert replace(read({**VALID, "insights": 5}), insights=0).fingerprint == read(VALID).fingerprint


@pytest.mark.parametrize("count", [0, 21, -1, 1.5, True, "5", None, [5]])
def test_a_number_of_insights_that_does_not_hold_is_refused(count: Any) -> None:
    with pytest.raises(DefinitionError) as refused:
        read(changed("insights", count))
    assert refused.value.field == "insights"
