"""What `tidemark import` knows of a file before it sends any of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tidemark.services.ports import Workspace
from tidemark_cli.replay.plan import Timing, make_plan
from tidemark_cli.replay.source import Source
from tidemark_cli.replay.survey import Survey, ended_hours, survey
from tidemark_cli.workspaces import new_workspace

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
KOLKATA = new_workspace("acme", timezone="Asia/Kolkata", dashboards=["web"], retention_days=30, now=NOW)


def held(tmp_path: Path, lines: Sequence[str], skip_lines: int = 0) -> tuple[Survey, list[tuple[int, str]]]:
    path = tmp_path / "history.ndjson"
    path.write_text("\n".join(lines), "utf-8")
    told: list[tuple[int, str]] = []
    plan = make_plan(Source(path, path.name), Timing(required=True))
    found = survey(plan, KOLKATA, NOW, skip_lines, lambda line, code, _: told.append((line, code)), lambda _: None)
    return found, told


def native(instant: str) -> str:
    return json.dumps({"type": "page", "timestamp": instant})


def test_a_file_is_told_in_hours_of_the_workspace(tmp_path: Path) -> None:
    lines = [native("2015-05-17T10:40:00+02:00"), "{", native("2015-05-17T08:20:00Z"), native("2015-05-17T08:59:59.5Z")]
    found, told = held(tmp_path, lines)
    assert (found.lines, found.events, found.refused) == (4, 3, {"invalid_json": 1})
    assert told == [(2, "invalid_json")]
    assert (found.first, found.last) == (
        datetime(2015, 5, 17, 8, 20, tzinfo=UTC),
        datetime(2015, 5, 17, 8, 59, 59, 500_000, tzinfo=UTC),
    )
    assert found.hours == {"2015-05-17T07:30Z", "2015-05-17T08:30Z"}


def test_lines_that_are_done_are_not_told_again(tmp_path: Path) -> None:
    lines = ["{", native("2015-05-17T08:20:00Z"), "[]", native("2015-05-18T08:20:00Z")]
    found, told = held(tmp_path, lines, skip_lines=2)
    assert (found.lines, found.events, told) == (2, 1, [(3, "invalid_event")])
    assert found.hours == {"2015-05-18T07:30Z"}


class Known:
    """Cells of two shards an hour, as the log's ends say."""

    def __init__(self, ends: dict[tuple[str, int], int]) -> None:
        self.ends = ends

    def hours(self, workspace: str, first: str, last: str) -> list[str]:
        return sorted({hour for hour, _ in self.ends if first <= hour <= last})

    def log_ends(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return {key: self.ends[key] for key in keys if key in self.ends}


def test_an_hour_has_ended_when_a_shard_of_it_has() -> None:
    workspace: Workspace = replace(KOLKATA, shards=((0, 2),))
    hours = [f"2015-05-17T{hour:02d}:30Z" for hour in range(4)]
    seconds = int(NOW.timestamp())
    known = Known({(hours[0], 0): 2**53, (hours[0], 1): seconds, (hours[1], 0): seconds + 1, (hours[2], 1): 1})
    assert ended_hours({hours[0], hours[1], hours[3]}, workspace, known, known, NOW) == [hours[0]]
    assert ended_hours(set(), workspace, known, known, NOW) == []
