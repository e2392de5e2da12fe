"""The write side of the Directory: workspaces and write keys. No Lambda has it, so no Lambda may write there.

Storage is laid down in docs/storage.md; `tidemark.aws.directory` reads it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tidemark.aws.directory import SCALARS
from tidemark.aws.items import decode, encode
from tidemark.domain import credentials
from tidemark.domain.workspace import (
    DEFAULT_BATCH_EVENTS,
    DEFAULT_BATCH_SECONDS,
    DEFAULT_RECOVERY_HOURS,
    Workspace,
)
from tidemark_cli.errors import CliError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MAX_SHARDS = 64
SHARDS_LEAD = timedelta(hours=2)
"""An hour's count is fixed before its first chunk: events may be an hour ahead, settings are cached for a minute."""
DIRECTORY_CACHE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Key:
    """A write key as it is stored: the key itself is shown once, when it is made, and is nowhere."""

    key_id: str
    hash: str
    label: str
    created_at: str
    revoked_at: str | None


class Admin:
    """Operations on the Directory table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def create_workspace(self, settings: Workspace) -> bool:
        """Store a new workspace; answer False, and change nothing, if it exists."""
        item = {
            **_settings_key(settings.workspace),
            "workspace": settings.workspace,
            "shards": [list(entry) for entry in settings.shards],
            "created_at": settings.created_at,
            "members": list(settings.members) or None,
            **_changeable(settings),
        }
        try:
            self._client.put_item(
                TableName=self._table, Item=encode(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def workspaces(self) -> Iterator[Workspace]:
        """Read every workspace: a scan, which is fit for an operator and for nothing else."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="sk = :settings",
            ExpressionAttributeValues=encode({":settings": "SETTINGS"}),
        )
        for page in pages:
            yield from (_workspace(decode(item)) for item in page["Items"])

    def workspace(self, workspace: str) -> Workspace:
        """Read one workspace, consistently; raises `CliError` if there is none of that id."""
        answer = self._client.get_item(TableName=self._table, Key=encode(_settings_key(workspace)), ConsistentRead=True)
        if "Item" not in answer:
            raise unknown_workspace(workspace)
        return _workspace(decode(answer["Item"]))

    def set_shards(self, workspace: str, count: int, now: datetime) -> datetime | None:
        """Change the number of shards of the hours to come.

        Returns the first instant whose hours have it, or None if they have it already. A change that was planned for a
        later hour is replaced: nothing can be stored there yet.
        """
        if count < 1 or count > MAX_SHARDS or count & (count - 1):
            raise UsageError(f"{count} is not a power of two from 1 to {MAX_SHARDS}")
        current = self.workspace(workspace).shards
        start = _ceil_hour(now + SHARDS_LEAD)
        kept = [list(entry) for entry in current if entry[0] < start.timestamp()]
        changed = kept if kept[-1][1] == count else [*kept, [int(start.timestamp()), count]]
        before = [list(entry) for entry in current]
        if changed == before:
            return None
        try:
            self._client.update_item(
                TableName=self._table,
                Key=encode(_settings_key(workspace)),
                UpdateExpression="SET shards = :changed",
                ConditionExpression="shards = :before",
                ExpressionAttributeValues=encode({":changed": changed, ":before": before}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise CliError("someone else changed the shards at the same time", "look again and repeat") from None
        return start

    def set_settings(self, before: Workspace, settings: Workspace, beside: Sequence[Any] = ()) -> None:
        """Give a workspace other settings in the place of those that were read; members and shards stay.

        What `beside` puts (the arguments of PutItem) is stored in the same transaction, or neither is.
        """
        old, new = _changeable(before), _changeable(settings)
        set_, removed = [name for name in new if new[name] is not None], [name for name in new if new[name] is None]
        same = [f"#{n} = :old_{n}" if old[n] is not None else f"attribute_not_exists(#{n})" for n in old]
        values = {f":{name}": new[name] for name in set_} | {f":old_{name}": old[name] for name in old}
        change = {
            "TableName": self._table,
            "Key": encode(_settings_key(before.workspace)),
            "UpdateExpression": f"SET {', '.join(f'#{name} = :{name}' for name in set_)}"
            + (f" REMOVE {', '.join(f'#{name}' for name in removed)}" if removed else ""),
            "ConditionExpression": " AND ".join(same),
            "ExpressionAttributeNames": {f"#{name}": name for name in new},
            "ExpressionAttributeValues": encode(values),
        }
        items: Any = [{"Update": change}, *({"Put": put} for put in beside)]
        try:
            self._client.transact_write_items(TransactItems=items)
        except self._client.exceptions.TransactionCanceledException as error:
            if not any(_failed_conditions(error)):
                raise
            raise CliError("someone else changed the settings at the same time", "look again and repeat") from None

    def set_members(self, workspace: str, before: Sequence[str], members: Sequence[str]) -> None:
        """Make a workspace the district of `members`, in the place of `before`; of none, it is a district no longer."""
        request: Any = {
            "UpdateExpression": "SET members = :members" if members else "REMOVE members",
            "ConditionExpression": "members = :before" if before else "attribute_not_exists(members)",
        }
        values = ({":members": list(members)} if members else {}) | ({":before": list(before)} if before else {})
        if values:
            request["ExpressionAttributeValues"] = encode(values)
        try:
            self._client.update_item(TableName=self._table, Key=encode(_settings_key(workspace)), **request)
        except self._client.exceptions.ConditionalCheckFailedException:
            raise CliError("someone else changed the members at the same time", "look again and repeat") from None

    def create_key(self, workspace: str, label: str, now: datetime) -> tuple[str, str]:
        """Make a write key; return its id and the key, which cannot be read again."""
        key, key_id = credentials.new_write_key(secrets.token_bytes), secrets.token_hex(4)
        key_hash = credentials.hash_write_key(key)
        record = {"hash": key_hash, "label": label, "created_at": _iso(now)}
        lookup = {"workspace": workspace, "key_id": key_id}
        try:
            self._client.transact_write_items(
                TransactItems=[
                    {
                        "ConditionCheck": {
                            "TableName": self._table,
                            "Key": encode(_settings_key(workspace)),
                            "ConditionExpression": "attribute_exists(pk)",
                        }
                    },
                    self._put_new({**_record_key(workspace, key_id), **record}),
                    self._put_new({**_lookup_key(key_hash), **lookup}),
                ]
            )
        except self._client.exceptions.TransactionCanceledException as error:
            if _failed_conditions(error)[:1] == [True]:
                raise unknown_workspace(workspace) from None
            raise
        return key_id, key

    def workspace_of_key(self, key_hash: str) -> str | None:
        """Return the workspace that an unrevoked key opens, read consistently and past every cache."""
        answer = self._client.get_item(TableName=self._table, Key=encode(_lookup_key(key_hash)), ConsistentRead=True)
        item = decode(answer.get("Item", {}))
        return None if item.get("revoked_at") else item.get("workspace")

    def keys(self, workspace: str) -> list[Key]:
        """Read the write keys of a workspace, revoked ones included, oldest first."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :key)",
            ExpressionAttributeValues=encode({":pk": f"WORKSPACE#{workspace}", ":key": "KEY#"}),
            ConsistentRead=True,
        )
        keys = [_key(decode(item)) for page in pages for item in page["Items"]]
        return sorted(keys, key=lambda key: (key.created_at, key.key_id))

    def revoke_key(self, workspace: str, key_id: str, now: datetime) -> str:
        """Revoke a key for good; return when it was revoked, which for a revoked key is the first time."""
        key = next((key for key in self.keys(workspace) if key.key_id == key_id), None)
        if key is None:
            raise CliError(f"workspace {workspace} has no key {key_id}", f"`tidemark key list {workspace}`")
        revoked_at = key.revoked_at or _iso(now)
        self._client.transact_write_items(
            TransactItems=[
                self._revoke(_record_key(workspace, key_id), revoked_at),
                self._revoke(_lookup_key(key.hash), revoked_at),
            ]
        )
        return revoked_at

    def _put_new(self, attributes: Mapping[str, Any]) -> Any:
        condition = "attribute_not_exists(pk)"
        return {"Put": {"TableName": self._table, "Item": encode(attributes), "ConditionExpression": condition}}

    def _revoke(self, key: Mapping[str, str], revoked_at: str) -> Any:
        return {
            "Update": {
                "TableName": self._table,
                "Key": encode(key),
                "UpdateExpression": "SET revoked_at = if_not_exists(revoked_at, :revoked_at)",
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeValues": encode({":revoked_at": revoked_at}),
            }
        }


def unknown_workspace(workspace: str) -> CliError:
    """Return the error for a workspace that does not exist."""
    return CliError(f"there is no workspace {workspace}", f"`tidemark workspace create {workspace}` makes it")


def _settings_key(workspace: str) -> dict[str, str]:
    return {"pk": f"WORKSPACE#{workspace}", "sk": "SETTINGS"}


def _record_key(workspace: str, key_id: str) -> dict[str, str]:
    return {"pk": f"WORKSPACE#{workspace}", "sk": f"KEY#{key_id}"}


def _lookup_key(key_hash: str) -> dict[str, str]:
    return {"pk": f"KEY#{key_hash}", "sk": "KEY"}


def _workspace(item: Mapping[str, Any]) -> Workspace:
    return Workspace(
        workspace=item["workspace"],
        dashboards=tuple(item["dashboards"]),
        shards=tuple((start, count) for start, count in item["shards"]),
        members=tuple(item.get("members", ())),
        **{name: item[name] for name in SCALARS if name in item},
    )


def _changeable(settings: Workspace) -> dict[str, Any]:
    """Return the attributes that `workspace set` may change; those that are not stored are None."""
    return {
        "name": settings.name,
        "timezone": settings.timezone,
        "dashboards": list(settings.dashboards),
        "retention_days": settings.retention_days,
        "history_days": settings.history_days,
        "history_from": settings.history_from or None,
        "recovery_hours": settings.recovery_hours if settings.recovery_hours != DEFAULT_RECOVERY_HOURS else None,
        "calendar": settings.calendar or None,
        "former_timezone": settings.former_timezone or None,
        "moved_at": settings.moved_at or None,
        "batch_events": settings.batch_events if settings.batch_events != DEFAULT_BATCH_EVENTS else None,
        "batch_seconds": settings.batch_seconds if settings.batch_seconds != DEFAULT_BATCH_SECONDS else None,
        "analysed_from": settings.analysed_from or None,
    }


def _key(item: Mapping[str, Any]) -> Key:
    key_id = item["sk"].removeprefix("KEY#")
    return Key(key_id, item["hash"], item["label"], item["created_at"], item.get("revoked_at"))


def _failed_conditions(error: ClientError) -> list[bool]:
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]  # untyped
    return [reason.get("Code") == "ConditionalCheckFailed" for reason in reasons]


def _ceil_hour(instant: datetime) -> datetime:
    floor = instant.replace(minute=0, second=0, microsecond=0)
    return floor if floor == instant else floor + timedelta(hours=1)


def _iso(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
