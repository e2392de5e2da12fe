"""The audit trail of the administration, in the Directory table. Its layout stands in docs/storage.md."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.domain.audit import KEPT_DAYS, Access
from tidemark.domain.credentials import Principal
from tidemark.domain.events import format_timestamp
from tidemark.domain.pipeline_query import Place, texts
from tidemark.services.pipeline_ports import AuditEntry


class DynamoAudit:
    """The `AuditTrail` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def record(self, access: Access, now: datetime) -> None:
        """Keep an access; `times` may be one too high after a lost answer."""
        kept = {
            "at": format_timestamp(now),
            "by_workspace": access.by.workspace,
            "role": access.by.role,
            "user": access.by.user,
            "action": access.action,
            "target": access.target or None,
            "request_id": access.request_id,
            "expires_at": int((now + timedelta(days=KEPT_DAYS)).timestamp()),
        }
        given = {name: value for name, value in kept.items() if value is not None}
        clients.dynamodb().update_item(
            TableName=self._table,
            Key=encode({"pk": _pk(access.workspace), "sk": access.name(now)}),
            UpdateExpression=f"SET {', '.join(f'#{name} = if_not_exists(#{name}, :{name})' for name in given)} "
            "ADD #times :one",
            ExpressionAttributeNames={"#times": "times", **{f"#{name}": name for name in given}},
            ExpressionAttributeValues=encode({":one": 1, **{f":{name}": value for name, value in given.items()}}),
        )

    @clients.translated()
    def entries(self, workspace: str, limit: int, before: Place | None) -> tuple[list[AuditEntry], Place | None]:
        """Read accesses to a workspace, newest first; and before which place others follow."""
        pk = _pk(workspace)
        options: Any = {"ExclusiveStartKey": encode({"pk": pk, "sk": texts(before, 1)[0]})} if before else {}
        answer = clients.dynamodb().query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=encode({":pk": pk}),
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
            **options,
        )
        last = answer.get("LastEvaluatedKey")
        return [_entry(workspace, decode(item)) for item in answer["Items"]], [last["sk"]["S"]] if last else None


def _pk(workspace: str) -> str:
    return f"AUDIT#{workspace}"


def _entry(workspace: str, item: dict[str, Any]) -> AuditEntry:
    by = Principal(item["by_workspace"], item["role"], user=item.get("user"))
    # Which of the two it was decides about the name alone, which it has.
    access = Access(workspace, by, item["action"], item.get("target", ""), item["request_id"], is_reading=True)
    return AuditEntry(access, item["at"], item["times"])
