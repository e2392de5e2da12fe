"""What the health check keeps, and what it asks: the report of the last run, and one thing of every dependency."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import patch

import pytest

from tidemark.aws import clients
from tidemark.aws.health import AwsProbes, DynamoReports, RecentReports
from tidemark.aws.items import decode
from tidemark.domain.health import STEPS, Report, Run, Step


def report_at(started_at: int) -> Report:
    steps = (Step("workspace", 12), Step("token", 3, "unavailable"), Step("ticket", skipped=True))
    run = Run(started_at, 300, 1234, steps)
    return Report(run).followed_by(run)


def test_a_report_is_read_as_it_was_stored_and_an_older_run_does_not_replace_it(tables: SimpleNamespace) -> None:
    reports = DynamoReports(tables.directory)
    assert reports.last() is None
    reports.store(report_at(2_000))
    assert reports.last() == report_at(2_000)
    reports.store(report_at(1_000))
    assert reports.last() == report_at(2_000)
    reports.store(report_at(3_000))
    assert reports.last() == report_at(3_000)


def test_reports_are_read_once_in_a_few_seconds(tables: SimpleNamespace) -> None:
    stored = DynamoReports(tables.directory)
    recent = RecentReports(stored)
    recent.store(report_at(1_000))
    assert recent.last() == report_at(1_000)
    stored.store(report_at(2_000))
    assert recent.last() == report_at(1_000)


def test_the_report_of_another_version_is_none(tables: SimpleNamespace) -> None:
    steps = (Step("workspace", 12),)
    with patch.dict(STEPS, {"gone": "store"}):
        DynamoReports(tables.directory).store(Report(Run(1, 300, 1, (*steps, Step("gone")))))
    assert DynamoReports(tables.directory).last() is None


def test_probes_find_what_is_not_there_and_write_nothing(tables: SimpleNamespace) -> None:
    names = ("events", "cells", "snapshots", "connections", "directory")
    probes = AwsProbes({name: getattr(tables, name) for name in names}, tables.token_secret)
    assert probes.names() == ("secret", *names)
    for name in probes.names():
        probes.ask(name)
    for name in names:
        found = clients.dynamodb().scan(TableName=getattr(tables, name))
        assert [decode(item) for item in found["Items"]] == []
    broken = AwsProbes(dict.fromkeys(names, "no-such-table"), "no-such-secret")
    for name in broken.names():
        with pytest.raises(clients.ClientError, match="ResourceNotFound"):
            broken.ask(name)
