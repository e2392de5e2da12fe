"""The Events table: the immutable log of chunks. Its layout stands in docs/storage.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from tidemark.aws import items
from tidemark.aws.cells import batch_get
from tidemark.aws.clients import dynamodb, translated
from tidemark.aws.queries import query
from tidemark.domain.chunks import Chunk, decode, encode
from tidemark.domain.errors import Conflict
from tidemark.domain.events import Event, format_timestamp
from tidemark.services.ports import LoggedChunk


class DynamoEventLog:
    """The `EventLog` port."""

    def __init__(self, table: str) -> None:
        self._table = table

    def put(self, chunk: Chunk, received_at: datetime, expires_at: int, *, refiled: bool = False) -> bool:
        """Store a chunk unless its key exists; answer whether it was new. `refiled` as in `LoggedChunk`.

        "Not new" may also mean that an attempt of this very call was stored while its answer was lost.
        """
        item = items.encode(
            {
                "pk": _pk(chunk.workspace, chunk.hour, chunk.shard),
                "sk": chunk.key,
                "events": encode(chunk.events),
                "count": len(chunk.events),
                "received_at": format_timestamp(received_at),
                "expires_at": expires_at,
                "refiled": refiled or None,
            }
        )
        try:
            with translated():
                dynamodb().put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except Conflict:
            return False
        return True

    def read(self, workspace: str, hour: str, shard: int) -> Iterator[LoggedChunk]:
        """Read the chunks of an hour's shard consistently, by key, a page at a time."""
        for item in query(self._table, "pk = :pk", {":pk": _pk(workspace, hour, shard)}):
            chunk = Chunk(workspace, hour, shard, item["sk"], tuple(decode(item["events"])))
            yield LoggedChunk(chunk, item["received_at"], item["expires_at"], item.get("erased", 0))

    @translated()
    def rewrite(self, logged: LoggedChunk, kept: Sequence[Event]) -> None:
        """Leave of a chunk that was read only the events `kept`, for good; the rest of the item stays as it is.

        For erasure, by an operator: no Lambda may update this table. A chunk without events keeps its place too, so
        that a request that is sent again is known by its key. Chunks change in no other way, and each time lose some
        events, so that their number tells whether it is still what was read. Raises `Conflict` if it is not, or has
        ended; also when an attempt of this very call was stored while its answer was lost.
        """
        chunk = logged.chunk
        dynamodb().update_item(
            TableName=self._table,
            Key=items.encode({"pk": _pk(chunk.workspace, chunk.hour, chunk.shard), "sk": chunk.key}),
            UpdateExpression="SET #events = :kept, #count = :left ADD erased :gone",
            ConditionExpression="#count = :read",
            ExpressionAttributeNames={"#events": "events", "#count": "count"},
            ExpressionAttributeValues=items.encode(
                {
                    ":kept": encode(kept),
                    ":left": len(kept),
                    ":gone": len(chunk.events) - len(kept),
                    ":read": len(chunk.events),
                }
            ),
        )

    @translated()
    def remove(self, logged: LoggedChunk) -> None:
        """Take a chunk away that was read, and of which other chunks hold the events; nothing if it is gone.

        For filing the log anew, by an operator: no Lambda may delete here. Raises `Conflict` if it is not what was read
        any more: an erasure has taken events out.
        """
        chunk = logged.chunk
        dynamodb().delete_item(
            TableName=self._table,
            Key=items.encode({"pk": _pk(chunk.workspace, chunk.hour, chunk.shard), "sk": chunk.key}),
            ConditionExpression="attribute_not_exists(pk) OR #count = :read",
            ExpressionAttributeNames={"#count": "count"},
            ExpressionAttributeValues=items.encode({":read": len(chunk.events)}),
        )

    @translated()
    def has_chunks(self, workspace: str, hour: str, shard: int) -> bool:
        """Answer whether an hour's shard has any chunk, without reading one."""
        found = dynamodb().query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=items.encode({":pk": _pk(workspace, hour, shard)}),
            ProjectionExpression="sk",
            ConsistentRead=True,
            Limit=1,
        )
        return bool(found["Items"])

    def get_many(
        self, workspace: str, names: Sequence[tuple[str, int, str]]
    ) -> Iterator[tuple[tuple[str, int, str], int, list[Event]]]:
        """Read chunks by (hour, shard, key), consistently; yield name, compressed bytes, events of those found."""
        keys = [items.encode({"pk": _pk(workspace, hour, shard), "sk": key}) for hour, shard, key in names]
        for item in batch_get(self._table, keys, "pk, sk, #events", {"#events": "events"}):
            _, hour, shard = item["pk"].split("#")
            yield (hour, int(shard), item["sk"]), len(item["events"]), decode(item["events"])


def _pk(workspace: str, hour: str, shard: int) -> str:
    return f"{workspace}#{hour}#{shard:02d}"
