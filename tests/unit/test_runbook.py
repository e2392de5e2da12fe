"""docs/operations.md says what to do about every alarm, and the dashboard shows what there is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.template import RESOURCES, ROOT, TEMPLATE, of_type
from tidemark_cli.command_table import Commands

ALARMS = of_type("AWS::CloudWatch::Alarm")
RUNBOOK = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
each_alarm = pytest.mark.parametrize("name", sorted(ALARMS))


def entries() -> dict[str, tuple[str, str]]:
    """Return the severity and the steps of every alarm of the runbook; one that stands there twice is a mistake."""
    section = RUNBOOK.split("## When an alarm rings")[1].split("\n## ")[0]
    found: dict[str, tuple[str, str]] = {}
    for row in re.findall(r"^\| (`\w+Alarm`.*?) \| (\w+) \| (.*) \|$", section, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", row[0]):
            assert name not in found
            found[name] = row[1], row[2]
    return found


@each_alarm
def test_the_runbook_has_the_first_three_steps_of_an_alarm(name: str) -> None:
    severity, steps = entries()[name]
    assert ALARMS[name]["AlarmDescription"].startswith(f"{severity}. ")
    numbered = re.findall(r"(?:^| )([1-9])\. (\S)", steps)
    assert [number for number, _ in numbered] == ["1", "2", "3"]


def test_the_runbook_has_no_alarm_that_is_gone() -> None:
    assert entries().keys() == ALARMS.keys()


def test_the_runbook_names_only_what_there_is() -> None:
    named = set(re.findall(r"`(\w+(?:Function|Queue|Alarm))`", RUNBOOK))
    assert named <= RESOURCES.keys()


def test_the_runbook_names_only_commands_that_there_are() -> None:
    written = set(re.findall(r"tidemark (?:--stack \w+ )?([a-z]+(?:-[a-z]+)*)", RUNBOOK))
    assert {"backfill", "rollup"} <= written
    assert written <= {*Commands(), "tidemark"}


def dashboard() -> Any:
    (declared,) = of_type("AWS::CloudWatch::Dashboard").values()
    return json.loads(re.sub(r"\$\{[^}]+\}", lambda found: found[0].strip("${}"), declared["DashboardBody"]["Fn::Sub"]))


def test_the_dashboard_has_widgets_that_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in dashboard()["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells


def test_the_dashboard_shows_metrics_that_are_published() -> None:
    own = [
        metric
        for widget in dashboard()["widgets"]
        for metric in widget["properties"].get("metrics", [])
        if metric[0] == "AWS::StackName"
    ]
    source = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("functions", "layers/core/tidemark")
        for path in (ROOT / folder).rglob("*.py")
    )
    assert len(own) > 5
    for metric in own:
        assert f'"{metric[1]}"' in source
        if len(metric) > 3:  # a dimension, as `count` is given it
            assert f"{metric[2]}=" in source


def test_what_the_dashboard_names_is_in_the_template() -> None:
    (declared,) = of_type("AWS::CloudWatch::Dashboard").values()
    named = {name.partition(".")[0] for name in re.findall(r"\$\{(\w+[^:}]*)\}", declared["DashboardBody"]["Fn::Sub"])}
    assert {name for name in named if not name.startswith("AWS")} <= RESOURCES.keys()
    unconditional = {name for name in named if RESOURCES.get(name, {}).get("Condition")}
    assert unconditional == set()
    assert TEMPLATE["Resources"]["OperationsDashboard"]["Properties"]["DashboardName"]
