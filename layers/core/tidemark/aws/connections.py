"""Leases, subscriptions and watched views, in the Connections table.

Expiry is checked on every read, since TTL deletes late. A watch carries `revision`, raised by every subscriber, so
that the last one to leave removes it only if nobody came meanwhile.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.domain.errors import InvalidRequest, TooManyViews, Unavailable
from tidemark.domain.views import View
from tidemark.services.ports import Connection, Watch

MAX_VIEWS_PER_CONNECTION = 16
MAX_VIEWS_PER_WORKSPACE = 32
"""Each watched view is rendered with every fold; this bounds what one workspace can ask of it."""

GRACE_SECONDS = 300
"""How long a watch that is over is still kept up. Whoever renews it just before its end may be slow, and clocks differ:
the head must not have missed a fold that came in between. More than any function runs."""

LEASE = "LEASE"
WATCH_ATTEMPTS = 5


class DynamoConnections:
    """The `Connections` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def open(self, connection: Connection) -> None:
        """Store the lease of a connection."""
        lease = {
            **_lease_key(connection.connection),
            **encode(
                {
                    "workspace": connection.workspace,
                    "role": connection.role,
                    "expires_at": connection.expires_at,
                }
            ),
        }
        clients.dynamodb().put_item(TableName=self._table, Item=lease)

    @clients.translated()
    def get(self, connection: str, now_seconds: int) -> Connection | None:
        """Read a lease; None if there is none or it is over."""
        found = clients.dynamodb().get_item(TableName=self._table, Key=_lease_key(connection), ConsistentRead=True)
        if "Item" not in found:
            return None
        item = decode(found["Item"])
        if item.get("expires_at", 0) <= now_seconds:
            return None
        views = frozenset(item.get("views", ()))
        return Connection(connection, item["workspace"], item["role"], item["expires_at"], views)

    @clients.translated()
    def close(self, connection: str) -> None:
        """Remove a connection's subscriptions, then its lease: a crash between leaves the list to go on from."""
        found = clients.dynamodb().get_item(TableName=self._table, Key=_lease_key(connection), ConsistentRead=True)
        if "Item" not in found:
            return
        item = decode(found["Item"])
        for view in sorted(item.get("views", ())):
            self._leave(connection, item["workspace"], View.from_key(view))
        clients.dynamodb().delete_item(TableName=self._table, Key=_lease_key(connection))

    @clients.translated()
    def subscribe(self, connection: str, workspace: str, view: View, expires_at: int) -> None:
        """Store a subscription: first in the lease, which `close` reads, then where the broadcast finds it."""
        try:
            clients.dynamodb().update_item(
                TableName=self._table,
                Key=_lease_key(connection),
                UpdateExpression="ADD #views :view",
                ConditionExpression="workspace = :workspace AND "
                "(attribute_not_exists(#views) OR size(#views) < :most OR contains(#views, :key))",
                ExpressionAttributeNames={"#views": "views"},
                ExpressionAttributeValues=encode(
                    {
                        ":view": {view.key},
                        ":key": view.key,
                        ":most": MAX_VIEWS_PER_CONNECTION,
                        ":workspace": workspace,
                    }
                ),
            )
        except clients.condition_failed():
            raise InvalidRequest(
                f"the connection is over, or has {MAX_VIEWS_PER_CONNECTION} subscriptions already", field="view"
            ) from None
        item = {**_key(_view_pk(workspace, view), connection), **encode({"expires_at": expires_at})}
        clients.dynamodb().put_item(TableName=self._table, Item=item)

    @clients.translated()
    def unsubscribe(self, connection: str, workspace: str, view: View) -> None:
        """Remove a subscription, and the watch if it was the last; idempotent."""
        self._leave(connection, workspace, view)
        try:
            clients.dynamodb().update_item(
                TableName=self._table,
                Key=_lease_key(connection),
                UpdateExpression="DELETE #views :view",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeNames={"#views": "views"},
                ExpressionAttributeValues=encode({":view": {view.key}}),
            )
        except clients.condition_failed():
            return

    @clients.translated()
    def subscribers(self, workspace: str, view: View, now_seconds: int) -> list[str]:
        """Read the connections that watch a view."""
        found = self._living(_view_pk(workspace, view), now_seconds)
        return [item["sk"] for item in found]

    @clients.translated()
    def watched(self, workspace: str, now_seconds: int) -> list[View]:
        """Read the views of a workspace that are watched, or were a moment ago."""
        return [View.from_key(item["sk"]) for item in self._living(_watch_pk(workspace), now_seconds - GRACE_SECONDS)]

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
            try:
                clients.dynamodb().put_item(
                    TableName=self._table,
                    Item={**_key(_watch_pk(workspace), view.key), **encode(created)},
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
                Key=_key(_watch_pk(workspace), view.key),
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
        watch = self._watch(workspace, view)  # before the subscribers, so that a newcomer changes its revision
        clients.dynamodb().delete_item(TableName=self._table, Key=_key(_view_pk(workspace, view), connection))
        if watch is None or self._living(_view_pk(workspace, view), 0):
            return
        try:
            clients.dynamodb().delete_item(
                TableName=self._table,
                Key=_key(_watch_pk(workspace), view.key),
                ConditionExpression="generation = :generation AND revision = :revision",
                ExpressionAttributeValues=encode({":generation": watch["generation"], ":revision": watch["revision"]}),
            )
        except clients.condition_failed():
            return

    def _watch(self, workspace: str, view: View) -> dict[str, Any] | None:
        found = clients.dynamodb().get_item(
            TableName=self._table, Key=_key(_watch_pk(workspace), view.key), ConsistentRead=True
        )
        return decode(found["Item"]) if "Item" in found else None

    def _renew(self, workspace: str, view: View, now_seconds: int, expires_at: int) -> Watch | None:
        try:
            renewed = clients.dynamodb().update_item(
                TableName=self._table,
                Key=_key(_watch_pk(workspace), view.key),
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
        pages = (
            clients.dynamodb()
            .get_paginator("query")
            .paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=encode({":pk": pk}),
                ConsistentRead=True,
            )
        )
        items = [decode(item) for page in pages for item in page["Items"]]
        return [item for item in items if item["expires_at"] > now_seconds]


def _key(pk: str, sk: str) -> Any:
    return encode({"pk": pk, "sk": sk})


def _lease_key(connection: str) -> Any:
    return _key(f"C#{connection}", LEASE)


def _view_pk(workspace: str, view: View) -> str:
    return f"{workspace}#{view.key}"


def _watch_pk(workspace: str) -> str:
    return f"W#{workspace}"
