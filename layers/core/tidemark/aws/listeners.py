"""Which connections take the messages of a user, in the Connections table; expiry is checked on every read."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import encode
from tidemark.aws.queries import query
from tidemark.aws.watches import item_key, lease_key, listeners_pk
from tidemark.domain.errors import Conflict, InvalidRequest, Unavailable
from tidemark.domain.messages import Listener
from tidemark.services.contention import attempts

MAX_THREADS_PER_CONNECTION = 16


class DynamoListeners:
    """The `Listeners` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    def listen(self, connection: str, workspace: str, user: str, thread: str | None, expires_at: int) -> None:
        """Store a listener, and in the lease whose it is, for `close` to find it: both or neither."""
        lease: Any = {
            "TableName": self._table,
            "Key": lease_key(connection),
            "UpdateExpression": "SET #user = :user ADD revision :one",
            "ConditionExpression": "workspace = :workspace",
            "ExpressionAttributeNames": {"#user": "user"},
            "ExpressionAttributeValues": encode({":user": user, ":workspace": workspace, ":one": 1}),
        }
        listener: Any = {
            "TableName": self._table,
            "Key": item_key(listeners_pk(workspace, user), connection),
            "UpdateExpression": "SET expires_at = :expires_at",
            "ExpressionAttributeValues": encode({":expires_at": expires_at}),
        }
        if thread is not None:
            named = {":thread": {thread}, ":name": thread, ":most": MAX_THREADS_PER_CONNECTION}
            listener |= {
                "UpdateExpression": "SET expires_at = :expires_at ADD #threads :thread",
                "ConditionExpression": "attribute_not_exists(#threads) OR size(#threads) < :most"
                " OR contains(#threads, :name)",
                "ExpressionAttributeNames": {"#threads": "threads"},
                "ExpressionAttributeValues": encode({":expires_at": expires_at, **named}),
            }
        for _ in attempts():
            with suppress(Conflict):
                return self._store(lease, listener)
        raise Unavailable("the connection changes too often at once; try again")

    def listeners(self, workspace: str, user: str, now_seconds: int) -> list[Listener]:
        """Read the connections on which a user listens."""
        return [
            Listener(item["sk"], frozenset(item.get("threads", ())), item["expires_at"])
            for item in query(self._table, "pk = :pk", {":pk": listeners_pk(workspace, user)})
            if item["expires_at"] > now_seconds
        ]

    @clients.translated()
    def _store(self, lease: Any, listener: Any) -> None:
        try:
            clients.dynamodb().transact_write_items(TransactItems=[{"Update": lease}, {"Update": listener}])
        except clients.transaction_canceled() as error:
            failed = clients.failed_conditions(error)
            if 0 in failed:
                raise InvalidRequest("the connection is over") from None
            if 1 in failed:
                most = f"the connection listens for {MAX_THREADS_PER_CONNECTION} threads already"
                raise InvalidRequest(most, field="thread") from None
            raise
