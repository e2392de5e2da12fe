"""Hour cells and their ledgers, in the Cells table.

A cell's history is a chain of commits, as in git: the ledger entry is written first, under its own name, then the
cell moves to it on the condition that it still stands at the entry's predecessor. An entry that lost the race, or
whose writer died, is an orphan: no chain leads to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from struct import pack, unpack
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.aws.queries import query
from tidemark.domain import cells as codec
from tidemark.domain.cells import Cell
from tidemark.domain.errors import Unavailable
from tidemark.observability import logger
from tidemark.services.ports import CellKey, Commit, StoredCell

BATCH_KEYS = 100
"""BatchGetItem takes at most 100 keys."""
BATCH_WORKERS = 8
BATCH_ATTEMPTS = 5

CHUNK_KEY_BYTES = 16
HASH_BYTES = 4
COVERS = 64
"""Sets of measures that are kept."""


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
        return _stored(decode(found["Item"])) if "Item" in found else StoredCell(Cell())

    def stored_many(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], StoredCell]:
        """Read cells consistently, 100 a request, some requests at a time; corrupt ones are empty."""
        return {_place(item): _stored(item) for item in self._batch_get(workspace, keys)}

    def settled_many(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], StoredCell]:
        """Read cells as `stored_many` does, at half the price: what was written a second ago may be missing."""
        items = batch_get(self._table, [_key(workspace, *key) for key in keys], "", {}, consistent=False)
        return {_place(item): _stored(item) for item in items}

    def existing(self, workspace: str, keys: Sequence[tuple[str, int]]) -> set[tuple[str, int]]:
        """Return which cells of (hour, shard) there are, corrupt ones included."""
        return {_place(item) for item in self._batch_get(workspace, keys, "pk, sk")}

    def log_ends(self, workspace: str, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Read until when (Unix seconds) the log has all that the cells of (hour, shard) count; of those there are."""
        return {_place(item): item["log_until"] for item in self._batch_get(workspace, keys, "pk, sk, log_until")}

    def of_workspaces(self, keys: Sequence[CellKey]) -> dict[CellKey, StoredCell]:
        """Read cells of several workspaces as `stored_many` does."""
        items = batch_get(self._table, [_key(*key) for key in keys], "", {})
        return {(item["pk"].partition("#")[0], *_place(item)): _stored(item) for item in items}

    def ledger(self, key: CellKey) -> Iterable[Commit]:
        """Read every entry of the cell's ledger, consistently, orphans included."""
        workspace, hour, shard = key
        own = {":pk": f"{workspace}#{hour}", ":shard": f"{shard:02d}#"}
        return [_commit(item) for item in query(self._table, "pk = :pk AND begins_with(sk, :shard)", own)]

    @clients.translated()
    def append(self, key: CellKey, commit: Commit, stored: StoredCell, expires_at: int) -> None:
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
        self._move(key, commit.previous, stored)

    @clients.translated()
    def replace(self, key: CellKey, previous: str, stored: StoredCell) -> None:
        """Put `stored` in the place of the commit `previous` ("" for none); raises `Conflict` if the cell moved."""
        self._move(key, previous, stored)

    @clients.translated()
    def remove(self, keys: Sequence[CellKey]) -> None:
        """Take cells away for good; their ledgers end by themselves. Those that are not there change nothing."""
        for key in keys:
            clients.dynamodb().delete_item(TableName=self._table, Key=_key(*key))

    def _move(self, key: CellKey, previous: str, stored: StoredCell) -> None:
        workspace, hour, shard = key
        attributes = {
            "state": codec.encode(stored.cell),
            "version": stored.version,
            "commit": stored.commit,
            "covers": cover(stored.covers),
            "log_until": stored.log_until,
            "final": stored.final or None,
            "created_at": stored.created_at,
            "calculated_at": stored.calculated_at,
        }
        at_previous: Any = (
            {
                "ConditionExpression": "#commit = :previous",
                "ExpressionAttributeNames": {"#commit": "commit"},
                "ExpressionAttributeValues": encode({":previous": previous}),
            }
            if previous
            else {"ConditionExpression": "attribute_not_exists(pk)"}
        )
        clients.dynamodb().put_item(
            TableName=self._table, Item={**_key(workspace, hour, shard), **encode(attributes)}, **at_previous
        )

    def _batch_get(
        self,
        workspace: str,
        keys: Sequence[tuple[str, int]],
        projection: str = "",
        names: Mapping[str, str] | None = None,
    ) -> list[dict[str, Any]]:
        return batch_get(self._table, [_key(workspace, hour, shard) for hour, shard in keys], projection, names or {})


def batch_get(
    table: str, keys: Sequence[Any], projection: str, names: Mapping[str, str], *, consistent: bool = True
) -> list[dict[str, Any]]:
    """Read items, 100 a request, some requests at a time; whole unless `projection` says otherwise."""
    batches = [keys[start : start + BATCH_KEYS] for start in range(0, len(keys), BATCH_KEYS)]
    shown: Any = {"ProjectionExpression": projection, "ExpressionAttributeNames": dict(names)} if projection else {}

    def read(batch: Sequence[Any]) -> list[dict[str, Any]]:
        return _read_batch(table, {"Keys": list(batch), "ConsistentRead": consistent, **shown})

    if len(batches) <= 1:
        return read(keys) if keys else []
    with ThreadPoolExecutor(min(BATCH_WORKERS, len(batches))) as pool:
        return [item for part in pool.map(read, batches) for item in part]


@clients.translated()
def _read_batch(table: str, request: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    wanted: Any = {table: request}
    for _ in range(BATCH_ATTEMPTS):
        answer = clients.dynamodb().batch_get_item(RequestItems=wanted)
        found += [decode(raw) for raw in answer["Responses"].get(table, [])]
        wanted = answer.get("UnprocessedKeys")
        if not wanted:
            return found
    raise Unavailable("the store left keys unread; try again")


def cover(hashes: Iterable[str]) -> bytes:
    """Return the stored form of the measures that a cell covers: 4 bytes each, sorted."""
    return b"".join(sorted(map(bytes.fromhex, hashes)))


@lru_cache(maxsize=COVERS)
def covered(blob: bytes) -> frozenset[str]:
    """Return the measures that `cover` wrote; kept, since a window of cells mostly covers the same ones."""
    return frozenset(blob[at : at + HASH_BYTES].hex() for at in range(0, len(blob), HASH_BYTES))


def _key(workspace: str, hour: str, shard: int) -> Any:
    return encode({"pk": f"{workspace}#{hour}", "sk": f"{shard:02d}"})


def _place(item: dict[str, Any]) -> tuple[str, int]:
    return item["pk"].partition("#")[2], int(item["sk"])


def _stored(item: dict[str, Any]) -> StoredCell:
    """Return the cell of an item; one whose state is corrupt is empty and covers nothing."""
    try:
        cell, covers = codec.decode(item["state"]), covered(item["covers"])
    except Exception as error:  # noqa: BLE001  # whatever is wrong with it, the log has what it held
        logger().error("a cell is corrupt", extra={"pk": item["pk"], "sk": item["sk"], "reason": repr(error)})
        cell, covers = Cell(), frozenset()
    return StoredCell(
        cell,
        item["version"],
        item["commit"],
        item.get("final", False),
        covers,
        item["log_until"],
        item["created_at"],
        item["calculated_at"],
    )


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
