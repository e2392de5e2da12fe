"""What the rollup has recorded, read from the Work table; `tidemark.aws.runs` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import decode, encode
from tidemark.aws.queries import query
from tidemark.services.record import PastClosing, PastRun


class DynamoRecord:
    """The `Record` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def runs(self, count: int) -> list[PastRun]:
        """Read the last runs, newest first."""
        found = clients.dynamodb().query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=encode({":pk": "RUNS"}),
            ScanIndexForward=False,
            Limit=count,
        )
        return [
            PastRun(item["sk"], item["at"], item["periods"], item["milliseconds"])
            for item in map(decode, found["Items"])
        ]

    def closings(self, slot: str) -> Iterator[PastClosing]:
        """Read what came of every period of a run, a page at a time."""
        return self._closings(slot, "pk = :pk", {}, consistent=False)

    def closings_of(self, workspace: str, slot: str, first: str, last: str) -> list[PastClosing]:
        """Read, consistently, what came of the periods of a workspace in a run, from `first` to `last`."""
        between = {":first": f"{workspace}#{first}", ":last": f"{workspace}#{last}"}
        return list(self._closings(slot, "pk = :pk AND sk BETWEEN :first AND :last", between, consistent=True))

    def _closings(
        self, slot: str, condition: str, values: dict[str, str], *, consistent: bool
    ) -> Iterator[PastClosing]:
        found = query(self._table, condition, {":pk": f"RUN#{slot}", **values}, consistent=consistent)
        return (_closing(slot, item) for item in found)


def _closing(slot: str, item: dict[str, Any]) -> PastClosing:
    workspace, _, period = item["sk"].partition("#")
    return PastClosing(
        workspace,
        period,
        slot,
        item["at"],
        item["outcome"],
        item.get("events", 0),
        item.get("drift", 0),
        item.get("milliseconds", 0),
        item.get("error", ""),
        item.get("attempts", 0),
    )
