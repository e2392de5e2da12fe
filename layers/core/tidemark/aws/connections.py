"""Leases and subscriptions, in the Connections table (listeners.py has who takes messages).

A lease lists what `close` must remove, and carries `revision`, raised by whatever adds to that list. Subscription and
list are written in one transaction, and the lease is removed only as it was read: whichever comes first of a
subscription and the end of its connection, no subscription is left without a lease.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.aws.watches import DynamoWatches, item_key, lease_key, listeners_pk, view_pk
from tidemark.domain.errors import Conflict, InvalidRequest, Unavailable
from tidemark.domain.views import View
from tidemark.services.contention import attempts
from tidemark.services.ports import Connection

MAX_VIEWS_PER_CONNECTION = 16


class DynamoConnections(DynamoWatches):
    """The `Connections` port on DynamoDB."""

    @clients.translated()
    def open(self, connection: Connection) -> None:
        """Store the lease of a connection."""
        lease = {
            **lease_key(connection.connection),
            **encode(
                {
                    "workspace": connection.workspace,
                    "role": connection.role,
                    "expires_at": connection.expires_at,
                }
            ),
        }
        clients.dynamodb().put_item(TableName=self._table, Item=lease)

    def get(self, connection: str, now_seconds: int) -> Connection | None:
        """Read a lease; None if there is none or it is over."""
        item = self._lease(connection)
        if item is None or item.get("expires_at", 0) <= now_seconds:
            return None
        views = frozenset(item.get("views", ()))
        return Connection(connection, item["workspace"], item["role"], item["expires_at"], views)

    def close(self, connection: str) -> None:
        """Remove a connection's subscriptions, then its lease: a crash between leaves the list to go on from."""
        for _ in attempts():
            with suppress(Conflict):
                lease = self._lease(connection)
                if lease is not None:
                    self._end(connection, lease)
                return
        raise _contended()

    def subscribe(self, connection: str, workspace: str, view: View, expires_at: int) -> None:
        """Store a subscription for the broadcast to find, and in the lease, for `close` to find.

        Raises `InvalidRequest` if the connection is over or has too many.
        """
        for _ in attempts():
            with suppress(Conflict):
                self._subscribe(connection, workspace, view, expires_at)
                return
        raise _contended()

    def unsubscribe(self, connection: str, workspace: str, view: View) -> None:
        """Remove a subscription, and the watch if it was the last; idempotent."""
        for _ in attempts():
            with suppress(Conflict):
                lease = self._lease(connection)
                self._leave(connection, workspace, view)
                if lease is not None:
                    self._forget(connection, lease, view)
                return
        raise _contended()

    @clients.translated()
    def is_subscribed(self, connection: str, workspace: str, view: View, now_seconds: int) -> bool:
        """Answer whether a connection has a subscription that is not over."""
        found = clients.dynamodb().get_item(
            TableName=self._table, Key=item_key(view_pk(workspace, view), connection), ConsistentRead=True
        )
        return "Item" in found and bool(decode(found["Item"])["expires_at"] > now_seconds)

    @clients.translated()
    def _subscribe(self, connection: str, workspace: str, view: View, expires_at: int) -> None:
        lease: Any = {
            "TableName": self._table,
            "Key": lease_key(connection),
            "UpdateExpression": "ADD #views :view, revision :one",
            "ConditionExpression": "workspace = :workspace AND "
            "(attribute_not_exists(#views) OR size(#views) < :most OR contains(#views, :key))",
            "ExpressionAttributeNames": {"#views": "views"},
            "ExpressionAttributeValues": encode(
                {
                    ":view": {view.key},
                    ":key": view.key,
                    ":most": MAX_VIEWS_PER_CONNECTION,
                    ":one": 1,
                    ":workspace": workspace,
                }
            ),
        }
        item = {**item_key(view_pk(workspace, view), connection), **encode({"expires_at": expires_at})}
        put: Any = {"TableName": self._table, "Item": item}
        try:
            clients.dynamodb().transact_write_items(TransactItems=[{"Update": lease}, {"Put": put}])
        except clients.transaction_canceled() as error:
            if clients.has_failed_condition(error):
                raise InvalidRequest(
                    f"the connection is over, or has {MAX_VIEWS_PER_CONNECTION} subscriptions already", field="view"
                ) from None
            raise

    @clients.translated()
    def _lease(self, connection: str) -> dict[str, Any] | None:
        found = clients.dynamodb().get_item(TableName=self._table, Key=lease_key(connection), ConsistentRead=True)
        return decode(found["Item"]) if "Item" in found else None

    @clients.translated()
    def _end(self, connection: str, lease: dict[str, Any]) -> None:
        """Remove all that a lease lists, then the lease; raises `Conflict` if more was added to it meanwhile."""
        for view in sorted(lease.get("views", ())):
            self._leave(connection, lease["workspace"], View.from_key(view))
        if "user" in lease:
            listener = item_key(listeners_pk(lease["workspace"], lease["user"]), connection)
            clients.dynamodb().delete_item(TableName=self._table, Key=listener)
        clients.dynamodb().delete_item(TableName=self._table, Key=lease_key(connection), **_as_read(lease))

    @clients.translated()
    def _forget(self, connection: str, lease: dict[str, Any], view: View) -> None:
        """Take a view out of a lease; raises `Conflict` if any was added meanwhile: perhaps it was this one."""
        as_read = _as_read(lease)
        values = {**as_read.pop("ExpressionAttributeValues", {}), **encode({":view": {view.key}})}
        clients.dynamodb().update_item(
            TableName=self._table,
            Key=lease_key(connection),
            UpdateExpression="DELETE #views :view",
            ExpressionAttributeNames={"#views": "views"},
            ExpressionAttributeValues=values,
            **as_read,
        )


def _as_read(lease: dict[str, Any]) -> Any:
    """Return the condition that nothing was added to a lease since it was read, and that it is still there."""
    if "revision" not in lease:
        return {"ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(revision)"}
    return {
        "ConditionExpression": "revision = :revision",
        "ExpressionAttributeValues": encode({":revision": lease["revision"]}),
    }


def _contended() -> Unavailable:
    return Unavailable("the connection changes too often at once; try again")
