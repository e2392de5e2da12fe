"""The workspaces as a list, and their write keys, read from the Directory table for those who administer them."""

from __future__ import annotations

from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.aws.queries import query
from tidemark.domain.pipeline_query import Place, texts
from tidemark.services.pipeline_ports import WriteKey

MAX_REQUESTS = 10
"""Of 1 MB each, 1,250 read units in all, since the table has keys and the audit trail too. Then the page ends."""
TOLD = ("workspace", "name", "timezone", "dashboards", "retention_days", "created_at")


class DynamoWorkspaces:
    """The `Workspaces` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def page(self, limit: int, after: Place | None) -> tuple[list[dict[str, Any]], Place | None]:
        """Read the settings of some workspaces, in an order that stays the same; and behind which place others follow.

        It is a scan: fit for the operator, and for nothing else.
        """
        found: list[dict[str, Any]] = []
        start: Any = encode(dict(zip(("pk", "sk"), texts(after, 2), strict=True))) if after else None
        for _ in range(MAX_REQUESTS):
            answer = clients.dynamodb().scan(
                TableName=self._table,
                FilterExpression="sk = :settings",
                ExpressionAttributeValues=encode({":settings": "SETTINGS"}),
                ProjectionExpression=", ".join(["pk", "sk", *(f"#{name}" for name in TOLD)]),
                ExpressionAttributeNames={f"#{name}": name for name in TOLD},
                **({"ExclusiveStartKey": start} if start else {}),
            )
            found += map(decode, answer["Items"])
            start = answer.get("LastEvaluatedKey")
            if len(found) > limit:
                found = found[:limit]
                return found, [found[-1]["pk"], found[-1]["sk"]]
            if start is None:
                return found, None
        return found, [start["pk"]["S"], start["sk"]["S"]]

    def keys(self, workspace: str) -> list[WriteKey]:
        """Read the write keys of a workspace, revoked ones included, oldest first."""
        found = query(
            self._table,
            "pk = :pk AND begins_with(sk, :key)",
            {":pk": f"WORKSPACE#{workspace}", ":key": "KEY#"},
            ProjectionExpression="sk, label, created_at, revoked_at",
        )
        keys = [
            WriteKey(item["sk"].removeprefix("KEY#"), item["label"], item["created_at"], item.get("revoked_at", ""))
            for item in found
        ]
        return sorted(keys, key=lambda key: (key.created_at, key.key_id))
