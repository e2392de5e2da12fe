"""People in the log of an operated stack: what they sent is stored, folded and closed, and can be compared."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.stream_fold.handler import handler as stream_fold
from tests.support.operated import WORKSPACE, Operated
from tests.support.strategies import event
from tidemark.aws import clients
from tidemark.aws.event_log import DynamoEventLog
from tidemark.aws.items import decode
from tidemark.bootstrap import container
from tidemark.domain.cells import Cell, compact
from tidemark.domain.chunks import Chunk, chunk_events
from tidemark.domain.closing import slot_at
from tidemark.domain.definitions import shipped
from tidemark.domain.fold import Fold
from tidemark.services.ports import LoggedChunk

DASHBOARDS = ("web", "classroom")
TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


def hour(number: int, days_ago: int = 1) -> str:
    """Return an hour of an earlier day, yesterday unless said otherwise."""
    return f"{TODAY - timedelta(days=days_ago)}T{number:02d}:00Z"


def visit(event_id: str, of_hour: str, user: str, kind: str = "page", **ids: str) -> dict[str, Any]:
    """Return an event of a user in an hour; it has a session and an anonymous id of its user unless given others."""
    named = {"user_id": user, "anonymous_id": f"anon-{user}", "session_id": f"s-{user}", **ids}
    return event(event_id, of_hour.replace("Z", ":05.000Z"), kind, path=f"/{event_id}", **named)


def stored(events: Iterable[Mapping[str, Any]], shards: int = 1) -> list[Chunk]:
    """Store the events of one request, as ingest does."""
    log, now = container().event_log, datetime.now(UTC)
    chunks = chunk_events(WORKSPACE, map(dict, events), timezone="UTC", shards_at=lambda _: shards)
    for chunk in chunks:
        log.put(chunk, now, int((now + timedelta(days=90)).timestamp()))
    return chunks


def inserted(rollup: Operated) -> dict[str, Any]:
    """Return what the stream brings when every chunk that is stored is told as new."""
    items: list[Any] = clients.dynamodb().scan(TableName=rollup.tables.events)["Items"]
    images = [
        {name: {"B": b64encode(value["B"]).decode()} if "B" in value else value for name, value in item.items()}
        for item in items
    ]
    return {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": image}} for image in images]}


def folded(rollup: Operated) -> dict[str, Any]:
    """Have everything that is stored folded; return the batch, to be delivered once more."""
    batch = inserted(rollup)
    stream_fold(batch, None)
    return batch


def closed(rollup: Operated, hours: Iterable[str]) -> None:
    """Close hours, as the hourly run does."""
    now = datetime.now(UTC)
    for name in hours:
        container().rollup(rollup.agenda.schedule(WORKSPACE, name, slot_at(int(now.timestamp()))), now)


def log_of(rollup: Operated, of_hour: str, shards: int = 1) -> list[LoggedChunk]:
    """Return the chunks of an hour."""
    log = DynamoEventLog(rollup.tables.events)
    return [logged for shard in range(shards) for logged in log.read(WORKSPACE, of_hour, shard)]


def events_of(chunks: Iterable[LoggedChunk]) -> list[str]:
    """Return the ids of the events in chunks."""
    return sorted(found["event_id"] for logged in chunks for found in logged.chunk.events)


def cell_of(events: Sequence[Mapping[str, Any]]) -> Cell:
    """Return what the cell of an hour with these events must be."""
    definitions = shipped()
    return compact(Fold(definitions[name] for name in DASHBOARDS)([dict(each) for each in events]))


def items_of(table: str, prefix: str) -> list[dict[str, Any]]:
    """Return the items of a table whose partition begins so."""
    found = (decode(item) for item in clients.dynamodb().scan(TableName=table)["Items"])
    return [item for item in found if item["pk"].startswith(prefix)]


FIRST, SECOND, THIRD = hour(8), hour(9), hour(10)
ANN = [
    visit("a1", FIRST, "ann"),
    visit("a2", SECOND, "ann", "member_join"),
    visit("a3", SECOND, "ann", "member_leave"),
]
BOB = [visit("b1", FIRST, "bob"), visit("b2", SECOND, "bob", "member_join"), visit("b3", THIRD, "bob")]


def ann_and_bob(rollup: Operated) -> Operated:
    """Have them stored, in one request and in several, folded and closed."""
    stored([ANN[0], BOB[0]])
    stored(ANN[1:])
    stored(BOB[1:])
    folded(rollup)
    closed(rollup, (FIRST, SECOND, THIRD))
    return rollup


def final_cells(rollup: Operated) -> list[Cell]:
    """Return the cells of their three hours, which must be final."""
    found = rollup.cells([FIRST, SECOND, THIRD])
    assert all(cell.final for cell in found.values())
    return [found[each].cell for each in (FIRST, SECOND, THIRD)]
