"""Hour cells and their ledgers, in the Cells table.

A cell's history is a chain of commits, as in git: the ledger entry is written first, under its own name, then the
cell moves to it on the condition that it still stands at the entry's predecessor. An entry that lost the race, or
whose writer died, is an orphan: no chain leads to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from struct import pack, unpack
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.domain import cells as codec
from tidemark.domain.cells import Cell
from tidemark.domain.errors import Unavailable
from tidemark.services.ports import CellKey, Commit, StoredCell

BATCH_KEYS = 100
"""BatchGetItem takes at most 100 keys."""
BATCH_WORKERS = 8
BATCH_ATTEMPTS = 5

CHUNK_KEY_BYTES = 16


class DynamoCells:
    """The `Cells` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def get(self, key: CellKey) -> StoredCell:
        """Read one cell consistently; a cell without events is empty, at version 0."""
        workspace, hour, shard = key
        found = clients.dynamodb().get_item(
            TableName=self._table, Key=_key(workspace, hour, shard), ConsistentRead=True
        )
        if "Item" not in found:
            return StoredCell(Cell())
        item = decode(found["Item"])
        return StoredCell(codec.decode(item["state"]), item["version"], item["commit"])

    def get_many(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Cell]:
        """Read cells consistently, 100 a request, some requests at a time."""
        batches = [keys[start : start + BATCH_KEYS] for start in range(0, len(keys), BATCH_KEYS)]
        if len(batches) <= 1:
            return self._get_batch(workspace, keys) if keys else {}
        with ThreadPoolExecutor(min(BATCH_WORKERS, len(batches))) as pool:
            found: dict[tuple[str, int], Cell] = {}
            for part in pool.map(lambda batch: self._get_batch(workspace, batch), batches):
                found.update(part)
            return found

    @clients.translated()
    def ledger(self, key: CellKey) -> Iterable[Commit]:
        """Read every entry of the cell's ledger, consistently, orphans included."""
        workspace, hour, shard = key
        pages = (
            clients.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :shard)",
                ExpressionAttributeValues=encode({":pk": f"{workspace}#{hour}", ":shard": f"{shard:02d}#"}),
                ConsistentRead=True,
            )
        )
        return [_commit(decode(item)) for page in pages for item in page["Items"]]

    @clients.translated()
    def append(self, key: CellKey, commit: Commit, cell: Cell, expires_at: int) -> None:
        """Write the ledger entry, then move the cell to it; raises `Conflict` if the cell is not at its predecessor."""
        workspace, hour, shard = key
        client = clients.dynamodb()
        client.put_item(
            TableName=self._table,
            Item=encode(
                {
                    "pk": f"{workspace}#{hour}",
                    "sk": f"{shard:02d}#{commit.version:08d}#{commit.commit}",
                    "previous": commit.previous,
                    "chunks": b"".join(sorted(commit.chunks)),
                    "ids": pack(f">{len(commit.ids)}Q", *sorted(commit.ids)),
                    "expires_at": expires_at,
                }
            ),
        )
        at_previous = "#commit = :previous" if commit.previous else "attribute_not_exists(pk)"
        values = {":state": codec.encode(cell), ":version": commit.version, ":commit": commit.commit}
        client.update_item(
            TableName=self._table,
            Key=_key(workspace, hour, shard),
            UpdateExpression="SET #state = :state, #version = :version, #commit = :commit",
            ConditionExpression=at_previous,
            ExpressionAttributeNames={"#state": "state", "#version": "version", "#commit": "commit"},
            ExpressionAttributeValues=encode(values | ({":previous": commit.previous} if commit.previous else {})),
        )

    @clients.translated()
    def _get_batch(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Cell]:
        found: dict[tuple[str, int], Cell] = {}
        wanted: Any = {
            self._table: {
                "Keys": [_key(workspace, hour, shard) for hour, shard in keys],
                "ConsistentRead": True,
                "ProjectionExpression": "pk, sk, #state",
                "ExpressionAttributeNames": {"#state": "state"},
            }
        }
        for _ in range(BATCH_ATTEMPTS):
            answer = clients.dynamodb().batch_get_item(RequestItems=wanted)
            for raw in answer["Responses"].get(self._table, []):
                item = decode(raw)
                found[item["pk"].partition("#")[2], int(item["sk"])] = codec.decode(item["state"])
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return found
        raise Unavailable("the store left keys unread; try again")


def _key(workspace: str, hour: str, shard: int) -> Any:
    return encode({"pk": f"{workspace}#{hour}", "sk": f"{shard:02d}"})


def _commit(item: dict[str, Any]) -> Commit:
    _, version, name = item["sk"].split("#")
    chunks = item["chunks"]
    return Commit(
        commit=name,
        previous=item["previous"],
        version=int(version),
        chunks=frozenset(chunks[at : at + CHUNK_KEY_BYTES] for at in range(0, len(chunks), CHUNK_KEY_BYTES)),
        ids=frozenset(unpack(f">{len(item['ids']) // 8}Q", item["ids"])),
    )
