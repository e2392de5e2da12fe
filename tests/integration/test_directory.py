"""Workspaces and write keys in DynamoDB."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults import Faults, without_pauses
from tidemark.aws.clients import dynamodb
from tidemark.aws.directory import ABSENT_SECONDS, FRESH_SECONDS, STALE_SECONDS, DynamoDirectory
from tidemark.aws.items import encode
from tidemark.domain.errors import Unavailable
from tidemark.services.ports import Workspace


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def directory(tables: SimpleNamespace, clock: Clock) -> DynamoDirectory:
    return DynamoDirectory(tables.directory, 90, clock)


def put(tables: SimpleNamespace, pk: str, sk: str, **attributes: Any) -> None:
    dynamodb().put_item(TableName=tables.directory, Item=encode({"pk": pk, "sk": sk, **attributes}))


def test_a_workspace_has_the_settings_of_its_item(tables: SimpleNamespace, directory: DynamoDirectory) -> None:
    put(
        tables,
        "WORKSPACE#demo",
        "SETTINGS",
        workspace="demo",
        name="Demo",
        timezone="Asia/Kolkata",
        dashboards=["web"],
        shards=[[0, 1], [1_795_341_600, 4]],
        retention_days=7,
        created_at="2026-11-22T10:00:00.000Z",
    )
    assert directory.workspace("demo") == Workspace(
        "demo", "Demo", "Asia/Kolkata", ("web",), ((0, 1), (1_795_341_600, 4)), 7, "2026-11-22T10:00:00.000Z"
    )


def test_what_an_item_does_not_say_is_as_usual(tables: SimpleNamespace, directory: DynamoDirectory) -> None:
    put(tables, "WORKSPACE#demo", "SETTINGS", workspace="demo")
    assert directory.workspace("demo") == Workspace("demo", retention_days=90)


def test_a_workspace_without_dashboards_has_none(tables: SimpleNamespace, directory: DynamoDirectory) -> None:
    put(tables, "WORKSPACE#demo", "SETTINGS", workspace="demo", dashboards=[])
    found = directory.workspace("demo")
    assert found is not None
    assert found.dashboards == ()


def test_a_key_opens_its_workspace_until_it_is_revoked(
    tables: SimpleNamespace, directory: DynamoDirectory, clock: Clock
) -> None:
    put(tables, "KEY#h", "KEY", workspace="demo", key_id="1")
    assert directory.workspace_of_key("h") == "demo"
    put(tables, "KEY#h", "KEY", workspace="demo", key_id="1", revoked_at="2026-11-22T10:00:00.000Z")
    clock.now = FRESH_SECONDS
    assert directory.workspace_of_key("h") is None


def test_what_has_just_been_made_is_found_soon(
    tables: SimpleNamespace, directory: DynamoDirectory, clock: Clock
) -> None:
    assert directory.workspace("demo") is None
    assert directory.workspace_of_key("h") is None
    put(tables, "WORKSPACE#demo", "SETTINGS", workspace="demo")
    put(tables, "KEY#h", "KEY", workspace="demo", key_id="1")
    clock.now = ABSENT_SECONDS
    assert directory.workspace("demo") is not None
    assert directory.workspace_of_key("h") == "demo"


def test_look_ups_are_cached_and_outlive_an_outage(
    tables: SimpleNamespace, directory: DynamoDirectory, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pauses(monkeypatch)
    put(tables, "WORKSPACE#demo", "SETTINGS", workspace="demo")
    put(tables, "KEY#h", "KEY", workspace="demo", key_id="1")
    faults = Faults(dynamodb())
    for _ in range(3):
        assert directory.workspace("demo") is not None
        assert directory.workspace_of_key("h") == "demo"
    assert faults.calls == 2
    faults.time_out()
    clock.now = STALE_SECONDS
    assert directory.workspace("demo") is not None
    assert directory.workspace_of_key("h") == "demo"
    with pytest.raises(Unavailable):
        directory.workspace("unknown")
    with pytest.raises(Unavailable):
        directory.workspace_of_key("unknown")
