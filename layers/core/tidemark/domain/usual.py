"""What is usual in an hour, measure by measure, reduced from earlier hours to what fits a worker's memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidemark.domain import uniques
from tidemark.domain.cells import hashes_of, kind_of
from tidemark.domain.definitions import PERSONAL, Dashboard, Measure
from tidemark.domain.hour_grid import PastHour, Place
from tidemark.domain.numeric import MICRO
from tidemark.domain.usual_rates import Rate, rate_of
from tidemark.domain.usual_shares import Level, Share, Tail, Tops, level_of, share_of, tail_of, tops_of

RATED = frozenset({"count", "sum", "unique"})


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual, by identity; a ratio by those of its parts, a percentile with the percentage."""

    hours: int = 0
    weeks: int = 0
    rates: Mapping[str, Rate] = field(default_factory=dict)
    shares: Mapping[tuple[str, str], Share] = field(default_factory=dict)
    levels: Mapping[str, Level] = field(default_factory=dict)
    tails: Mapping[tuple[str, float], Tail] = field(default_factory=dict)
    tops: Mapping[str, Tops] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether it is known how much there is at this hour and weekday, so that nothing found means something."""
        return bool(self.rates)


def usual_of(dashboards: Iterable[Dashboard], past: Mapping[Place, PastHour | None]) -> Usual:
    """Return what is usual by the past hours (None for one without events); what they cannot say is left out."""
    rates: dict[str, Rate | None] = {}
    shares: dict[tuple[str, str], Share | None] = {}
    levels: dict[str, Level | None] = {}
    tails: dict[tuple[str, float], Tail | None] = {}
    tops: dict[str, Tops | None] = {}
    for dashboard in dashboards:
        for measure in dashboard.measures.values():
            identity = measure.identity
            if measure.kind in RATED and identity not in rates:
                rates[identity] = _rate(measure, _states(identity, past))
            elif measure.kind == "ratio" and (parts := parts_of(dashboard, measure)):
                shares[parts] = _share(_states(parts[0], past), _states(parts[1], past))
            elif measure.kind == "mean":
                levels[identity] = _level(_states(identity, past))
            elif measure.kind == "percentile":
                percentile = measure.options["percentile"]
                tails[identity, percentile] = tail_of(_states(identity, past).values(), percentile / 100)
            elif measure.kind == "top" and measure.field not in PERSONAL:
                tops[identity] = tops_of(_states(identity, past).values())
    weeks = sum(hour is not None for (column, _), hour in past.items() if column == 0)
    return Usual(len(past), weeks, _known(rates), _known(shares), _known(levels), _known(tails), _known(tops))


def parts_of(dashboard: Dashboard, ratio: Measure) -> tuple[str, str] | None:
    """Return the identities of a ratio's parts if the one counts some of the events that the other counts."""
    part, whole = (dashboard.measures[ratio.options[name]] for name in ("of", "over"))
    counts = part.kind == whole.kind == "count" and set(part.events) <= set(whole.events)
    return (part.identity, whole.identity) if counts and whole.where.items() <= part.where.items() else None


def amount(kind: str, state: Any) -> float:
    """Return how much a state of kind `count`, `sum` or `unique` is."""
    if kind == "unique":
        return float(uniques.count(state))
    return state / MICRO if kind == "sum" else float(state)


def _known(found: Mapping[Any, Any]) -> dict[Any, Any]:
    return {name: value for name, value in found.items() if value is not None}


def _states(identity: str, past: Mapping[Place, PastHour | None]) -> dict[Place, Any]:
    """Return a measure's states in the hours that know it; an hour without its events has that of none."""
    kind = kind_of(identity)
    (covered,) = hashes_of([identity])
    states: dict[Place, Any] = {}
    for place, hour in past.items():
        if hour is None:
            states[place] = kind.merge(())
        elif covered in hour.covers:
            states[place] = hour.cell.states.get(identity) if identity in hour.cell.states else kind.merge(())
    return states


def _rate(measure: Measure, states: Mapping[Place, Any]) -> Rate | None:
    # A sum may be negative, which is no amount; such hours are as good as empty.
    amounts = {place: max(0.0, amount(measure.kind, state)) for place, state in states.items()}
    return rate_of(amounts, counted=measure.kind != "sum")


def _share(parts: Mapping[Place, int], wholes: Mapping[Place, int]) -> Share | None:
    return share_of([(parts[place], whole) for place, whole in wholes.items() if place in parts])


def _level(states: Mapping[Place, tuple[int, int]]) -> Level | None:
    return level_of([(micro / MICRO / number, number) for micro, number in states.values() if number])
