"""The Inbox table: what users were sent and have not acknowledged. Its layout stands in docs/storage.md.

A message, its id and the user's head are one transaction, conditional on the head: so `seq` has no hole and no message
counts twice. The head counts the pending messages; TTL does not, so a full inbox is counted anew before it is believed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.aws.queries import query
from tidemark.domain.errors import Conflict, Unavailable, Undeliverable
from tidemark.domain.events import compact_json
from tidemark.domain.messages import KEPT_SECONDS, MAX_PENDING, Delivery, Notice, UserMessage
from tidemark.services.ports import Placed

HEAD = "HEAD"
REMOVED_AT_ONCE = 50
"""Messages in one transaction, which takes 100 writes at most; few enough that a race rarely costs a second try."""
BATCH_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Head:
    seq: int = 0
    pending: int = 0
    full_until: int = 0
    """When the oldest message ends that a full inbox was seen to hold: until then counting again is no use."""


class DynamoInbox:
    """The `Inbox` port."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def append(self, workspace: str, notice: Notice, now_seconds: int) -> UserMessage:
        """Store a message behind all others of its user; raises `Conflict` or `Undeliverable`."""
        pk = _pk(workspace, notice.user)
        head = self._head(pk)
        if head.pending >= MAX_PENDING:
            if now_seconds >= head.full_until:
                head = self._recounted(pk, head, now_seconds)
            if head.pending >= MAX_PENDING:
                raise Undeliverable(f"the inbox of the user is full: it holds {MAX_PENDING} messages")
        message = UserMessage(head.seq + 1, notice.message_id, notice.body, notice.sent_at, notice.thread)
        stored = {
            "message_id": notice.message_id,
            "thread": notice.thread,
            "body": compact_json(notice.body).decode(),
            "sent_at": notice.sent_at,
            "expires_at": now_seconds + KEPT_SECONDS,
        }
        known = {"seq": message.seq, "expires_at": now_seconds + KEPT_SECONDS}
        clients.dynamodb().transact_write_items(
            TransactItems=[
                {"Update": self._moved(pk, head, message.seq, head.pending + 1)},
                {"Put": {"TableName": self._table, "Item": _key(pk, _message_sk(message.seq)) | encode(stored)}},
                {
                    "Put": {
                        "TableName": self._table,
                        "Item": _key(pk, _id_sk(notice.message_id)) | encode(known),
                        "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
                        "ExpressionAttributeValues": encode({":now": now_seconds}),
                    }
                },
            ]
        )
        return message

    @clients.translated()
    def find(self, workspace: str, user: str, message_id: str, now_seconds: int) -> Placed | None:
        """Read what became of the message of that id; None if there was none."""
        pk = _pk(workspace, user)
        known = self._get(pk, _id_sk(message_id))
        if known is None or known["expires_at"] <= now_seconds:
            return None
        item = self._get(pk, _message_sk(known["seq"]))
        pending = _message(item) if item is not None and item["expires_at"] > now_seconds else None
        return Placed(Delivery(known.get("delivery", "inbox"), known.get("connections", 0)), pending)

    @clients.translated()
    def record(self, workspace: str, user: str, message_id: str, delivery: Delivery) -> None:
        """State where a message was pushed to."""
        clients.dynamodb().update_item(
            TableName=self._table,
            Key=_key(_pk(workspace, user), _id_sk(message_id)),
            UpdateExpression="SET delivery = :to, connections = :connections",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues=encode({":to": delivery.to, ":connections": delivery.connections}),
        )

    @clients.translated()
    def pending(self, workspace: str, user: str, now_seconds: int) -> list[UserMessage]:
        """Read the messages that are not acknowledged, oldest first."""
        return [_message(item) for item in self._living(_pk(workspace, user), now_seconds)]

    @clients.translated()
    def remove(self, workspace: str, user: str, message_ids: Sequence[str], now_seconds: int) -> None:
        """Take messages out; what is not there, or no longer, changes nothing."""
        pk = _pk(workspace, user)
        places = self._places(pk, message_ids)
        for start in range(0, len(places), REMOVED_AT_ONCE):
            self._remove(pk, places[start : start + REMOVED_AT_ONCE], now_seconds)

    def _remove(self, pk: str, places: Sequence[int], now_seconds: int) -> None:
        """Delete the messages of these seqs that are there, and count down by as many, in one transaction."""
        left = list(places)
        while left:
            deletes: list[Any] = [
                {
                    "Delete": {
                        "TableName": self._table,
                        "Key": _key(pk, _message_sk(seq)),
                        # One that has expired is not among those that a new count would find.
                        "ConditionExpression": "expires_at > :now",
                        "ExpressionAttributeValues": encode({":now": now_seconds}),
                    }
                }
                for seq in left
            ]
            fewer: Any = {
                "TableName": self._table,
                "Key": _key(pk, HEAD),
                "UpdateExpression": "ADD pending :fewer",
                "ExpressionAttributeValues": encode({":fewer": -len(left)}),
            }
            try:
                clients.dynamodb().transact_write_items(TransactItems=[*deletes, {"Update": fewer}])
            except clients.transaction_canceled() as error:
                gone = clients.failed_conditions(error)
                if not gone:
                    raise
                left = [seq for place, seq in enumerate(left) if place not in gone]
            else:
                return

    def _head(self, pk: str) -> _Head:
        item = self._get(pk, HEAD)
        return _Head(item["seq"], item["pending"], item.get("full_until", 0)) if item else _Head()

    def _recounted(self, pk: str, head: _Head, now_seconds: int) -> _Head:
        """Return the head with its messages counted, and store that; raises `Conflict` if it has moved meanwhile."""
        living = list(self._living(pk, now_seconds))
        full_until = min((item["expires_at"] for item in living), default=0) if len(living) >= MAX_PENDING else 0
        counted = _Head(head.seq, len(living), full_until)
        try:
            clients.dynamodb().update_item(**self._moved(pk, head, head.seq, len(living), full_until))
        except clients.condition_failed():
            raise Conflict("the inbox has changed while it was counted") from None
        return counted

    def _moved(self, pk: str, head: _Head, seq: int, pending: int, full_until: int = 0) -> Any:
        """Return the update that moves a head that is where it was read: seq grows and pending falls, so both tell."""
        unmoved = "seq = :old_seq AND pending = :old_pending"
        return {
            "TableName": self._table,
            "Key": _key(pk, HEAD),
            "UpdateExpression": "SET seq = :seq, pending = :pending, full_until = :full_until",
            "ConditionExpression": unmoved if head.seq else f"attribute_not_exists(pk) OR ({unmoved})",
            "ExpressionAttributeValues": encode(
                {
                    ":seq": seq,
                    ":pending": pending,
                    ":full_until": full_until,
                    ":old_seq": head.seq,
                    ":old_pending": head.pending,
                }
            ),
        }

    def _places(self, pk: str, message_ids: Sequence[str]) -> list[int]:
        """Return the seqs of those ids, at most 100 as one read takes, that are known."""
        wanted: Any = [_key(pk, _id_sk(message_id)) for message_id in message_ids]
        request: Any = {self._table: {"Keys": wanted, "ConsistentRead": True, "ProjectionExpression": "seq"}}
        found: list[int] = []
        for _ in range(BATCH_ATTEMPTS):
            answer = clients.dynamodb().batch_get_item(RequestItems=request)
            found += [decode(item)["seq"] for item in answer["Responses"].get(self._table, ())]
            request = answer.get("UnprocessedKeys")
            if not request:
                return sorted(found)
        raise Unavailable("the store left keys unread; try again")

    def _living(self, pk: str, now_seconds: int) -> Iterator[dict[str, Any]]:
        items = query(self._table, "pk = :pk AND begins_with(sk, :messages)", {":pk": pk, ":messages": "M#"})
        return (item for item in items if item["expires_at"] > now_seconds)

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        found = clients.dynamodb().get_item(TableName=self._table, Key=_key(pk, sk), ConsistentRead=True)
        return decode(found["Item"]) if "Item" in found else None


def _message(item: dict[str, Any]) -> UserMessage:
    seq = int(item["sk"].removeprefix("M#"))
    return UserMessage(seq, item["message_id"], json.loads(item["body"]), item["sent_at"], item.get("thread"))


def _pk(workspace: str, user: str) -> str:
    return f"{workspace}#{user}"


def _message_sk(seq: int) -> str:
    return f"M#{seq:012d}"


def _id_sk(message_id: str) -> str:
    return f"ID#{message_id}"


def _key(pk: str, sk: str) -> Any:
    return encode({"pk": pk, "sk": sk})
