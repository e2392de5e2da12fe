"""Insights: what an analysis found in a batch, each claim with the figures that it rests on.

An insight is stored with its job, pushed to viewers and read by people, so it is bounded: `encode` gives at most
`MAX_BYTES`, whatever a provider says. `Insight(...)`, `Claim(...)` and `Figure(...)` raise `InvalidInsight` for what
breaks a bound, so whatever exists is valid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tidemark.domain.errors import TidemarkError
from tidemark.domain.events import compact_json
from tidemark.domain.numeric import LARGEST

KINDS = ("change", "trend", "anomaly", "mover", "new_value", "vanished_value")
"""Of claims. `change`: otherwise than usual at this hour and weekday; `anomaly`: more so than chance explains; `trend`:
over the weeks; `mover`: a value with another share of its top list; `new_value`, `vanished_value`: of a top list."""

MAX_BYTES = 4096
"""Of an insight as compact JSON."""
MAX_CLAIMS = 8
MAX_FIGURES = 4
MAX_RECOMMENDATIONS = 4
MAX_SUMMARY_CHARACTERS = 400
MAX_TEXT_CHARACTERS = 240
MAX_NAME_CHARACTERS = 120
MAX_UNIT_CHARACTERS = 32

Number = int | float

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class InvalidInsight(TidemarkError):
    """An insight that breaks a bound; `field` says where."""

    code = "invalid_insight"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a claim rests on, and what it usually is (None where that is not known)."""

    name: str
    value: Number
    usual: Number | None
    unit: str

    def __post_init__(self) -> None:
        _text(self.name, "name", MAX_NAME_CHARACTERS)
        _number(self.value, "value")
        if self.usual is not None:
            _number(self.usual, "usual")
        _text(self.unit, "unit", MAX_UNIT_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that was found; `confidence` is the probability that it is so."""

    kind: str
    text: str
    confidence: float
    figures: tuple[Figure, ...]

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInsight(f"kind is one of {', '.join(KINDS)}", field="kind")
        _text(self.text, "text", MAX_TEXT_CHARACTERS)
        _probability(self.confidence)
        if not 1 <= len(self.figures) <= MAX_FIGURES:
            raise InvalidInsight(f"a claim cites 1 to {MAX_FIGURES} figures", field="figures")


@dataclass(frozen=True, slots=True)
class Insight:
    """What the analysis of a batch found.

    `confidence` is that of the summary. `provider` says who analysed (`statistical`, `bedrock`) and `model` with what.
    `first_event_at` and `last_event_at` (ISO) bound the batch's `events`.
    """

    summary: str
    confidence: float
    patterns: tuple[Claim, ...]
    recommendations: tuple[str, ...]
    provider: str
    model: str
    first_event_at: str
    last_event_at: str
    events: int

    def __post_init__(self) -> None:
        _text(self.summary, "summary", MAX_SUMMARY_CHARACTERS)
        _probability(self.confidence)
        if len(self.patterns) > MAX_CLAIMS:
            raise InvalidInsight(f"an insight has at most {MAX_CLAIMS} patterns", field="patterns")
        if len(self.recommendations) > MAX_RECOMMENDATIONS:
            raise InvalidInsight(f"an insight has at most {MAX_RECOMMENDATIONS}", field="recommendations")
        for recommendation in self.recommendations:
            _text(recommendation, "recommendations", MAX_TEXT_CHARACTERS)
        for field in ("provider", "model", "first_event_at", "last_event_at"):
            _text(getattr(self, field), field, MAX_NAME_CHARACTERS)
        if type(self.events) is not int or not 0 <= self.events <= LARGEST:
            raise InvalidInsight("events is a count", field="events")

    def fitting(self) -> Insight:
        """Return the insight within `MAX_BYTES`: the last patterns and then recommendations go where it has more."""
        insight = self
        while len(compact_json(to_json(insight))) > MAX_BYTES and (insight.patterns or insight.recommendations):
            if insight.patterns:
                insight = replace(insight, patterns=insight.patterns[:-1])
            else:
                insight = replace(insight, recommendations=insight.recommendations[:-1])
        return insight


def to_json(insight: Insight) -> dict[str, Any]:
    """Return the insight as it is stored and shown, for JSON."""
    return asdict(insight) | {
        "patterns": [asdict(claim) | {"figures": [asdict(f) for f in claim.figures]} for claim in insight.patterns],
        "recommendations": list(insight.recommendations),
    }


def from_json(raw: Any) -> Insight:
    """Return the insight that `to_json` gave; raises `InvalidInsight` for anything else."""
    fields = _object(raw, Insight)
    patterns = tuple(claim_from_json(item) for item in _list(fields["patterns"], "patterns"))
    recommendations = tuple(_list(fields["recommendations"], "recommendations"))
    return Insight(**{**fields, "patterns": patterns, "recommendations": recommendations})


def claim_from_json(raw: Any) -> Claim:
    """Return the claim of its JSON; raises `InvalidInsight`."""
    fields = _object(raw, Claim)
    figures = tuple(Figure(**_object(item, Figure)) for item in _list(fields["figures"], "figures"))
    return Claim(**{**fields, "figures": figures})


def encode(insight: Insight) -> bytes:
    """Return the insight as compact JSON of at most `MAX_BYTES`."""
    return compact_json(to_json(insight.fitting()))


def clean(text: str, limit: int = MAX_TEXT_CHARACTERS) -> str:
    """Return a text of events as one line of an insight: without control characters, cut with an ellipsis."""
    line = _CONTROL.sub(" ", text).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _object(raw: Any, form: type[Insight] | type[Claim] | type[Figure]) -> dict[str, Any]:
    names = form.__dataclass_fields__.keys()
    if not isinstance(raw, Mapping) or raw.keys() != names:
        raise InvalidInsight(f"{form.__name__.lower()} is an object of {', '.join(names)}", field=form.__name__.lower())
    return dict(raw)


def _list(raw: Any, field: str) -> Sequence[Any]:
    if not isinstance(raw, list):
        raise InvalidInsight(f"{field} is a list", field=field)
    return raw


def _text(value: Any, field: str, limit: int) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= limit or _CONTROL.search(value):
        raise InvalidInsight(f"{field} is a line of 1 to {limit} characters", field=field)


def _number(value: Any, field: str) -> None:
    if type(value) not in (int, float) or not math.isfinite(value) or abs(value) > LARGEST:
        raise InvalidInsight(f"{field} is a finite number within 2^53", field=field)


def _probability(value: Any) -> None:
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise InvalidInsight("confidence lies between 0 and 1", field="confidence")
