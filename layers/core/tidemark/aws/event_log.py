"""The Events table: the immutable log of chunks. Its layout stands in docs/storage.md."""

from __future__ import annotations

from datetime import datetime

from tidemark.aws import items
from tidemark.aws.clients import dynamodb, translated
from tidemark.domain.chunks import Chunk, encode
from tidemark.domain.errors import Conflict
from tidemark.domain.events import format_timestamp


class DynamoEventLog:
    """The `EventLog` port."""

    def __init__(self, table: str) -> None:
        self._table = table

    def put(self, chunk: Chunk, received_at: datetime, expires_at: int) -> bool:
        """Store a chunk unless its key exists; answer whether it was new.

        "Not new" may also mean that an attempt of this very call was stored while its answer was lost.
        """
        item = items.encode(
            {
                "pk": f"{chunk.workspace}#{chunk.hour}#{chunk.shard:02d}",
                "sk": chunk.key,
                "events": encode(chunk.events),
                "count": len(chunk.events),
                "received_at": format_timestamp(received_at),
                "expires_at": expires_at,
            }
        )
        try:
            with translated():
                dynamodb().put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except Conflict:
            return False
        return True
