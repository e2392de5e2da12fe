"""The index over what is unfinished or dead in the pipeline: to list it, and to count it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tidemark.aws import clients
from tidemark.aws.batches import INDEX, QUEUES, dead_queue_of, key_of, queue_of
from tidemark.aws.items import decode, encode
from tidemark.domain.pipeline_query import Place, refused_cursor
from tidemark.services.pipeline_ports import Listing, Tally, Wanted

READ = 200
"""Entries that one request reads, of 150 bytes each."""
MAX_REQUESTS = 48
"""That one page makes: there are 32 partitions, most of them empty or short."""
COUNTED = 5000
"""Entries of a partition that are looked at to count those of a workspace; one request reads them."""
MAX_COUNTING = 4
"""Requests that count the entries of all workspaces: 6,000 of them each."""

DEAD = "dead#"
"""What the names of the partitions of failed jobs begin with."""
LAST_SECOND = 2**53
"""After everything that is ever due."""

Entry = dict[str, Any]
"""What the index has of an item: its keys and what template.yaml projects."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries are read: of one workspace or of all, those that are wanted, and due until a Unix second."""

    workspace: str | None = None
    wanted: Wanted | None = None
    due_until: int = LAST_SECOND


class PipelineIndex:
    """The index `pipeline` of the Work table."""

    def __init__(self, table: str) -> None:
        self._table = table

    def keys(
        self, listings: Sequence[Listing], selection: Selection, limit: int, after: Place | None
    ) -> tuple[list[tuple[str, str]], Place | None]:
        """Read the keys of at most `limit` items, by when they are due in a partition; and where the others begin."""
        partitions = [queue for listing in listings for queue in _partitions(listing, selection.workspace)]
        number, start = _started(partitions, after)
        keys: list[tuple[str, str]] = []
        for _ in range(MAX_REQUESTS):
            entries, following = self._read(partitions[number], selection, READ, start)
            for entry in entries:
                keys.append((entry["pk"], entry["sk"]))
                if len(keys) == limit:
                    return keys, _place(number, entry)
            start = following
            if following is None:
                number += 1
                if number == len(partitions):
                    return keys, None
        # With a place in the partition to go on from, or before its first entry.
        return keys, _place(number, start) if start else [number]

    def tally(self, workspace: str | None) -> Tally:
        """Count the entries of one workspace or of all, in as many requests as `MAX_COUNTING` at most."""
        tally = Tally()
        for entries, is_all in self._counted(workspace):
            tally.is_all = tally.is_all and is_all
            for entry in entries:
                _count(tally, entry)
        return tally

    def _counted(self, workspace: str | None) -> Iterator[tuple[list[Entry], bool]]:
        """Yield portions of the entries, and whether none was left out there."""
        if workspace is not None:
            for listing in ("unfinished", "dead"):
                (queue,) = _partitions(listing, workspace)
                entries, following = self._read(queue, Selection(workspace), COUNTED, None)
                yield entries, following is None
            return
        start: Entry | None = None
        for request in range(1, MAX_COUNTING + 1):
            entries, start = self._scan(start)
            yield entries, start is None or request < MAX_COUNTING
            if start is None:
                return

    @clients.translated()
    def _scan(self, start: Entry | None) -> tuple[list[Entry], Entry | None]:
        """Return the next entries of the whole index: it has only what is unfinished or dead, and so is short."""
        options: Any = {"ExclusiveStartKey": encode(start)} if start else {}
        answer = clients.dynamodb().scan(TableName=self._table, IndexName=INDEX, **options)
        last = answer.get("LastEvaluatedKey")
        return [decode(item) for item in answer["Items"]], decode(last) if last else None

    @clients.translated()
    def _read(
        self, queue: str, selection: Selection, limit: int, start: Entry | None
    ) -> tuple[list[Entry], Entry | None]:
        """Return the next entries of a partition that are selected, and behind which others follow."""
        names = {"#queue": "queue"}
        values: dict[str, str | int] = {":queue": queue, ":until": selection.due_until}
        terms = []
        if selection.workspace is not None:
            terms.append("pk = :own")
            values[":own"] = key_of(selection.workspace, "")["pk"]
        if (wanted := selection.wanted) is not None:
            names["#wanted"] = wanted.attribute
            terms.append("attribute_exists(#wanted)" if wanted.value is None else "#wanted = :wanted")
            values |= {} if wanted.value is None else {":wanted": wanted.value}
        options: Any = {"FilterExpression": " AND ".join(terms)} if terms else {}
        if start is not None:
            options["ExclusiveStartKey"] = encode(start)
        answer = clients.dynamodb().query(
            TableName=self._table,
            IndexName=INDEX,
            KeyConditionExpression="#queue = :queue AND due_at <= :until",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=encode(values),
            Limit=limit,
            **options,
        )
        last = answer.get("LastEvaluatedKey")
        return [decode(item) for item in answer["Items"]], decode(last) if last else None


def _partitions(listing: Listing, workspace: str | None) -> list[str]:
    if workspace is not None:
        return [queue_of(workspace) if listing == "unfinished" else dead_queue_of(workspace)]
    prefix = "" if listing == "unfinished" else DEAD
    return [f"{prefix}{number:02d}" for number in range(QUEUES)]


def _place(number: int, entry: Entry) -> Place:
    return [number, entry["pk"], entry["sk"], entry["due_at"]]


def _started(partitions: Sequence[str], after: Place | None) -> tuple[int, Entry | None]:
    """Return the partition in which a page begins, and behind which entry."""
    match after:
        case None:
            return 0, None
        case [int(number)] if 0 <= number < len(partitions):
            return number, None
        case [int(number), str(pk), str(sk), int(due_at)] if 0 <= number < len(partitions):
            return number, {"pk": pk, "sk": sk, "queue": partitions[number], "due_at": due_at}
    raise refused_cursor()


def _count(tally: Tally, entry: Entry) -> None:
    tally.open += entry["state"] == "OPEN"
    tally.sealed += entry["state"] == "SEALED"
    tally.dead += entry["queue"].startswith(DEAD)
    tally.running += entry.get("job") == "RUNNING"
    if entry.get("job") == "PENDING":
        tally.pending += 1
        since = max(entry.get("sealed_at", 0), entry.get("requested_at", 0))
        tally.pending_since = min(tally.pending_since or since, since)
