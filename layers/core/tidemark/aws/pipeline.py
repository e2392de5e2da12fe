"""The batches and their jobs as operators look at them: the items of `tidemark.aws.batches`, without their contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tidemark.aws import clients
from tidemark.aws.batches import key_of, workspace_of
from tidemark.aws.cells import batch_get
from tidemark.aws.insights import insight_of
from tidemark.aws.items import decode, encode
from tidemark.aws.pipeline_index import LAST_SECOND, PipelineIndex, Selection
from tidemark.domain.pipeline_query import Place, texts
from tidemark.services.pipeline_ports import BatchRecord, Found, Listing, Tally, Wanted

NUMBERS = ("opened_at", "sealed_at", "attempts", "redrives", "due_at", "lease_until", "started_at", "finished_at")
TEXTS_AND_MAPS = ("state", "sealed_by", "job", "provider", "error", "input", "trace")
"""Attributes that are as in `BatchRecord`."""
READ = 200
"""Batches that one request reads: 2.5 KB each, so half a megabyte."""
MAX_REQUESTS = 5
"""That one page reads of a workspace's batches, to find those that are asked for."""

_SHOWN = ("pk", "sk", "count", *NUMBERS, *TEXTS_AND_MAPS)
_NAMES = {f"#{name}": name for name in _SHOWN}
_PROJECTION = ", ".join(_NAMES)


class DynamoPipeline:
    """The `Pipeline` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._index = PipelineIndex(table)

    @clients.translated()
    def find(self, workspace: str, batch_id: str) -> BatchRecord | None:
        """Read a batch consistently, with its insight."""
        answer = clients.dynamodb().get_item(
            TableName=self._table,
            Key=encode(key_of(workspace, batch_id)),
            ConsistentRead=True,
            ProjectionExpression=f"{_PROJECTION}, insight",
            ExpressionAttributeNames=_NAMES,
        )
        return _record(decode(answer["Item"])) if "Item" in answer else None

    @clients.translated()
    def of_workspace(self, workspace: str, wanted: Wanted | None, limit: int, after: Place | None) -> Found:
        """Read batches of a workspace consistently, the newest hour first, in at most `MAX_REQUESTS` requests."""
        pk = key_of(workspace, "")["pk"]
        filtered, values = _filter(wanted)
        found: list[BatchRecord] = []
        start: Any = encode({"pk": pk, "sk": texts(after, 1)[0]}) if after else None
        for _ in range(MAX_REQUESTS):
            answer = clients.dynamodb().query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ProjectionExpression=_PROJECTION,
                ExpressionAttributeNames=_NAMES,
                ExpressionAttributeValues=encode({":pk": pk, **values}),
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=READ,
                **filtered,
                **({"ExclusiveStartKey": start} if start else {}),
            )
            found += [_record(decode(item)) for item in answer["Items"]]
            start = answer.get("LastEvaluatedKey")
            if len(found) > limit:
                return Found(found[:limit], [found[limit - 1].batch_id])
            if start is None:
                return Found(found)
        return Found(found, [start["sk"]["S"]])

    def listed(
        self,
        listings: Sequence[Listing],
        workspace: str | None,
        wanted: Wanted,
        limit: int,
        after: Place | None = None,
        due_until: int | None = None,
    ) -> Found:
        """Read batches that the index lists, then each of them as it stands: what has changed since is left out."""
        selection = Selection(workspace, wanted, LAST_SECOND if due_until is None else due_until)
        keys, end = self._index.keys(listings, selection, limit, after)
        items = batch_get(self._table, [encode({"pk": pk, "sk": sk}) for pk, sk in keys], _PROJECTION, _NAMES)
        records = {(item["pk"], item["sk"]): _record(item) for item in items}
        current = [records[key] for key in keys if key in records]
        return Found([record for record in current if wanted.takes(record)], end)

    def tally(self, workspace: str | None) -> Tally:
        """Count what the index lists, of one workspace or of all."""
        return self._index.tally(workspace)

    @clients.translated()
    def last_filled(self, workspace: str, now: datetime) -> int:
        """Read when events of an hour that has begun last came into a batch; what is seconds old may be missing."""
        answer = clients.dynamodb().query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk < :to",
            ProjectionExpression="filled_at",
            ExpressionAttributeValues=encode(
                # An id is its hour, a dot and more; a slash comes after the dot.
                {":pk": key_of(workspace, "")["pk"], ":to": now.strftime("%Y-%m-%dT%H:%MZ/")}
            ),
            ScanIndexForward=False,
            Limit=1,
        )
        return max((decode(item).get("filled_at", 0) for item in answer["Items"]), default=0)


def _filter(wanted: Wanted | None) -> tuple[Any, dict[str, str]]:
    if wanted is None:
        return {}, {}
    if wanted.value is None:
        return {"FilterExpression": f"attribute_exists(#{wanted.attribute})"}, {}
    return {"FilterExpression": f"#{wanted.attribute} = :wanted"}, {":wanted": wanted.value}


def _record(item: Mapping[str, Any]) -> BatchRecord:
    given = {name: item[name] for name in (*NUMBERS, *TEXTS_AND_MAPS) if item.get(name) is not None}
    return BatchRecord(
        workspace=workspace_of(item["pk"]),
        batch_id=item["sk"],
        events=item["count"],
        insight=insight_of(item) if "insight" in item else None,
        **given,
    )
