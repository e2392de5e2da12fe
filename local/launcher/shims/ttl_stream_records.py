"""Expired items in the table's stream.

MiniStack removes expired items without a stream record. DynamoDB writes a REMOVE whose `userIdentity` is the service.
Can go when a stream shows the removal of an expired item with `principalId` `dynamodb.amazonaws.com`.
"""

from __future__ import annotations

import threading
from typing import Any

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import dynamodb

REAPER_THREAD = "dynamodb-ttl-reaper"
SERVICE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def emit_removal(table: dict[str, Any], item: dict[str, Any]) -> None:
    """Write the stream record of an item that DynamoDB itself removed."""
    _, _, _, region, account, _ = table["TableArn"].split(":", 5)
    set_request_account_id(account)
    set_request_region(region)
    name = table["TableName"]
    before = len(dynamodb._stream_records.get(name) or [])
    dynamodb._emit_stream_event(name, "REMOVE", item, None)
    for record in (dynamodb._stream_records.get(name) or [])[before:]:
        record["userIdentity"] = SERVICE


def install() -> None:
    """Emit the record when it is the reaper of expired items that removes one."""
    remove = dynamodb._remove_item

    def remove_and_emit(table: dict[str, Any], partition: Any, sort: Any) -> Any:
        item = remove(table, partition, sort)
        if item is not None and threading.current_thread().name == REAPER_THREAD:
            emit_removal(table, item)
        return item

    dynamodb._remove_item = remove_and_emit
