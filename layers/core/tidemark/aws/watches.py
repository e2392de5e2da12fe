"""Watched views, in the Connections table.

A watch carries `revision`, raised by every subscriber, so that the last one to leave removes it only if nobody came
meanwhile. Expiry is checked on every read, since TTL deletes late.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4
from zlib import crc32

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.aws.queries import query
from tidemark.domain.errors import TooManyViews, Unavailable
from tidemark.domain.views import View
from tidemark.services.ports import Watch

MAX_VIEWS_PER_WORKSPACE = 32
"""Each watched view is rendered with every fold; this bounds what one workspace can ask of it."""

GRACE_SECONDS = 300
"""How long a watch that is over is still kept up. Whoever renews it just before its end may be slow, and clocks differ:
the head must not have missed a fold that came in between. More than any function runs."""

WATCH_ATTEMPTS = 5

WATCHED_INDEX = "watched"
WATCH_BUCKETS = 16
"""Over which the index of the watched views is spread."""


class DynamoWatches:
    """The part of the `Connections` port on DynamoDB that is about watches and who is subscribed."""

    def __init__(self, table: str) -> None:
        self._table = table

    def subscribers(self, workspace: str, view: View, now_seconds: int) -> list[str]:
        """Read the connections that watch a view."""
        return [item["sk"] for item in self._living(view_pk(workspace, view), now_seconds)]

    def watched(self, workspace: str, now_seconds: int) -> list[View]:
        """Read the views of a workspace that are watched, or were a moment ago."""
        return [View.from_key(item["sk"]) for item in self._living(_watch_pk(workspace), now_seconds - GRACE_SECONDS)]

    def watched_anywhere(self, now_seconds: int) -> Iterator[tuple[str, View]]:
        """Read the watched views of all workspaces, a page at a time; what was just watched may be missing."""
        for bucket in range(WATCH_BUCKETS):
            for item in query(
                self._table,
                "#bucket = :bucket AND expires_at > :now",
                {":bucket": f"{bucket:02d}", ":now": now_seconds},
                consistent=False,
                IndexName=WATCHED_INDEX,
                ExpressionAttributeNames={"#bucket": "bucket"},
            ):
                yield item["pk"].removeprefix("W#"), View.from_key(item["sk"])

    @clients.translated()
    def watch(self, workspace: str, view: View, now_seconds: int, expires_at: int) -> Watch:
        """Have the view watched until `expires_at`.

        A watch that is over is replaced by one of a new generation, whose head is not settled: it was not kept up
        meanwhile.
        """
        for _ in range(WATCH_ATTEMPTS):
            renewed = self._renew(workspace, view, now_seconds, expires_at)
            if renewed is not None:
                return renewed
            if len(self.watched(workspace, now_seconds)) >= MAX_VIEWS_PER_WORKSPACE:
                raise TooManyViews(f"the workspace already watches {MAX_VIEWS_PER_WORKSPACE} different views")
            created = {"generation": uuid4().hex, "revision": 1, "expires_at": expires_at, "settled": False}
            created["bucket"] = f"{crc32(f'{workspace}#{view.key}'.encode()) % WATCH_BUCKETS:02d}"
            try:
                clients.dynamodb().put_item(
                    TableName=self._table,
                    Item={**item_key(_watch_pk(workspace), view.key), **encode(created)},
                    ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                    ExpressionAttributeValues=encode({":now": now_seconds}),
                )
            except clients.condition_failed():
                continue
            return Watch(str(created["generation"]), settled=False)
        raise Unavailable("the view is being subscribed to by many at once; try again")

    @clients.translated()
    def settle(self, workspace: str, view: View, generation: str) -> None:
        """State that the head was rendered in full under this generation of the watch; does nothing if that is over."""
        try:
            clients.dynamodb().update_item(
                TableName=self._table,
                Key=item_key(_watch_pk(workspace), view.key),
                UpdateExpression="SET settled = :true",
                ConditionExpression="generation = :generation",
                ExpressionAttributeValues=encode({":true": True, ":generation": generation}),
            )
        except clients.condition_failed():
            return

    @clients.translated()
    def is_settled(self, workspace: str, view: View, now_seconds: int) -> bool:
        """Answer whether the view is watched and its head settled."""
        watch = self._watch(workspace, view)
        return bool(watch and watch["expires_at"] > now_seconds and watch.get("settled"))

    def _leave(self, connection: str, workspace: str, view: View) -> None:
        """Remove a subscription, and the watch if it was the last; idempotent."""
        watch = self._watch(workspace, view)  # before the subscribers, so that a newcomer changes its revision
        clients.dynamodb().delete_item(TableName=self._table, Key=item_key(view_pk(workspace, view), connection))
        if watch is None or self._living(view_pk(workspace, view), 0):
            return
        try:
            clients.dynamodb().delete_item(
                TableName=self._table,
                Key=item_key(_watch_pk(workspace), view.key),
                ConditionExpression="generation = :generation AND revision = :revision",
                ExpressionAttributeValues=encode({":generation": watch["generation"], ":revision": watch["revision"]}),
            )
        except clients.condition_failed():
            return

    def _watch(self, workspace: str, view: View) -> dict[str, Any] | None:
        found = clients.dynamodb().get_item(
            TableName=self._table, Key=item_key(_watch_pk(workspace), view.key), ConsistentRead=True
        )
        return decode(found["Item"]) if "Item" in found else None

    def _renew(self, workspace: str, view: View, now_seconds: int, expires_at: int) -> Watch | None:
        try:
            renewed = clients.dynamodb().update_item(
                TableName=self._table,
                Key=item_key(_watch_pk(workspace), view.key),
                UpdateExpression="SET expires_at = :expires_at ADD revision :one",
                ConditionExpression="expires_at > :now",
                ExpressionAttributeValues=encode({":expires_at": expires_at, ":one": 1, ":now": now_seconds}),
                ReturnValues="ALL_NEW",
            )
        except clients.condition_failed():
            return None
        item = decode(renewed["Attributes"])
        return Watch(item["generation"], item["settled"])

    def _living(self, pk: str, now_seconds: int) -> list[dict[str, Any]]:
        items = query(self._table, "pk = :pk", {":pk": pk})
        return [item for item in items if item["expires_at"] > now_seconds]


def item_key(pk: str, sk: str) -> Any:
    """Return the key of an item."""
    return encode({"pk": pk, "sk": sk})


def lease_key(connection: str) -> Any:
    """Return the key of a connection's lease."""
    return item_key(f"C#{connection}", "LEASE")


def listeners_pk(workspace: str, user: str) -> str:
    """Return the partition of the connections on which a user listens."""
    return f"U#{workspace}#{user}"


def view_pk(workspace: str, view: View) -> str:
    """Return the partition of a view's subscriptions."""
    return f"{workspace}#{view.key}"


def _watch_pk(workspace: str) -> str:
    return f"W#{workspace}"
