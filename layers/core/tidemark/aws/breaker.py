"""The circuit breakers of the providers: an item each, in the Work table. The layout stands in docs/storage.md."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.domain.breaker import Breaker, BreakerState
from tidemark.domain.errors import Conflict

_PK = "BREAKER"


class DynamoBreakers:
    """The `BreakerStore` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def read(self, provider: str) -> Breaker:
        """Read a breaker consistently; one that was never written is closed."""
        answer = clients.dynamodb().get_item(TableName=self._table, Key=_key(provider), ConsistentRead=True)
        return _breaker(decode(answer["Item"])) if "Item" in answer else Breaker()

    @clients.translated()
    def write(self, provider: str, breaker: Breaker, writer: str) -> Breaker:
        """Store `breaker` in the place of its version; return it with the next one.

        Raises `Conflict` if another one was stored since. It may be repeated by the same `writer`.
        """
        written = replace(breaker, version=breaker.version + 1)
        request: Any = {
            "TableName": self._table,
            "Item": {**_key(provider), **encode({**_attributes(written), "writer": writer})},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if breaker.version == 0:
            request["ConditionExpression"] = "attribute_not_exists(pk)"
        else:
            request["ConditionExpression"] = "#version = :before"
            request["ExpressionAttributeNames"] = {"#version": "version"}
            request["ExpressionAttributeValues"] = encode({":before": breaker.version})
        try:
            clients.dynamodb().put_item(**request)
        except clients.condition_failed() as error:
            found = decode(clients.item_found(error))
            if (found.get("version"), found.get("writer")) != (written.version, writer):
                raise Conflict("the breaker has moved") from error
        return written


def _key(provider: str) -> dict[str, Any]:
    return encode({"pk": _PK, "sk": provider})


def _attributes(breaker: Breaker) -> dict[str, Any]:
    return {
        "state": breaker.state.value,
        "failures": breaker.failures,
        "opened_at": breaker.opened_at,
        "until": breaker.until,
        "probe": breaker.probe,
        "version": breaker.version,
    }


def _breaker(item: dict[str, Any]) -> Breaker:
    return Breaker(
        BreakerState(item["state"]),
        item["failures"],
        item["opened_at"],
        item["until"],
        item["probe"],
        item["version"],
    )
