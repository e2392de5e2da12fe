"""Day cells, in the Cells table: a day's merged hours, with each measure's state apart.

An hour cell is one blob, since it is written with every fold; a day is written once and read by queries that want few
of its measures, so each state can be read by itself. It is not compacted: what is exact over the hours is exact over
the day. A day that would not fit an item is not kept, and its hours are read in its place.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import date
from typing import Any

from tidemark.aws import clients
from tidemark.aws.cells import batch_get, cover, covered
from tidemark.aws.items import decode, encode
from tidemark.domain.cells import Cell, kind_of
from tidemark.observability import logger
from tidemark.services.closing_ports import StoredDay

MAX_STATES_BYTES = 350 * 1024
"""DynamoDB takes 400 KB an item, with the names of its attributes."""
DAY = "DAY"
WHOLE = "whole"
"""Stands among the states, whichever of them there are: if it is not found with them, they are no map any more.

DynamoDB leaves out what a projection does not find. So without it a day that is corrupt would be one without events."""


class DynamoDays:
    """The `Days` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @clients.translated()
    def version(self, workspace: str, day: date) -> int:
        """Read the version of a day's cell consistently; 0 if there is none."""
        found = clients.dynamodb().get_item(
            TableName=self._table, Key=_key(workspace, day), ConsistentRead=True, ProjectionExpression="version"
        )
        return int(decode(found["Item"])["version"]) if "Item" in found else 0

    @clients.translated()
    def replace(self, workspace: str, day: date, version: int, stored: StoredDay) -> bool:
        """Put `stored` in the place of the day's cell of that version; answer False if the day is too large to keep.

        What was there is then taken away. Raises `Conflict` if the cell is of another version.
        """
        states = {identity: kind_of(identity).pack(state) for identity, state in stored.cell.states.items()}
        is_small = sum(map(len, states.values())) <= MAX_STATES_BYTES
        attributes = {
            "states": states | {WHOLE: True},
            "timezone": stored.timezone,
            "calendar": stored.calendar or None,
            # One text: the SDK takes as long for each element of a list as for an attribute.
            "hours": " ".join(sorted(stored.hours)),
            "covers": cover(stored.covers),
            "version": version + 1,
        }
        at_version: Any = (
            {
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": encode({":version": version}),
            }
            if version
            else {"ConditionExpression": "attribute_not_exists(pk)"}
        )
        if is_small:
            clients.dynamodb().put_item(
                TableName=self._table, Item={**_key(workspace, day), **encode(attributes)}, **at_version
            )
        elif version:
            clients.dynamodb().delete_item(TableName=self._table, Key=_key(workspace, day), **at_version)
        return is_small

    @clients.translated()
    def remove(self, workspace: str, day: date) -> None:
        """Take a day's cell away, if there is one."""
        clients.dynamodb().delete_item(TableName=self._table, Key=_key(workspace, day))

    def get_many(self, workspace: str, days: Sequence[date], identities: Set[str]) -> dict[date, StoredDay]:
        """Read the cells of days, of their states those of `identities` alone.

        What was written in the last second may be missing (a consistent read costs twice as much, and a day is large).
        A corrupt one is left out, as if it were lost.
        """
        names = {f"#m{place}": identity for place, identity in enumerate(sorted(identities))}
        projection = [
            "pk",
            "#timezone",
            "#hours",
            "covers",
            "#version",
            "calendar",
            *(f"#states.{name}" for name in ("#whole", *names)),
        ]
        names |= {
            "#timezone": "timezone",
            "#hours": "hours",
            "#version": "version",
            "#states": "states",
            "#whole": WHOLE,
        }
        keys = [_key(workspace, day) for day in days]
        found = batch_get(self._table, keys, ", ".join(projection), names, consistent=False)
        days_found: dict[date, StoredDay] = {}
        for item in found:
            try:
                days_found[date.fromisoformat(item["pk"].partition("#")[2])] = _day(item)
            except Exception as error:  # noqa: BLE001  # whatever is wrong with it, its hours are read in its place
                logger().error("a day cell is corrupt", pk=item["pk"], reason=repr(error))
        return days_found


def _key(workspace: str, day: date) -> Any:
    return encode({"pk": f"{workspace}#{day.isoformat()}", "sk": DAY})


def _day(item: dict[str, Any]) -> StoredDay:
    blobs = item["states"]
    del blobs[WHOLE]
    return StoredDay(
        Cell({identity: kind_of(identity).unpack(blob) for identity, blob in blobs.items()}),
        item["timezone"],
        frozenset(item["hours"].split()),
        covered(item["covers"]),
        item["version"],
        item.get("calendar", 0),
    )
