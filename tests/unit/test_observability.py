"""Metrics as CloudWatch reads them out of the log, whatever the level of the log."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tidemark.domain.messages import Delivery
from tidemark.observability import DeliveryLog, audit, count


def written(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_metric_is_a_line_in_the_embedded_metric_format(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")
    count("Latency", 12.5, unit="Milliseconds", Step="connect")
    line = written(capsys)
    assert line["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "stack",
            "Dimensions": [["Step"]],
            "Metrics": [{"Name": "Latency", "Unit": "Milliseconds"}],
        }
    ]
    assert (line["Latency"], line["Step"]) == (12.5, "connect")
    instant = datetime.fromisoformat(line["timestamp"])
    assert abs(line["_aws"]["Timestamp"] - instant.timestamp() * 1000) < 2


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"])
def test_no_log_level_keeps_a_metric_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], level: str
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", level)
    count("Anything")
    line = written(capsys)
    assert line["level"] == "FATAL"  # Lambda's highest: its own filter drops what has a lower level than the function
    assert line["timestamp"].endswith("Z")  # without a valid one Lambda would take the line for INFO
    assert (line["Anything"], line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]) == (1, [[]])


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"])
def test_no_log_level_keeps_an_audit_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], level: str
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", level)
    audit("timeline read", workspace="demo", user=None, events=0)
    line = written(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line.pop("service")
    assert line == {"level": "FATAL", "message": "timeline read", "audit": True, "workspace": "demo", "events": 0}


def test_a_delivery_is_counted_by_where_it_went(capsys: pytest.CaptureFixture[str]) -> None:
    DeliveryLog().delivered(Delivery("thread", 2))
    line = written(capsys)
    assert (line["MessagesDelivered"], line["Delivery"]) == (1, "thread")
