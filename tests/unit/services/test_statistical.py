"""The statistical provider: what it says of a batch, and what it does not say."""

from __future__ import annotations

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from tests.support.usual import DASHBOARDS, FOLD, HOUR, Event, context, history, usual
from tidemark.domain.briefing import brief
from tidemark.domain.findings import Observed
from tidemark.domain.hour_grid import PastHour, hours_before
from tidemark.domain.insights import MAX_BYTES, encode, from_json
from tidemark.domain.usual import Usual
from tidemark.services.analysis_ports import BatchContext
from tidemark.services.statistical import StatisticalProvider

KNOWN = usual()
analyse = StatisticalProvider().analyse


def broken(event: Event, rng: random.Random) -> None:
    event["properties"] |= {"ms": event["properties"]["ms"] * 3, "path": "/new-page"}
    event["properties"]["status"] = 500 if rng.random() < 0.3 else 200


def test_a_batch_as_usual_is_calm_and_says_by_what() -> None:
    insight = analyse(context(known=KNOWN))
    assert insight.patterns == insight.recommendations == ()
    assert insight.summary == "100 events of the hour from 10:00: nothing unusual, by 41 earlier hours."
    assert insight.confidence > 0.5
    assert (insight.provider, insight.model, insight.events) == ("statistical", "statistical/1", 100)
    assert insight.first_event_at < insight.last_event_at


def test_everything_odd_is_claimed_with_figures_and_something_to_do() -> None:
    insight = analyse(context(700, broken, KNOWN))
    claimed = {(claim.kind, claim.figures[0].name) for claim in insight.patterns}
    assert {
        ("anomaly", "pageviews"),
        ("anomaly", "error_rate"),
        ("anomaly", "duration"),
        ("new_value", "top_paths /new-page"),
    } <= claimed
    for claim in insight.patterns:
        assert 0.5 <= claim.confidence <= 1
        assert claim.figures[0].usual is not None
        assert claim.text.endswith(".")
    assert insight.confidence == insight.patterns[0].confidence
    assert insight.patterns[0].text in insight.summary
    assert any("Error rate" in text for text in insight.recommendations)
    assert len(encode(insight)) <= MAX_BYTES
    assert analyse(context(700, broken, KNOWN)) == insight


def test_the_words_tell_the_figures() -> None:
    for number, compared in (
        (600, "{:.1f} times the usual"),
        (440, "{:.0%} more than usual"),
        (60, "{:.0%} less than usual"),
    ):
        claims = analyse(context(number, known=KNOWN)).patterns
        claim = next(claim for claim in claims if claim.figures[0].name == "pageviews")
        usually = claim.figures[0].usual
        assert usually is not None
        ratio = number / usually
        words = compared.format(ratio if ratio > 3 else abs(ratio - 1))
        assert claim.text == f"Page views: {number} in the hour from 10:00, {words} (about {usually:,})."


def test_where_there_are_hardly_any_the_words_name_no_multiple() -> None:
    known = usual(history(0))
    claim = next(claim for claim in analyse(context(60, known=known)).patterns if claim.figures[0].name == "pageviews")
    assert claim.text == "Page views: 60 in the hour from 10:00, usually less than 1."


def test_with_little_history_it_says_so_and_is_not_sure() -> None:
    for known in (Usual(), usual({}), usual(history(weeks=0)), usual(history(weeks=1))):
        insight = analyse(context(600, known=known))
        assert insight.patterns == ()
        assert "Too little history" in insight.summary
        assert insight.confidence <= 0.3


def test_one_event_is_a_batch_too() -> None:
    insight = analyse(context(1, known=KNOWN, elapsed=None))
    assert insight.events == 1
    assert insight.summary.startswith("1 event of")


VALUES = st.none() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15) | st.sampled_from(["", "a", "b\n"])
PROPERTIES = st.fixed_dictionaries({}, optional=dict.fromkeys(("status", "bytes", "path", "ms", "plan"), VALUES))
HOURS = st.dictionaries(st.sampled_from(list(hours_before(HOUR, "UTC").values())), st.lists(PROPERTIES, max_size=60))


@given(HOURS, st.lists(PROPERTIES, min_size=1, max_size=60), st.none() | st.floats(1e-6, 1), st.integers(1, 60))
def test_whatever_there_was_it_is_analysed_and_briefed(
    past: dict[str, list[Event]], seen: list[Event], elapsed: float | None, size: int
) -> None:
    known = usual({name: PastHour(FOLD(_events(found)), FOLD.covers) for name, found in past.items()})
    events = _events(seen)
    batch = events[:size]
    told = BatchContext("acme", "b", "UTC", HOUR, batch, DASHBOARDS, FOLD(batch), FOLD(events), elapsed, known)
    assert from_json(json.loads(encode(analyse(told)))).events == len(batch)
    briefing = brief(DASHBOARDS, known, Observed(told.cell, told.so_far, elapsed), len(batch), HOUR, "UTC")
    assert json.loads(briefing.prompt)["weeks_known"] == known.weeks


def _events(properties: list[Event]) -> list[Event]:
    fixed = {"type": "page", "timestamp": "2026-11-16T10:00:00.000Z", "anonymous_id": "a"}
    # Ten of each, so that little is enough for a history.
    return [
        fixed | {"event_id": f"{n}-{copy}", "properties": p} for n, p in enumerate(properties) for copy in range(10)
    ]
