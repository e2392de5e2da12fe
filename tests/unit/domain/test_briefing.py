"""What a model is told of a batch, and what is taken from its answer."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.support.usual import DASHBOARDS, HOUR, Change, Event, context, unchanged, usual
from tidemark.domain.answers import read_answer
from tidemark.domain.briefing import MAX_PROMPT_BYTES, UNPROVEN, Briefing, brief, may_be_told
from tidemark.domain.definitions import load
from tidemark.domain.errors import DefinitionError
from tidemark.domain.findings import Observed
from tidemark.domain.insights import InvalidInsight

KNOWN = usual()


def briefing(number: int = 600, change: Change = unchanged) -> Briefing:
    seen = context(number, change, KNOWN)
    return brief(DASHBOARDS, KNOWN, Observed(seen.cell, seen.so_far, 1.0), len(seen.events), HOUR, "UTC")


BRIEFING = briefing()


def figure(name: str) -> str:
    """Return the id under which a figure was given."""
    return next(key for key, given in BRIEFING.figures.items() if given.figure.name == name)


def answer(**changed: Any) -> dict[str, Any]:
    given = BRIEFING.figures[figure("pageviews")]
    text = f"Page views are at 600, where about {given.figure.usual} are usual: {given.change_percent:.0f}% more."
    pattern = {"kind": "anomaly", "text": text, "confidence": 0.99, "figures": [figure("pageviews")]}
    return {"summary": "Page views have tripled since 10:00.", "confidence": 0.9, "patterns": [pattern]} | {
        "recommendations": ["See where they come from."],
        **changed,
    }


def test_a_model_is_told_aggregates_and_no_person() -> None:
    told = json.loads(BRIEFING.prompt)
    assert told["events_in_batch"] == 100
    views = next(item for item in told["figures"] if item["measure"] == "Page views")
    assert (views["value"], views["found"], views["unit"]) == (600, "anomaly", "count")
    assert "Top plans: paid" in {item["measure"] for item in told["figures"]}
    for secret in ("user-", "anonymous", "@", "example.com", "acme", "/docs", "/prices", HOUR):
        assert secret not in BRIEFING.prompt


def test_no_value_of_an_event_is_told_but_those_of_public_top_lists() -> None:
    def marked(event: Event, rng: random.Random) -> None:
        event["properties"] |= {"path": "/marked", "mail": "marked", "referrer": "https://marked", "method": "MARKED"}
        event["user_id"] = event["anonymous_id"] = event["session_id"] = "marked"

    told = json.loads(briefing(200, marked).prompt)
    assert {item["measure"] for item in told["figures"] if "marked" in json.dumps(item).lower()} <= {"Methods: MARKED"}


@pytest.mark.parametrize(
    "value",
    [
        "a@example.com",
        "a%40b",
        "4111111111",
        "0f8fad5b-d9cd-469f-a165-70867728950e",
        "/x?user=1",
        "x" * 61,
        "",
        "Zm9vYmFyYmF6cXV1eGZvb2Jhcg",
    ],
)
def test_a_public_value_that_looks_like_a_person_is_not_told(value: str) -> None:
    assert not may_be_told(value)
    assert all(map(may_be_told, ("dark-mode", "404", "(none)")))


def test_only_top_lists_can_be_public_and_those_of_ids_cannot() -> None:
    lines = ["name: x", "measures:", "  n: {kind: count, events: [page]}", "kpis: [n]"]
    text = "\n".join([*lines[:3], "  m: {kind: KIND, events: [page], field: FIELD, public: true}", lines[3]])
    assert load(text.replace("KIND", "top").replace("FIELD", "properties.a"), "x").measures["m"].public
    for kind, field in (("top", "user_id"), ("top", "anonymous_id"), ("top", "session_id"), ("unique", "properties.a")):
        with pytest.raises(DefinitionError, match="public"):
            load(text.replace("KIND", kind).replace("FIELD", field), "x")


def test_a_prompt_is_bounded_and_what_is_odd_stays() -> None:
    seen = context(600, known=KNOWN)
    measures = [f"  m{place}: {{kind: count, title: {'long ' * 30}{place}, events: [page]}}" for place in range(100)]
    many = load("\n".join(["name: many", "measures:", *measures, "kpis: [m1]"]), "many.yaml")
    told = brief((*DASHBOARDS, many), KNOWN, Observed(seen.cell, seen.so_far, 1.0), 100, HOUR, "UTC")
    assert MAX_PROMPT_BYTES / 2 < len(told.prompt.encode()) <= MAX_PROMPT_BYTES
    assert told.figures["f1"].found == "anomaly"
    assert len(json.loads(told.prompt)["figures"]) == len(told.figures)


def test_a_valid_answer_is_taken_with_the_figures_that_it_cites() -> None:
    found = read_answer(answer(), BRIEFING)
    (claim,) = found.patterns
    assert claim.figures == (BRIEFING.figures[figure("pageviews")].figure,)
    assert claim.confidence == min(0.99, BRIEFING.figures[figure("pageviews")].confidence)
    assert found.confidence <= claim.confidence


def test_no_more_is_believed_than_the_statistics_bear_out() -> None:
    plain = {"kind": "change", "text": "The error rate is as ever.", "confidence": 1, "figures": [figure("error_rate")]}
    found = read_answer(answer(patterns=[plain], confidence=1), BRIEFING)
    assert found.patterns[0].confidence == found.confidence == UNPROVEN


@pytest.mark.parametrize(
    "text",
    ["It is 601 now.", "It rose by 7 today.", "There were 1,234,567 of them.", "0.5 of all.", "Since 11:00 it is odd."],
)
def test_a_number_that_was_not_given_makes_an_answer_invalid(text: str) -> None:
    pattern = answer()["patterns"][0]
    for changed in ({"summary": text}, {"recommendations": [text]}, {"patterns": [pattern | {"text": text}]}):
        with pytest.raises(InvalidInsight, match="cites"):
            read_answer(answer(**changed), BRIEFING)


def test_a_figure_that_is_not_cited_may_not_be_told_in_a_pattern() -> None:
    other = BRIEFING.figures[figure("bytes_sent")].figure
    pattern = answer()["patterns"][0] | {"text": f"Bytes are at {other.value}."}
    with pytest.raises(InvalidInsight, match="cites"):
        read_answer(answer(patterns=[pattern]), BRIEFING)
    cited = pattern | {"figures": [figure("pageviews"), figure("bytes_sent")]}
    assert read_answer(answer(patterns=[cited]), BRIEFING).patterns[0].figures[1] == other


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        "text",
        {},
        answer(extra=1),
        answer(patterns="none"),
        answer(patterns=[{}]),
        answer(patterns=[answer()["patterns"][0] | {"figures": ["f999"]}]),
        answer(patterns=[answer()["patterns"][0] | {"figures": [1]}]),
        answer(patterns=[answer()["patterns"][0] | {"figures": []}]),
        answer(patterns=[answer()["patterns"][0] | {"kind": "rumour"}]),
        answer(patterns=[answer()["patterns"][0] | {"kind": ["anomaly"]}]),
        answer(patterns=[answer()["patterns"][0] | {"confidence": 2}]),
        answer(patterns=[answer()["patterns"][0] | {"text": None}]),
        answer(patterns=[answer()["patterns"][0] | {"text": "x" * 241}]),
        answer(patterns=answer()["patterns"] * 9),
        answer(confidence="high"),
        answer(summary=3),
        answer(recommendations=[None]),
        answer(recommendations=["x"] * 5),
    ],
)
def test_an_answer_of_another_form_is_invalid(broken: Any) -> None:
    with pytest.raises(InvalidInsight):
        read_answer(broken, BRIEFING)
