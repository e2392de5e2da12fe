"""The last run of the health check and the canary's workspace, in the Directory table; and probes of dependencies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tidemark.aws import clients
from tidemark.aws.cache import TimedCache
from tidemark.aws.items import decode, encode
from tidemark.domain.health import STEPS, Past, Report, Run, Step
from tidemark.services.health import Reports
from tidemark.services.ports import Workspace

KEY = {"pk": "HEALTH", "sk": "LAST"}
FRESH_SECONDS = 5
"""Anyone may ask for the health; so often at most is it read, in one process."""
NOTHING = {"pk": "PROBE", "sk": "PROBE"}
"""A key that no item has."""


class DynamoReports:
    """The `Reports` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def last(self) -> Report | None:
        """Read the last report; None if there is none, or it is of a version with other steps."""
        found = clients.dynamodb().get_item(TableName=self._table, Key=encode(KEY), ConsistentRead=True)
        return _parse(decode(found["Item"])) if "Item" in found else None

    @clients.translated()
    def store(self, report: Report) -> None:
        """Replace the last report unless a later run has done so; runs may overlap."""
        try:
            clients.dynamodb().put_item(
                TableName=self._table,
                Item=encode(KEY | _attributes(report)),
                ConditionExpression="attribute_not_exists(pk) OR started_at <= :started_at",
                ExpressionAttributeValues=encode({":started_at": report.run.started_at}),
            )
        except clients.condition_failed():
            return


class RecentReports:
    """Another `Reports` port, asked at most every few seconds."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._cache = TimedCache[Report](
            fresh_seconds=FRESH_SECONDS, absent_seconds=FRESH_SECONDS, stale_seconds=FRESH_SECONDS
        )

    def last(self) -> Report | None:
        """Return the last report, a few seconds old at most."""
        return self._cache.get("last", self._reports.last)

    def store(self, report: Report) -> None:
        """Replace the last report."""
        self._reports.store(report)


class DynamoCanary:
    """Makes the workspaces of the system itself, the canary's and `operations`: no others may a function make."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def ensure_workspace(self, workspace: Workspace) -> None:
        """Store the settings of a workspace unless it exists."""
        item = {
            "pk": f"WORKSPACE#{workspace.workspace}",
            "sk": "SETTINGS",
            "workspace": workspace.workspace,
            "name": workspace.name,
            "timezone": workspace.timezone,
            "dashboards": list(workspace.dashboards),
            "shards": [list(entry) for entry in workspace.shards],
            "retention_days": workspace.retention_days,
            "created_at": workspace.created_at,
        }
        try:
            clients.dynamodb().put_item(
                TableName=self._table, Item=encode(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except clients.condition_failed():
            return


class AwsProbes:
    """The `Probes` port: one request to each table, a call that the HTTP API may make there, and one to the secret."""

    def __init__(self, tables: Mapping[str, str], secret_arn: str) -> None:
        self._asks: dict[str, Callable[[], object]] = {
            "secret": lambda: clients.secretsmanager().get_secret_value(SecretId=secret_arn)
        }
        for name, table in tables.items():
            self._asks[name] = partial({"events": _try_put, "cells": _batch_get}.get(name, _get), table)

    def names(self) -> tuple[str, ...]:
        """Return what can be asked."""
        return tuple(self._asks)

    @clients.translated()
    def ask(self, name: str) -> None:
        """Ask one dependency, past every cache."""
        self._asks[name]()


def _get(table: str) -> None:
    clients.dynamodb().get_item(TableName=table, Key=encode(NOTHING))


def _batch_get(table: str) -> None:
    clients.dynamodb().batch_get_item(RequestItems={table: {"Keys": [encode(NOTHING)]}})


def _try_put(table: str) -> None:
    """Put an item on a condition that never holds: nothing may read the log, and nothing is written to it."""
    try:
        clients.dynamodb().put_item(TableName=table, Item=encode(NOTHING), ConditionExpression="attribute_exists(pk)")
    except clients.condition_failed():
        return


def _attributes(report: Report) -> dict[str, Any]:
    run = report.run
    return {
        "started_at": run.started_at,
        "period_seconds": run.period_seconds,
        "milliseconds": run.milliseconds,
        "steps": [
            {"name": step.name, "milliseconds": step.milliseconds, "code": step.code or "", "skipped": step.skipped}
            for step in run.steps
        ],
        "history": [
            {"started_at": past.started_at, "failed": past.failed, "skipped": past.skipped} for past in report.history
        ],
    }


def _parse(item: Mapping[str, Any]) -> Report | None:
    if not {step["name"] for step in item["steps"]} <= STEPS.keys():
        return None
    steps = tuple(
        Step(step["name"], step["milliseconds"], step["code"] or None, step["skipped"]) for step in item["steps"]
    )
    history = tuple(Past(past["started_at"], tuple(past["failed"]), tuple(past["skipped"])) for past in item["history"])
    return Report(Run(item["started_at"], item["period_seconds"], item["milliseconds"], steps), history)
