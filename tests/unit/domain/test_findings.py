"""What is found in an hour that is as usual but for one thing: that thing, with its figures."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.support.usual import DASHBOARDS, FOLD, HOUR, Change, Event, context, history, page_views, usual
from tidemark.domain.findings import Observed, findings
from tidemark.domain.hour_grid import COLUMNS, WEEKS, PastHour, hours_before, known_hours
from tidemark.domain.usual import Usual
from tidemark.domain.weighing import Finding

KNOWN = usual()


def found(
    number: int = 200, change: Change | None = None, known: Usual = KNOWN, elapsed: float | None = 1.0
) -> list[Finding]:
    seen = context(number, change, known, elapsed) if change else context(number, known=known, elapsed=elapsed)
    return findings(DASHBOARDS, known, Observed(seen.cell, seen.so_far, elapsed))


def named(found: list[Finding]) -> set[tuple[str, str, str | None]]:
    return {(finding.kind, finding.measure.name, finding.key) for finding in found}


def failing(event: Event, rng: random.Random) -> None:
    event["properties"]["status"] = 500 if rng.random() < 0.25 else 200


def slow(event: Event, rng: random.Random) -> None:
    event["properties"]["ms"] *= 2


def campaign(event: Event, rng: random.Random) -> None:
    if rng.random() < 0.2:
        event["properties"]["path"] = "/campaign"


def without_docs(event: Event, rng: random.Random) -> None:
    if event["properties"]["path"] == "/docs":
        event["properties"]["path"] = "/"


def test_an_hour_as_usual_has_nothing_odd() -> None:
    for seed in range(5):
        seen = context(seed=seed)
        assert named(findings(DASHBOARDS, KNOWN, Observed(seen.cell, seen.so_far, 1.0))) == set()


def test_three_times_as_much_is_odd_and_told_once() -> None:
    (surge,) = (finding for finding in found(600) if finding.measure.kind in ("count", "unique"))
    assert (surge.kind, surge.measure.name, surge.value) == ("anomaly", "pageviews", 600)
    assert surge.usual == pytest.approx(200, rel=0.1)
    assert surge.confidence > 0.9


def test_half_an_hour_with_half_as_much_is_as_usual_and_with_as_much_is_not() -> None:
    assert not named(found(100, elapsed=0.5))
    (surge,) = found(220, elapsed=0.5)[:1]
    assert (surge.measure.name, surge.kind) == ("pageviews", "anomaly")


def test_many_where_there_are_hardly_any_is_odd_and_a_few_or_none_are_not() -> None:
    one_in_six = {place: int(place == (0, 3)) for place in hours_before(HOUR, "UTC")}
    quiet = usual(history(one_in_six))
    for few in (1, 3):
        assert not named(found(few, known=quiet)) & {("anomaly", "pageviews", None), ("change", "pageviews", None)}
    for elapsed in (0.3, 1.0):
        (surge,) = (
            finding for finding in found(60, known=quiet, elapsed=elapsed) if finding.measure.name == "pageviews"
        )
        assert (surge.kind, surge.value) == ("anomaly", 60)
        assert surge.usual < 1
        assert surge.confidence > 0.9


def test_on_an_erratic_site_twice_as_much_is_nothing_and_a_hundred_times_is_odd() -> None:
    rng = random.Random(7)
    erratic = usual(history({place: round(rng.lognormvariate(2.6, 0.8)) for place in hours_before(HOUR, "UTC")}))
    assert max(rate.dispersion for rate in erratic.rates.values() if rate.counted) > 0.5
    seen = [("anomaly", "pageviews", None) in named(found(number, known=erratic)) for number in (7, 14, 28, 1400)]
    assert seen == [False, False, False, True]


def test_of_events_that_came_late_no_amount_is_odd() -> None:
    assert not named(found(10, elapsed=None))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (failing, {("anomaly", "error_rate", None), ("mover", "status_codes", "500")}),
        (slow, {("anomaly", "duration", None), ("anomaly", "p90", None)}),
        (campaign, {("new_value", "top_paths", "/campaign")}),
        (without_docs, {("vanished_value", "top_paths", "/docs")}),
    ],
)
def test_what_has_changed_is_found(change: Change, expected: set[tuple[str, str, str | None]]) -> None:
    said = found(200, change)
    assert expected <= named(said)
    assert all(
        finding.confidence > 0.9 for finding in said if (finding.kind, finding.measure.name, finding.key) in expected
    )


def test_a_trend_over_the_weeks_is_found_and_reckoned_with() -> None:
    growing = {place: round(200 * 1.08 ** -place[1]) for place in hours_before(HOUR, "UTC")}
    known = usual(history(growing))
    trend = next(finding for finding in found(200, known=known) if finding.kind == "trend")
    assert trend.change == pytest.approx(0.077, abs=0.03)
    assert not {"anomaly"} & {finding.kind for finding in found(200, known=known)}


def test_a_few_odd_hours_in_the_past_change_nothing() -> None:
    past = history()
    places = hours_before(HOUR, "UTC")
    for place in ((0, 2), (3, 1), (2, 5)):
        past[places[place]] = PastHour(FOLD(page_views(places[place], 2000, failing)), FOLD.covers)
    known = usual(past)
    assert named(found(200, known=known)) == set()
    assert ("anomaly", "pageviews", None) in named(found(600, known=known))


def test_what_is_not_known_is_not_said() -> None:
    for known in (usual({}), usual(history(weeks=0)), Usual()):
        assert not {finding.measure.name for finding in found(600, known=known)} & {"pageviews", "visitors", "errors"}
    assert named(found(600, campaign, known=usual({}))) == set()


def test_a_measure_that_was_declared_since_has_no_usual_yet() -> None:
    past = {name: replace(hour, covers=frozenset()) for name, hour in history().items()}
    assert usual(past).rates == {}
    assert named(found(600, failing, known=usual(past))) == set()


def test_no_id_of_a_person_is_found() -> None:
    def one_person(event: Event, rng: random.Random) -> None:
        event["user_id"] = "user-99999"

    assert not any(finding.measure.name == "top_users" for finding in found(200, one_person))


def test_the_hours_of_the_grid_are_those_of_the_clock_also_where_clocks_change() -> None:
    places = hours_before("2026-10-26T09:00Z", "Europe/Berlin")  # 10:00; the week before, 10:00 was 08:00Z
    assert len(places) == COLUMNS * (WEEKS + 1) - 1
    assert places[0, 1] == "2026-10-19T08:00Z"
    assert places[1, 0] == "2026-10-26T08:00Z"
    assert hours_before("2026-11-22T04:30Z", "Asia/Kolkata")[0, 1] == "2026-11-15T04:30Z"


def test_hours_without_events_count_from_the_first_hour_that_had_some() -> None:
    places = hours_before(HOUR, "UTC")
    hour = PastHour(FOLD(page_views(HOUR, 3)), FOLD.covers)
    known = known_hours(places, {places[0, 2]: hour})
    assert known[0, 2] is hour
    assert known[0, 1] is None
    assert (0, 3) not in known
