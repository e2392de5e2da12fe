"""Batches and, in the same items, their jobs: in the Work table. The layout stands in docs/storage.md.

What is here writes the batch and has the job begin; `tidemark.aws.jobs` takes the job further.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Any
from zlib import crc32

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.aws.queries import query
from tidemark.domain.batches import Batch, Chain, SealedBy, batch_id, parse_batch_id
from tidemark.domain.jobs import RESEND_SECONDS, JobState
from tidemark.services.batch_ports import DueBatch

INDEX = "pipeline"
"""The index over all workspaces: what is unfinished or dead, by when something is to be done about it."""
QUEUES = 16
"""Over which the index is spread: a partition takes 1,000 writes a second."""
OF_BATCHES = ("state", "ids", "chunks", "opened_at", "filled_at", "sealed_at", "sealed_by", "version")
"""The attributes of an item that are the batch's; the others are its job's."""

_HASH = Struct(">Q")
_KEY_BYTES = 16


def queue_of(workspace: str) -> str:
    """Return the partition of the index that has a workspace's unfinished batches."""
    return f"{crc32(workspace.encode()) % QUEUES:02d}"


def dead_queue_of(workspace: str) -> str:
    """Return the partition of the index that has a workspace's failed jobs."""
    return f"dead#{queue_of(workspace)}"


def key_of(workspace: str, batch: str) -> dict[str, str]:
    """Return the key of a batch and its job."""
    return {"pk": _pk(workspace), "sk": batch}


def workspace_of(pk: str) -> str:
    """Return the workspace of a batch's partition."""
    return pk.removeprefix("B#")


class DynamoBatches:
    """The `Batches` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    def chain(self, chain: Chain) -> list[Batch]:
        """Read the batches of a chain by number, each consistently, a page after the other."""
        prefix = batch_id(chain, 0).rpartition(".")[0]
        found = query(
            self._table,
            "pk = :pk AND begins_with(sk, :chain)",
            {":pk": _pk(chain.workspace), ":chain": f"{prefix}."},
            ProjectionExpression=", ".join(["sk", *(f"#{name}" for name in OF_BATCHES)]),
            ExpressionAttributeNames={f"#{name}": name for name in OF_BATCHES},
        )
        return sorted((batch_of(chain.workspace, item) for item in found), key=lambda batch: batch.number)

    @clients.translated()
    def get(self, workspace: str, batch_id: str) -> Batch | None:
        """Read a batch consistently."""
        key = encode(key_of(workspace, batch_id))
        answer = clients.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return batch_of(workspace, decode(answer["Item"])) if "Item" in answer else None

    @clients.translated()
    def put(self, batch: Batch, due_at: int, expires_at: int) -> None:
        """Store a batch in the place of the version before; a sealed one together with its pending job.

        An item of an open batch has nothing but the batch, so it is put as a whole. Raises `Conflict` if what is stored
        is of another version.
        """
        workspace = batch.chain.workspace
        item = {
            **key_of(workspace, batch.batch_id),
            **attributes_of(batch),
            "queue": queue_of(workspace),
            "due_at": due_at,
            "expires_at": expires_at,
        }
        if batch.state == "SEALED":
            item |= {"job": JobState.PENDING.value, "attempts": 0}
        request: Any = {"TableName": self._table, "Item": encode(item)}
        if batch.version == 1:
            request["ConditionExpression"] = "attribute_not_exists(pk)"
        else:
            request["ConditionExpression"] = "#version = :before"
            request["ExpressionAttributeNames"] = {"#version": "version"}
            request["ExpressionAttributeValues"] = encode({":before": batch.version - 1})
        clients.dynamodb().put_item(**request)

    @clients.translated()
    def seal(self, workspace: str, batch_id: str, sealed_by: SealedBy, now_seconds: int) -> bool:
        """Seal an open batch, which gives it its pending job; answer False if it is not open, or is not there."""
        changed = {
            "state": "SEALED",
            "sealed_at": now_seconds,
            "sealed_by": sealed_by,
            "job": JobState.PENDING.value,
            "attempts": 0,
            "due_at": now_seconds + RESEND_SECONDS,
        }
        try:
            clients.dynamodb().update_item(
                TableName=self._table,
                Key=encode(key_of(workspace, batch_id)),
                UpdateExpression=f"SET {', '.join(f'#{name} = :{name}' for name in changed)} ADD #version :one",
                ConditionExpression="#state = :open",
                ExpressionAttributeNames={f"#{name}": name for name in (*changed, "version")},
                ExpressionAttributeValues=encode(
                    {":open": "OPEN", ":one": 1, **{f":{name}": value for name, value in changed.items()}}
                ),
            )
        except clients.condition_failed():
            return False
        return True

    def due(self, now_seconds: int) -> Iterator[DueBatch]:
        """Read what is due, of all workspaces, the longest due of a partition first.

        Each minute another partition is the first one, so that none waits behind the others if there is too much.
        """
        for place in range(QUEUES):
            yield from self._listed((now_seconds // 60 + place) % QUEUES, "due_at <= :second", now_seconds)

    def due_at(self, second: int) -> Iterator[DueBatch]:
        """Read what is due at just this second."""
        for number in range(QUEUES):
            yield from self._listed(number, "due_at = :second", second)

    def _listed(self, number: int, when: str, second: int) -> Iterator[DueBatch]:
        for item in query(
            self._table,
            f"#queue = :queue AND {when}",
            {":queue": f"{number:02d}", ":second": second},
            consistent=False,
            IndexName=INDEX,
            ExpressionAttributeNames={"#queue": "queue"},
        ):
            yield _due(item)


def batch_of(workspace: str, item: dict[str, Any]) -> Batch:
    """Return the batch of an item that has at least the attributes `OF_BATCHES`."""
    chain, number = parse_batch_id(workspace, item["sk"])
    keys = item["chunks"]
    return Batch(
        chain,
        number,
        item["state"],
        frozenset(identity for (identity,) in _HASH.iter_unpack(item["ids"])),
        tuple(keys[start : start + _KEY_BYTES].hex() for start in range(0, len(keys), _KEY_BYTES)),
        item["opened_at"],
        item.get("filled_at", 0),
        item.get("sealed_at", 0),
        item.get("sealed_by", ""),
        item["version"],
    )


def _pk(workspace: str) -> str:
    return f"B#{workspace}"


def attributes_of(batch: Batch) -> dict[str, Any]:
    """Return the attributes `OF_BATCHES` of a batch, and how many events it has."""
    return {
        "state": batch.state,
        "count": len(batch.ids),
        "ids": b"".join(_HASH.pack(identity) for identity in sorted(batch.ids)),
        "chunks": b"".join(bytes.fromhex(key) for key in batch.chunks),
        "opened_at": batch.opened_at,
        "filled_at": batch.filled_at,
        "sealed_at": batch.sealed_at or None,
        "sealed_by": batch.sealed_by or None,
        "version": batch.version,
    }


def _due(item: dict[str, Any]) -> DueBatch:
    return DueBatch(
        workspace_of(item["pk"]),
        item["sk"],
        item["due_at"],
        item["state"],
        item.get("job", ""),
        item.get("attempts", 0),
        item.get("lease_until", 0),
        item.get("sealed_at", 0),
    )
