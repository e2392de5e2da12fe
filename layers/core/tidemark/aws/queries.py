"""The items of a partition, however many pages they take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import decode, encode


def query(
    table: str, condition: str, values: Mapping[str, Any], *, consistent: bool = True, **options: Any
) -> Iterator[dict[str, Any]]:
    """Yield the plain items that meet a key condition, in the order of their sort keys.

    A page is asked for when its first item is wanted, and each request is `translated`: a decorator of the caller has
    done its work before. `options` go to DynamoDB as they are.

    Parameters
    ----------
    condition, values
        The key condition and what its names like `:pk` stand for.
    consistent
        Whether all that was written before is to be seen; an index cannot do that, and it costs twice as much.
    """
    pages = iter(
        clients.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=encode(values),
            ConsistentRead=consistent,
            **options,
        )
    )
    while True:
        with clients.translated():
            page = next(pages, None)
        if page is None:
            return
        yield from map(decode, page["Items"])
