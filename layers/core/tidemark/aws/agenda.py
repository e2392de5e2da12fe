"""Which hours have events, and which periods are due: in the Work table. Its layout stands in docs/storage.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4
from zlib import crc32

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.aws.queries import query
from tidemark.services.closing_ports import Due

BUCKETS = 16
"""Over which the due periods are spread: at the turn of an hour every active workspace adds one, and a
partition takes 1,000 writes a second."""

_DATE = len("2026-11-22")
_AFTER_SEPARATOR = chr(ord("#") + 1)


class DynamoAgenda:
    """The `Agenda` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def note(self, workspace: str, hour: str, shard: int) -> bool:
        """State that a shard of an hour has events; answer whether that was news."""
        noted = _entry(hour, shard)
        answer = clients.dynamodb().update_item(
            TableName=self._table,
            Key=encode({"pk": f"H#{workspace}", "sk": hour[:_DATE]}),
            UpdateExpression="ADD hours :hour",
            ExpressionAttributeValues=encode({":hour": {noted}}),
            ReturnValues="UPDATED_OLD",
        )
        return noted not in decode(answer.get("Attributes", {})).get("hours", ())

    def hours(self, workspace: str, first: str, last: str) -> list[str]:
        """Read, consistently, the hours with events from `first` to `last`, both included, in order."""
        dates = {":pk": f"H#{workspace}", ":first": first[:_DATE], ":last": last[:_DATE]}
        items = query(self._table, "pk = :pk AND sk BETWEEN :first AND :last", dates)
        noted = {f"{item['sk']}T{entry.partition('#')[0]}" for item in items for entry in item.get("hours", ())}
        return sorted(hour for hour in noted if first <= hour <= last)

    @clients.translated()
    def forget(self, workspace: str, places: Iterable[tuple[str, int]]) -> None:
        """State that shards of hours, as (hour, shard), have no events any more."""
        dates: dict[str, set[str]] = {}
        for hour, shard in places:
            dates.setdefault(hour[:_DATE], set()).add(_entry(hour, shard))
        for day, entries in dates.items():
            request: Any = {
                "TableName": self._table,
                "Key": encode({"pk": f"H#{workspace}", "sk": day}),
                "ExpressionAttributeValues": encode({":entries": entries}),
            }
            try:
                clients.dynamodb().delete_item(**request, ConditionExpression="hours = :entries")
            except clients.condition_failed():  # there are others
                clients.dynamodb().update_item(**request, UpdateExpression="DELETE hours :entries")

    @clients.translated()
    def schedule(self, workspace: str, period: str, slot: str) -> Due:
        """Make a period due in the run of `slot`, with a new mark."""
        due, put = self.scheduling(workspace, period, slot)
        clients.dynamodb().put_item(**put)
        return due

    def scheduling(self, workspace: str, period: str, slot: str) -> tuple[Due, Any]:
        """Return what `schedule` makes due, and the put that does it, for a transaction."""
        due = Due(workspace, period, slot, uuid4().hex[:12])
        return due, {"TableName": self._table, "Item": encode(_due_key(due) | {"mark": due.mark})}

    @clients.translated()
    def find(self, due: Due) -> Due | None:
        """Read, consistently, a due period with its current mark; None if it is not due in that slot."""
        found = clients.dynamodb().get_item(TableName=self._table, Key=encode(_due_key(due)), ConsistentRead=True)
        return _due(decode(found["Item"])) if "Item" in found else None

    def due(self, slot: str) -> Iterator[Due]:
        """Read what is due in a slot, consistently, a page at a time."""
        for bucket in range(BUCKETS):
            yield from self._due(bucket, "begins_with(sk, :slot)", {":slot": f"{slot}#"})

    def due_until(self, slot: str) -> Iterator[Due]:
        """Read what is due in a slot or in one before, consistently, a page at a time."""
        for bucket in range(BUCKETS):
            yield from self._due(bucket, "sk < :after", {":after": f"{slot}{_AFTER_SEPARATOR}"})

    def left(self, workspace: str, slot: str) -> list[Due]:
        """Read, consistently, what is due of one workspace in a slot."""
        return list(self._due(_bucket(workspace), "begins_with(sk, :own)", {":own": f"{slot}#{workspace}#"}))

    @clients.translated()
    def count_until(self, slot: str, most: int) -> tuple[int, bool]:
        """Count what is due in a slot or before, at most about `most`; answer also whether that was all."""
        counted, is_all = 0, True
        for bucket in range(BUCKETS):
            answer = clients.dynamodb().query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk < :after",
                ExpressionAttributeValues=encode({":pk": _due_pk(bucket), ":after": f"{slot}{_AFTER_SEPARATOR}"}),
                Select="COUNT",
                Limit=max(1, most // BUCKETS),
            )
            counted += answer["Count"]
            is_all = is_all and "LastEvaluatedKey" not in answer
        return counted, is_all

    @clients.translated()
    def settle(self, due: Due) -> None:
        """Take a due period off, unless it has become due again since; idempotent."""
        try:
            clients.dynamodb().delete_item(
                TableName=self._table,
                Key=encode(_due_key(due)),
                ConditionExpression="mark = :mark",
                ExpressionAttributeValues=encode({":mark": due.mark}),
            )
        except clients.condition_failed():
            return

    @clients.translated()
    def oldest_slot(self) -> str | None:
        """Read the oldest slot that holds something; None if nothing is due at all."""
        oldest = []
        for bucket in range(BUCKETS):
            answer = clients.dynamodb().query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=encode({":pk": _due_pk(bucket)}),
                ConsistentRead=True,
                Limit=1,
            )
            oldest += [decode(item)["sk"].partition("#")[0] for item in answer["Items"]]
        return min(oldest, default=None)

    def _due(self, bucket: int, condition: str, values: dict[str, str]) -> Iterator[Due]:
        yield from map(_due, query(self._table, f"pk = :pk AND {condition}", {":pk": _due_pk(bucket), **values}))


def _entry(hour: str, shard: int) -> str:
    return f"{hour[_DATE + 1 :]}#{shard:02d}"


def _due_pk(bucket: int) -> str:
    return f"DUE#{bucket:02d}"


def _due_key(due: Due) -> dict[str, str]:
    return {"pk": _due_pk(_bucket(due.workspace)), "sk": f"{due.slot}#{due.workspace}#{due.period}"}


def _bucket(workspace: str) -> int:
    return crc32(workspace.encode()) % BUCKETS


def _due(item: dict[str, str]) -> Due:
    slot, workspace, period = item["sk"].split("#")
    return Due(workspace, period, slot, item["mark"])
