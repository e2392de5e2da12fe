"""The Directory table: workspaces and write keys. Its layout stands in docs/storage.md."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tidemark.aws import items
from tidemark.aws.cache import TimedCache
from tidemark.aws.clients import dynamodb, translated
from tidemark.services.ports import Workspace

FRESH_SECONDS = 60
"""So long at most does a revoked key still send, and an unknown setting stay as it was, in one process."""
ABSENT_SECONDS = 5
"""A key or a workspace that has just been made works after this."""
STALE_SECONDS = 1800
"""While DynamoDB is down. A change of the shards begins 2 hours ahead and events come at most 1 hour ahead: within an
hour even settings from before the change give each event's hour its right number of shards."""

SCALARS = (
    "name",
    "timezone",
    "retention_days",
    "history_days",
    "history_from",
    "recovery_hours",
    "calendar",
    "former_timezone",
    "moved_at",
    "created_at",
    "batch_events",
    "batch_seconds",
    "analysed_from",
)
"""Attributes that are as in `Workspace`."""


class DynamoDirectory:
    """The `Directory` port, with a cache in the process.

    Parameters
    ----------
    table
        The name of the table.
    retention_days
        How long chunks are kept in a workspace that does not say.
    clock
        A monotonic clock for the cache, in seconds.
    """

    def __init__(self, table: str, retention_days: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._retention_days = retention_days
        self._workspaces = TimedCache[Workspace](
            fresh_seconds=FRESH_SECONDS, absent_seconds=ABSENT_SECONDS, stale_seconds=STALE_SECONDS, clock=clock
        )
        self._keys = TimedCache[str](
            fresh_seconds=FRESH_SECONDS, absent_seconds=ABSENT_SECONDS, stale_seconds=STALE_SECONDS, clock=clock
        )

    def workspace(self, workspace: str) -> Workspace | None:
        """Return the settings of a workspace, at most a minute old."""
        return self._workspaces.get(workspace, lambda: self._load(workspace))

    def latest(self, workspace: str) -> Workspace | None:
        """Return the settings of a workspace as they are stored now, which this process then goes on with."""
        return self._workspaces.renew(workspace, lambda: self._load(workspace))

    def _load(self, workspace: str) -> Workspace | None:
        item = self._get(f"WORKSPACE#{workspace}", "SETTINGS")
        return self._parse(item) if item else None

    def workspace_of_key(self, key_hash: str) -> str | None:
        """Return the workspace that an unrevoked write key opens; a revocation is seen within a minute."""

        def load() -> str | None:
            item = self._get(f"KEY#{key_hash}", "KEY")
            return item["workspace"] if item and not item.get("revoked_at") else None

        return self._keys.get(key_hash, load)

    @translated()
    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        # Consistent: whoever has made a workspace sends to it at once, and the fold must find it for the first chunk.
        answer = dynamodb().get_item(TableName=self._table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True)
        return items.decode(answer["Item"]) if "Item" in answer else None

    def _parse(self, item: dict[str, Any]) -> Workspace:
        given = {name: item[name] for name in SCALARS if item.get(name) not in (None, "")}
        if "dashboards" in item:
            given["dashboards"] = tuple(item["dashboards"])
        if "members" in item:
            given["members"] = tuple(item["members"])
        if item.get("shards"):
            given["shards"] = tuple((int(start), int(count)) for start, count in item["shards"])
        return Workspace(item["workspace"], **{"retention_days": self._retention_days, **given})
