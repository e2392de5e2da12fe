"""Heads and delta logs, in the Snapshots table.

A head holds all sections in one compressed blob: for the dashboards shipped that is 1 to 3 KB, where an item a
section would round every one of them up to a write unit of its own (docs/storage.md has the arithmetic).
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.aws.queries import query
from tidemark.domain.views import View
from tidemark.services.ports import Delta, Head

HEAD = "HEAD"
HEAD_SECONDS = 7 * 24 * 3600
"""After this a head that nothing has renewed goes: every new hour renews the head of a view that anybody looks at."""


class DynamoSnapshots:
    """The `Snapshots` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def head(self, workspace: str, view: View) -> Head | None:
        """Read the head consistently; None before the first render."""
        found = clients.dynamodb().get_item(
            TableName=self._table, Key=encode({"pk": _pk(workspace, view), "sk": HEAD}), ConsistentRead=True
        )
        return _head(decode(found["Item"])) if "Item" in found else None

    @clients.translated()
    def commit(
        self,
        workspace: str,
        view: View,
        previous: Head | None,
        head: Head,
        delta: Delta | None,
        now_seconds: int,
        recovery_seconds: int,
    ) -> None:
        """Replace `previous` by `head` and append `delta` in one transaction; raises `Conflict` if the head moved.

        Every commit raises `seq` or `basis`, so that the condition tells any two heads apart.
        """
        put_head: Any = {
            "TableName": self._table,
            "Item": encode(
                {
                    "pk": _pk(workspace, view),
                    "sk": HEAD,
                    "epoch": head.epoch,
                    "seq": head.seq,
                    "hour": head.hour,
                    "basis": head.basis,
                    "definition": head.definition,
                    "calendar": head.calendar or None,
                    "generated_at": head.generated_at,
                    "snapshot": pack({"sections": head.sections, "checksums": head.checksums}),
                    "expires_at": now_seconds + HEAD_SECONDS,
                }
            ),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        if previous is not None:
            put_head["ConditionExpression"] = "epoch = :epoch AND seq = :seq AND basis = :basis"
            put_head["ExpressionAttributeValues"] = encode(
                {":epoch": previous.epoch, ":seq": previous.seq, ":basis": previous.basis}
            )
        if delta is None:
            clients.dynamodb().put_item(**put_head)
            return
        put_delta: Any = {
            "TableName": self._table,
            "Item": encode(
                {
                    "pk": _pk(workspace, view),
                    "sk": _delta_key(delta.seq),
                    "epoch": delta.epoch,
                    "base": delta.base,
                    "seq": delta.seq,
                    "delta": pack({"patch": delta.patch, "checksums": delta.checksums}),
                    "generated_at": delta.generated_at,
                    "expires_at": now_seconds + recovery_seconds,
                }
            ),
        }
        clients.dynamodb().transact_write_items(TransactItems=[{"Put": put_head}, {"Put": put_delta}])

    def deltas(self, workspace: str, view: View, after: int, upto: int) -> list[Delta]:
        """Read the deltas with after < seq <= upto, in order; expired ones may be missing."""
        if upto <= after:
            return []
        places = {":pk": _pk(workspace, view), ":first": _delta_key(after + 1), ":last": _delta_key(upto)}
        return [delta_of(item) for item in query(self._table, "pk = :pk AND sk BETWEEN :first AND :last", places)]


def pack(value: Any) -> bytes:
    """Return the blob of a value."""
    return zlib.compress(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def unpack(blob: bytes) -> Any:
    """Return the value of a blob."""
    return json.loads(zlib.decompress(blob))


def delta_of(item: dict[str, Any]) -> Delta:
    """Return the delta that a plain item of the log holds."""
    body = unpack(item["delta"])
    return Delta(item["epoch"], item["base"], item["seq"], body["patch"], body["checksums"], item["generated_at"])


def _head(item: dict[str, Any]) -> Head:
    body = unpack(item["snapshot"])
    return Head(
        epoch=item["epoch"],
        seq=item["seq"],
        hour=item["hour"],
        basis=item["basis"],
        definition=item["definition"],
        generated_at=item["generated_at"],
        sections=body["sections"],
        checksums=body["checksums"],
        calendar=item.get("calendar", 0),
    )


def _pk(workspace: str, view: View) -> str:
    return f"{workspace}#{view.key}"


def _delta_key(seq: int) -> str:
    return f"D#{seq:012d}"
