"""The notes of hours that cold storage has to write: in the Work table. The layout stands in docs/storage.md."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from zlib import crc32

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.aws.queries import query
from tidemark.services.cold_ports import DueNote

PARTITIONS = 16
"""Over which the notes are spread: a partition takes 1,000 writes a second. Each minute one of them is read: a
workspace has two or three notes of 100 bytes at a time, so an index would cost more than it saves."""


class DynamoColdNotes:
    """The `ColdNotes` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def note(self, workspace: str, hour: str, noted_at: int, due_at: int) -> None:
        """Note that a batch of an hour was analysed; the hour is due at `due_at` unless it was to be so before."""
        clients.dynamodb().update_item(
            TableName=self._table,
            Key=encode(note_key(workspace, hour)),
            UpdateExpression="SET noted_at = :noted, due_at = if_not_exists(due_at, :due)",
            ExpressionAttributeValues=encode({":noted": noted_at, ":due": due_at}),
        )

    @clients.translated()
    def find(self, workspace: str, hour: str) -> int | None:
        """Read when an hour was noted last, consistently; None if it is not noted."""
        key = encode(note_key(workspace, hour))
        answer = clients.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return int(decode(answer["Item"])["noted_at"]) if "Item" in answer else None

    def due(self, now_seconds: int) -> Iterator[DueNote]:
        """Read what is due of one partition, each minute of the next one: nothing here is in a hurry."""
        for item in query(
            self._table,
            "pk = :pk",
            {":pk": _partition(now_seconds // 60), ":now": now_seconds},
            consistent=False,
            FilterExpression="due_at <= :now",
        ):
            workspace, hour = item["sk"].split("#")
            yield DueNote(workspace, hour, item["due_at"])

    @clients.translated()
    def postpone(self, workspace: str, hour: str, due_at: int) -> None:
        """Have an hour be due later, if it is noted."""
        with suppress(clients.condition_failed()):
            clients.dynamodb().update_item(
                TableName=self._table,
                Key=encode(note_key(workspace, hour)),
                UpdateExpression="SET due_at = :due",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=encode({":due": due_at}),
            )

    @clients.translated()
    def remove(self, workspace: str, hour: str, noted_at: int) -> None:
        """Take a note away, unless it was made anew since `noted_at`."""
        with suppress(clients.condition_failed()):
            clients.dynamodb().delete_item(
                TableName=self._table,
                Key=encode(note_key(workspace, hour)),
                ConditionExpression="noted_at = :noted",
                ExpressionAttributeValues=encode({":noted": noted_at}),
            )


def note_key(workspace: str, hour: str) -> dict[str, str]:
    """Return the key of a note."""
    return {"pk": _partition(crc32(workspace.encode())), "sk": f"{workspace}#{hour}"}


def _partition(number: int) -> str:
    return f"C#{number % PARTITIONS:02d}"
