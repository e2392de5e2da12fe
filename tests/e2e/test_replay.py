"""`tidemark import` and `replay` into the deployed stack: the counts are those of the file, whatever the order."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.paths import ROOT
from local.traffic import page_views
from tests.e2e.console import tidemark
from tests.e2e.tenant import Tenant, View, patiently

SAMPLE = ROOT.parent / "shared" / "data" / "web-access.ndjson.gz"
"""A real log that is not ours to publish: where it lies beside the clone, it is replayed as well."""
DAYS = [date(2015, 5, 17) + timedelta(days=number) for number in range(5)]
VIEW: View = {"dashboard": "web", "days": 5, "to": "2015-05-21"}
OUT_OF_ORDER = 200
"""How many lines a line may be late."""
SHUFFLED_BATCH = 800
"""Lines a request: shuffled, they fall into all the hours there are, and each hour of a request is a chunk."""


@dataclass(frozen=True)
class Expected:
    """What the view must show."""

    kpis: dict[str, int]
    visitors: int
    visitors_error: float
    """Relative; unique counts are exact while they are small."""
    tables: dict[str, dict[str, int]]


def generated() -> list[str]:
    """About 3,000 page views of five days, out of order, as a log is that several servers have written."""
    rng = random.Random(2)
    events = [event for day in DAYS for event in page_views(day)]
    late = {event["event_id"]: number + rng.uniform(0, OUT_OF_ORDER) for number, event in enumerate(events)}
    return [json.dumps(event) for event in sorted(events, key=lambda event: late[event["event_id"]])]


def counted(lines: list[str]) -> Expected:
    """Count the lines by plain means."""
    window = {day.isoformat() for day in DAYS}
    events = [event for event in map(json.loads, lines) if event["timestamp"][:10] in window]
    seen = [event["properties"] for event in events]
    return Expected(
        kpis={
            "pageviews": len(events),
            "bytes_sent": sum(properties["bytes"] for properties in seen),
            "errors": sum(properties["status"] >= 400 for properties in seen),
        },
        visitors=len({event["anonymous_id"] for event in events}),
        visitors_error=0.02,
        tables={
            "methods": Counter(properties["method"] for properties in seen),
            "status_codes": Counter(str(properties["status"]) for properties in seen),
            "pageviews_by_day": Counter(event["timestamp"][:10] for event in events),
        },
    )


def sample() -> list[str]:
    with gzip.open(SAMPLE, "rt", encoding="utf-8") as file:
        return [line for line in file.read().splitlines() if line.strip()]


def sample_counts(lines: list[str]) -> Expected:
    """The figures that are known of the real log, independently of this repository."""
    assert len(lines) == 9_999
    kpis = {"pageviews": 9_999, "bytes_sent": 2_747_282_505, "errors": 220}
    return Expected(kpis, visitors=1_861, visitors_error=0.02, tables={})


Case = tuple[Callable[[], list[str]], Callable[[list[str]], Expected]]
CASES: dict[str, Case] = {"generated": (generated, counted)}
if SAMPLE.exists():
    CASES["sample"] = (sample, sample_counts)


def by_day(lines: list[str]) -> dict[str, int]:
    """Count the page views of each day."""
    found = Counter(json.loads(line)["timestamp"][:10] for line in lines)
    return {day.isoformat(): found[day.isoformat()] for day in DAYS}


@pytest.mark.parametrize("case", CASES)
def test_an_import_counts_what_the_file_holds_and_a_replay_of_it_changes_nothing(
    tenant: Tenant, tmp_path: Path, case: str
) -> None:
    # GIVEN the lines as they are, and shuffled
    lines, count_lines = CASES[case]
    written = lines()
    expected = count_lines(written)
    file, shuffled = tmp_path / "views.ndjson.gz", tmp_path / "shuffled.ndjson"
    file.write_bytes(gzip.compress("\n".join(written).encode()))
    random.Random(3).shuffle(written)
    shuffled.write_text("\n".join(written), "utf-8")

    # WHEN they are imported
    send = ("--workspace", tenant.name)
    said = tidemark(tenant, "import", file, *send, cache=tmp_path)
    assert "[invalid" not in said
    tenant.drain()
    first = tenant.bootstrap(VIEW)

    # THEN the numbers are those of the file
    kpis = first.sections["kpis"]
    assert {name: kpis[name] for name in expected.kpis} == expected.kpis
    assert kpis["visitors"] == pytest.approx(expected.visitors, rel=expected.visitors_error)
    shown = {**first.sections["charts"], **first.sections["tabs.technology"]}
    assert {name: values_of(shown[name]) for name in expected.tables} == expected.tables

    # AND a second and a third time, out of order, make no difference
    for again, batch in ((file, 100), (shuffled, SHUFFLED_BATCH)):
        tidemark(tenant, "replay", again, *send, "--batch", str(batch), cache=tmp_path)
        tenant.drain()
        assert tenant.bootstrap(VIEW).checksums == first.checksums
    assert tenant.snapshot(days=5, to="2015-05-21")["checksums"] == first.checksums

    # AND its hours can be closed, like any: they are final, their days are cells, and nothing else is to be seen
    tidemark(tenant, "backfill", tenant.name, "--from", "2015-05-17", "--to", "2015-05-21")
    assert tenant.snapshot(days=5, to="2015-05-21")["checksums"] == first.checksums
    assert metrics(tenant) == by_day(written)


def metrics(tenant: Tenant) -> dict[str, int]:
    """The page views of each day by the query router, which must have read final day cells alone."""
    query = {"measures": "pageviews", "from": "2015-05-17", "to": "2015-05-21"}
    answer = patiently(lambda: tenant.get("metrics", **query))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert {row["state"] for row in body["rows"]} == {"final"}
    assert (body["sources"]["hour_cells"], body["sources"]["log_hours"]) == (0, 0)
    return {row["start"][:10]: row["values"]["pageviews"] for row in body["rows"]}


def values_of(entry: dict[str, Any]) -> dict[str, int]:
    """The values of a series or an exact top list, without those that are zero."""
    assert entry.get("error", 0) == 0
    rows = entry.get("rows") or entry.get("points") or {}
    return {name: row["value"] for name, row in rows.items() if row["value"]}
