"""The record of the rollup: each run, and what came of each hour. In the Work table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import encode
from tidemark.services.closing_ports import Closing, Due

RECORD_SECONDS = 30 * 86_400


class DynamoRuns:
    """The `Runs` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    def began(self, slot: str, periods: int, milliseconds: int, now: datetime) -> None:
        """Keep that the run of a slot found so many due periods and sent their jobs."""
        self._put("RUNS", slot, {"periods": periods, "milliseconds": milliseconds}, now)

    def closed(self, closing: Closing, now: datetime) -> None:
        """Keep what came of a period; a repetition takes the place of the first."""
        found = {
            "outcome": closing.outcome,
            "events": closing.events,
            "chunks": closing.chunks,
            "drift": closing.drift,
            "milliseconds": closing.milliseconds,
        }
        self._put(f"RUN#{closing.slot}", f"{closing.workspace}#{closing.period}", found, now)

    def failed(self, due: Due, error: str, attempts: int, now: datetime) -> None:
        """Keep why a period could not be closed, after the last attempt."""
        found = {"outcome": "failed", "error": error, "attempts": attempts}
        self._put(f"RUN#{due.slot}", f"{due.workspace}#{due.period}", found, now)

    @clients.translated()
    def _put(self, pk: str, sk: str, attributes: dict[str, Any], now: datetime) -> None:
        expires_at = int(now.timestamp()) + RECORD_SECONDS
        item = {
            "pk": pk,
            "sk": sk,
            **attributes,
            "at": now.isoformat(timespec="milliseconds"),
            "expires_at": expires_at,
        }
        clients.dynamodb().put_item(TableName=self._table, Item=encode(item))
