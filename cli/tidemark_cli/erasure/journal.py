"""Which hours an erasure has begun to rewrite: so that, when it is interrupted, the next one knows what to recompute.

The log does not tell: what was taken out is not there any more. Laid down in docs/storage.md.
"""

from __future__ import annotations

from tidemark.aws import clients
from tidemark.aws.items import encode
from tidemark.aws.queries import query
from tidemark_cli.erasure.subject import Subject


class Journal:
    """The hours of one unfinished erasure, in the Work table."""

    def __init__(self, table: str, workspace: str, subject: Subject) -> None:
        self._table = table
        self._pk = f"E#{workspace}#{subject.key}"

    @clients.translated()
    def add(self, hour: str) -> None:
        """State that an hour is about to be rewritten; idempotent."""
        clients.dynamodb().put_item(TableName=self._table, Item=self._key(hour))

    def hours(self) -> frozenset[str]:
        """Read the hours, consistently."""
        return frozenset(item["sk"] for item in query(self._table, "pk = :pk", {":pk": self._pk}))

    @clients.translated()
    def remove(self, hour: str) -> None:
        """State that an hour is done; idempotent."""
        clients.dynamodb().delete_item(TableName=self._table, Key=self._key(hour))

    def _key(self, hour: str) -> dict[str, dict[str, str]]:
        return encode({"pk": self._pk, "sk": hour})
