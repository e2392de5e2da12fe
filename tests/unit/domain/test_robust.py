"""Robust statistics: what a few odd values do not move, and what little history leaves in doubt."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark.domain.robust import (
    even_count,
    even_share,
    median,
    normal_probability,
    posterior,
    spread,
    theil_sen,
    weighted_median,
)

NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(NUMBERS, min_size=1))
def test_the_median_is_that_of_the_standard_library_and_weighs_alike_with_equal_weights(values: list[float]) -> None:
    assert median(values) == pytest.approx(statistics.median(values))
    assert weighted_median([(value, 0.3) for value in values]) == pytest.approx(statistics.median(values))


def test_a_value_that_outweighs_the_others_is_the_median_and_one_without_weight_is_none() -> None:
    assert weighted_median([(1, 1), (2, 1), (9, 3)]) == 9
    assert weighted_median([(1, 0), (2, 1), (9, 0)]) == 2
    for values in ([], [(1.0, 0.0)]):
        with pytest.raises(ValueError, match="no median"):
            weighted_median(values)


def test_spread_and_slope_stand_odd_values() -> None:
    rng = random.Random(1)
    strays = [rng.gauss(0, 3) for _ in range(2000)]
    assert spread(strays) == pytest.approx(3, rel=0.1)
    assert spread([*strays, *[1e9] * 100]) == pytest.approx(3, rel=0.2)
    line = [(float(x), 2 * x + 1.0) for x in range(7)]
    assert theil_sen([*line[:-1], (6.0, 900.0)]) == pytest.approx(2)


@pytest.mark.parametrize("mean", [5, 50, 2000])
@pytest.mark.parametrize("dispersion", [0.0, 0.1, 0.4])
def test_counts_have_a_variance_of_one_on_the_even_scale(mean: float, dispersion: float) -> None:
    rng = random.Random(2)
    counts = []
    for _ in range(3000):
        rate = mean * (rng.gammavariate(1 / dispersion**2, dispersion**2) if dispersion else 1)
        counts.append(max(0.0, rng.gauss(rate, rate**0.5)) if rate > 30 else _poisson(rng, rate))
    assert statistics.pstdev(even_count(count, dispersion) for count in counts) == pytest.approx(1, abs=0.12)


def test_shares_have_a_known_variance_on_the_even_scale() -> None:
    rng = random.Random(3)
    found = [even_share(sum(rng.random() < 0.2 for _ in range(100)), 100) for _ in range(1000)]
    assert statistics.pstdev(found) == pytest.approx(1 / 20, rel=0.1)


@given(st.floats(0.001, 0.5), st.floats(1, 1000), st.floats(2, 30))
def test_the_odder_the_surer_and_without_information_nothing_is_learned(
    prior: float, information: float, freedom: float
) -> None:
    assert posterior(9, 0, prior, freedom, 1) == pytest.approx(prior)
    found = [posterior(deviation, information, prior, freedom, 1) for deviation in range(40)]
    assert found == sorted(found)
    assert found[0] < prior
    assert all(0 <= value <= 1 for value in found)
    assert posterior(-7, information, prior, freedom, 1) == found[7]


def test_little_history_is_not_convinced_by_what_much_history_is() -> None:
    sure, unsure = (posterior(6, 100, 0.02, freedom, 0.7) for freedom in (12, 2))
    assert sure > 0.9
    assert unsure < 0.5


def test_a_standard_normal_variable_is_below_its_quantiles() -> None:
    assert normal_probability(0) == 0.5
    assert normal_probability(1.959964) == pytest.approx(0.975, abs=1e-6)


def _poisson(rng: random.Random, mean: float) -> int:
    arrivals, at = 0, rng.expovariate(1)
    while at < mean:
        arrivals, at = arrivals + 1, at + rng.expovariate(1)
    return arrivals
