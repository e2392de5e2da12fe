"""The arithmetic behind the cost ledger: sizes, units and their rounding, prices."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from itertools import islice

import pytest

from benchmarks.support import units
from benchmarks.support.prices import PRICES, add, dollars, total
from benchmarks.support.slope import fit
from benchmarks.support.traffic import page_views
from tests.template import ROOT


def test_an_item_is_as_large_as_its_names_and_values() -> None:
    item = {"pk": {"S": "é"}, "n": {"N": "-120"}, "b": {"B": b"12345"}, "set": {"SS": ["ab", "c"]}}
    assert units.item_bytes(item) == (2 + 2) + (1 + 3) + (1 + 5) + (3 + 3)


def test_lists_and_maps_cost_three_bytes_and_one_an_element() -> None:
    assert units.item_bytes({"l": {"L": [{"S": "ab"}, {"BOOL": True}]}}) == 1 + 3 + (1 + 2) + (1 + 1)
    assert units.item_bytes({"m": {"M": {"ab": {"S": "c"}}}}) == 1 + 3 + (1 + 2 + 1)


def test_an_unknown_type_has_no_size() -> None:
    with pytest.raises(ValueError, match="NS"):
        units.item_bytes({"x": {"NS": ["1"]}})


@pytest.mark.parametrize(("size", "expected"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (7000, 7)])
def test_writes_are_rounded_up_to_kilobytes_and_never_free(size: int, expected: int) -> None:
    assert units.write_units(size) == expected
    assert units.write_units(size, transactional=True) == 2 * expected


def test_a_write_is_billed_by_the_larger_of_before_and_after() -> None:
    assert units.write_units(100, previous_size=3000) == 3
    assert units.write_units(3000, previous_size=100) == 3


def test_single_reads_round_up_each_and_a_query_once() -> None:
    assert units.read_units([100, 4096, 4097], consistent=True) == 1 + 1 + 2
    assert units.read_units([100, 4096, 4097], consistent=False) == 2
    assert units.query_units([100, 4096, 4097], consistent=True) == 3
    assert units.query_units([], consistent=False) == 0.5


@pytest.mark.parametrize(("size", "expected"), [(0, 1), (32 * 1024, 1), (32 * 1024 + 1, 2)])
def test_messages_count_by_blocks(size: int, expected: int) -> None:
    assert units.blocks(size, units.MESSAGE_BYTES) == expected


def test_less_memory_stretches_computing_but_not_waiting() -> None:
    assert units.billed_seconds(0.010, 0.005, 1769) == 0.015
    assert units.billed_seconds(0.010, 0.005, 3538) == 0.015
    assert units.billed_seconds(0.010, 0.0, 512) == 0.035  # 34.55 ms, billed by the whole millisecond
    assert units.gb_seconds(0.035, 512) == pytest.approx(0.0175)


def test_a_million_one_kilobyte_writes_and_reads_cost_what_the_price_list_says() -> None:
    million = 1_000_000
    use = {("DynamoDB writes", "t"): million * units.write_units(1000)}
    assert total(use) == pytest.approx(0.625)
    assert total({("DynamoDB reads", "t"): million * units.read_units([1000], consistent=True)}) == pytest.approx(0.125)
    assert total({("Lambda time", "f"): 1.0}) == pytest.approx(0.0000133334)


def test_use_adds_up_by_line_and_purpose() -> None:
    use = {("HTTP API", "requests"): 1.0}
    add(use, {("HTTP API", "requests"): 2.0, ("Transfer out", "responses"): 100.0}, times=3)
    assert use == {("HTTP API", "requests"): 7.0, ("Transfer out", "responses"): 300.0}
    assert dollars(use)["HTTP API", "requests"] == pytest.approx(7e-6)


def test_every_price_names_its_source() -> None:
    for name, price in PRICES.items():
        assert price.dollars > 0, name
        assert price.official.startswith("https://aws.amazon.com/"), name
        assert price.seen.startswith("https://"), name


def test_the_traffic_is_the_same_every_time() -> None:
    start = datetime(2026, 11, 18, 10, tzinfo=UTC)
    once, again = (list(islice(page_views(start, 100), 500)) for _ in range(2))
    assert once == again
    assert len({event["event_id"] for event in once}) == len(once)
    assert once[100]["timestamp"] == "2026-11-18T10:00:01.000Z"


def test_a_benchmark_ends_with_a_line_of_json() -> None:
    code = "from benchmarks import fold as f; f.EVENTS, f.ROUNDS, f.SIZES = 200, 1, (100,); f.main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["benchmark"] == "fold"
    assert figures["batches"]["100"]["compiled_to_by_hand"] > 0


def test_memory_is_flat_within_its_noise_and_explained_only_by_a_cache_that_is_large_enough() -> None:
    noise = [(minute / 2, 50_000 + 40 * (-1) ** minute) for minute in range(60)]
    assert fit(noise).verdict(0) == "flat"
    growing = [(minute, value + 13 * minute) for minute, value in noise]
    line = fit(growing)
    assert line.minutes == 29.5
    assert line.slope == pytest.approx(13, abs=line.spread)
    assert 0 < line.spread < 2
    assert line.verdict(0) == "GROWS"
    assert line.verdict(29.5 * 13) == "GROWS"  # the interval's upper end is above
    assert line.verdict(29.5 * 15) == "cache"
    assert fit(growing[:2]).verdict(0) == "unknown"
