"""The erasure of a user's inbox: the messages, the ids of all that were sent, and the head, whose key names the user.

No Lambda may do this. The layout is that of `tidemark.aws.inbox`, and stands in docs/storage.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidemark.aws import clients
from tidemark.aws.inbox import HEAD
from tidemark.aws.items import encode
from tidemark.aws.queries import query
from tidemark.domain.errors import Unavailable
from tidemark.services.contention import attempts

Item = dict[str, Any]


class UserInbox:
    """What the Inbox table has of one user."""

    def __init__(self, table: str, workspace: str, user: str) -> None:
        self._table = table
        self._pk = f"{workspace}#{user}"

    def count(self) -> int:
        """Count the messages, the ids and the head."""
        return sum(1 for _ in self._items())

    @clients.translated()
    def erase(self) -> None:
        """Delete all of it; the head last, and only where it stands as it was read before the rest.

        So a message that comes meanwhile is neither kept behind a head that counts anew, nor lost on its way: it is
        erased with the next attempt, or comes after the erasure. Raises `Unavailable` if that never ends.
        """
        for _ in attempts():
            items = list(self._items())
            head = next((item for item in items if item["sk"] == HEAD), None)
            for item in items:
                if item is not head:
                    clients.dynamodb().delete_item(TableName=self._table, Key=self._key(item["sk"]))
            if head is None or self._delete_head(head):
                return
        raise Unavailable("the inbox is being written to all the time; try again")

    def _delete_head(self, head: Item) -> bool:
        try:
            clients.dynamodb().delete_item(
                TableName=self._table,
                Key=self._key(HEAD),
                ConditionExpression="attribute_not_exists(pk) OR seq = :seq",
                ExpressionAttributeValues=encode({":seq": head["seq"]}),
            )
        except clients.condition_failed():
            return False
        return True

    def _items(self) -> Iterator[Item]:
        return query(self._table, "pk = :pk", {":pk": self._pk}, ProjectionExpression="sk, seq")

    def _key(self, sk: str) -> Any:
        return encode({"pk": self._pk, "sk": sk})
