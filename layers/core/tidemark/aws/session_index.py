"""The index of sessions, in the Work table. Its layout stands in docs/storage.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from struct import Struct
from typing import Any

from tidemark.aws import clients
from tidemark.aws.items import encode
from tidemark.aws.queries import query
from tidemark.domain.errors import Throttled
from tidemark.domain.timeline import IndexEntry, Place
from tidemark.services.contention import attempts

BATCH_ITEMS = 25
"""BatchWriteItem takes at most 25."""
BATCH_WORKERS = 8

_PLACE = Struct(">qqQ")
"""Milliseconds, sequence number and the hash of the event id: 24 bytes an event."""


class DynamoSessionIndex:
    """The `SessionIndex` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    def put(self, entries: Sequence[IndexEntry]) -> None:
        """Store entries, 25 a request, some requests at a time; one that is there already is replaced by its equal.

        Raises `Throttled` if the table leaves some unwritten after several attempts.
        """
        items = {(_pk(entry.workspace, entry.session), _sk(entry)): _item(entry) for entry in entries}
        puts = [{"PutRequest": {"Item": item}} for item in items.values()]
        batches = [puts[start : start + BATCH_ITEMS] for start in range(0, len(puts), BATCH_ITEMS)]
        if len(batches) == 1:
            self._write(batches[0])
            return
        with ThreadPoolExecutor(min(BATCH_WORKERS, len(batches))) as pool:
            list(pool.map(self._write, batches))

    def remove(self, workspace: str, session: str, places: Sequence[tuple[str, int, str]]) -> None:
        """Take out the entries of a session for chunks, named by (hour, shard, key); those not there change nothing.

        For erasure, by an operator: no Lambda may delete here. Raises `Throttled` as `put` does.
        """
        pk = _pk(workspace, session)
        keys = [encode({"pk": pk, "sk": f"{hour}#{shard:02d}#{chunk}"}) for hour, shard, chunk in places]
        for start in range(0, len(keys), BATCH_ITEMS):
            self._write([{"DeleteRequest": {"Key": key}} for key in keys[start : start + BATCH_ITEMS]])

    def entries(self, workspace: str, session: str, from_hour: str) -> Iterator[IndexEntry]:
        """Read the entries of a session consistently, from an hour on ("" for all), in the order of hours."""
        after = {":pk": _pk(workspace, session), ":hour": from_hour or "0"}
        for item in query(self._table, "pk = :pk AND sk >= :hour", after):
            yield _entry(workspace, session, item)

    @clients.translated()
    def _write(self, requests: Sequence[Any]) -> None:
        wanted: Any = {self._table: requests}
        for _ in attempts():
            wanted = clients.dynamodb().batch_write_item(RequestItems=wanted).get("UnprocessedItems")
            if not wanted:
                return
        raise Throttled("the store left index entries unwritten; try again")


def _pk(workspace: str, session: str) -> str:
    return f"S#{workspace}#{session}"


def _sk(entry: IndexEntry) -> str:
    return f"{entry.hour}#{entry.shard:02d}#{entry.chunk}"


def _item(entry: IndexEntry) -> Any:
    return encode(
        {
            "pk": _pk(entry.workspace, entry.session),
            "sk": _sk(entry),
            "received_at": entry.received_at,
            "places": b"".join(_PLACE.pack(*place) for place in entry.places),
            "expires_at": entry.expires_at,
        }
    )


def _entry(workspace: str, session: str, item: dict[str, Any]) -> IndexEntry:
    hour, shard, chunk = item["sk"].split("#")
    places = tuple(Place(*fields) for fields in _PLACE.iter_unpack(item["places"]))
    return IndexEntry(workspace, session, hour, int(shard), chunk, item["received_at"], item["expires_at"], places)
