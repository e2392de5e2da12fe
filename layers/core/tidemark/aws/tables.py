"""What DynamoDB tells about tables without reading them."""

from __future__ import annotations

from collections.abc import Mapping

from tidemark.aws import clients
from tidemark.services.data_health import TableFacts


class DynamoTables:
    """The `Tables` port: DescribeTable, which is free. AWS counts items and bytes anew about every six hours."""

    def __init__(self, tables: Mapping[str, str]) -> None:
        self._tables = tables

    def names(self) -> tuple[str, ...]:
        """Return which tables there are, by what they hold."""
        return tuple(self._tables)

    @clients.translated()
    def describe(self, name: str) -> TableFacts:
        """Ask for a table's status and its size, as AWS counted it last."""
        found = clients.dynamodb().describe_table(TableName=self._tables[name])["Table"]
        return TableFacts(found["TableStatus"], found.get("ItemCount", 0), found.get("TableSizeBytes", 0))
