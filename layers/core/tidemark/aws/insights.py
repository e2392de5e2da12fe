"""The insights of batches, as they are read: parts of the items that docs/storage.md describes, in the Work table."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.domain.insight_section import StoredInsight
from tidemark.domain.insights import InvalidInsight, from_json
from tidemark.services.insights import Found

FIRST_READ = 10
"""Batches that a first request reads beyond the wanted ones: as many newer ones usually wait for their analysis."""
NEXT_READ = 100
MAX_REQUESTS = 5
"""A batch is about 2.5 KB, so the first request of 5 insights reads 40 KB, and all of them together 1 MB at most."""


class DynamoInsights:
    """The `Insights` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    def latest(self, workspace: str, count: int, last_hour: str | None = None) -> Sequence[StoredInsight]:
        """Read the last insights: one request, unless more than ten newer batches are not analysed yet."""
        return self.page(workspace, count, None, last_hour, None).insights

    def page(
        self, workspace: str, count: int, first_hour: str | None, last_hour: str | None, before: str | None
    ) -> Found:
        """Read some insights, newest first, in at most `MAX_REQUESTS` requests."""
        pk = f"B#{workspace}"
        # Ids are hours, a dot and more: "/" comes right after the dot, ":" after every digit.
        values = {":pk": pk, ":from": first_hour or "0", ":to": f"{last_hour}/" if last_hour else ":"}
        if values[":from"] > values[":to"]:  # which DynamoDB refuses
            return Found([])
        found: list[StoredInsight] = []
        start = None if before is None else {"pk": pk, "sk": before}
        limit = count + FIRST_READ
        for _ in range(MAX_REQUESTS):
            items, start = self._read(values, start, limit)
            limit = NEXT_READ
            wanted = count - len(found)
            insights = filter(None, map(insight_of, items))
            found += islice(insights, wanted)
            if next(insights, None) is not None:  # some of what was read is for the next page
                return Found(found, found[-1].insight_id)
            if start is None or len(found) == count:
                break
        return Found(found, None if start is None else str(start["sk"]))

    @clients.translated()
    def _read(
        self, values: Mapping[str, str], start: Mapping[str, Any] | None, limit: int
    ) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        """Return the analysed ones of the next `limit` batches, and behind which key others follow."""
        options: Any = {"ExclusiveStartKey": encode(start)} if start else {}
        answer = clients.dynamodb().query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :from AND :to",
            FilterExpression="job = :success",
            ProjectionExpression="sk, finished_at, insight",
            ExpressionAttributeValues=encode({**values, ":success": "SUCCESS"}),
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
            **options,
        )
        last = answer.get("LastEvaluatedKey")
        return [decode(item) for item in answer["Items"]], decode(last) if last else None


def insight_of(item: Mapping[str, Any]) -> StoredInsight | None:
    """Return the insight of an item; None for one that is corrupt."""
    try:
        raw = json.loads(zlib.decompress(item["insight"]))
        return StoredInsight(item["sk"], item["finished_at"], from_json(raw))
    except (KeyError, TypeError, ValueError, zlib.error, InvalidInsight):
        return None
