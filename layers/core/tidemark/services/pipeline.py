"""The batches of workspaces with their jobs, as lists, one by one, and with the events that they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tidemark.domain.batches import Batch
from tidemark.domain.chunks import event_hash
from tidemark.domain.errors import InvalidQuery, NotFound
from tidemark.domain.events import Event
from tidemark.domain.pipeline_query import ListQuery, texts
from tidemark.services.batch_ports import Batches
from tidemark.services.pipeline_ports import BatchRecord, Found, Listing, Pipeline, Wanted

ChunkName = tuple[str, int, str]
"""(hour, shard, key)"""

BATCH_STATES = ("OPEN", "SEALED", "ANALYZED")
JOB_STATES = ("PENDING", "RUNNING", "SUCCESS", "FAILED")
ENDED_WELL = frozenset({"ANALYZED", "SUCCESS"})
"""What is in these states is in no index over all workspaces."""
_LISTED: dict[str, tuple[Listing, ...]] = {
    "OPEN": ("unfinished",),
    "PENDING": ("unfinished",),
    "RUNNING": ("unfinished",),
}
_ALL: tuple[Listing, ...] = ("unfinished", "dead")


class Chunks(Protocol):
    """The log, read by the names of chunks."""

    def get_many(self, workspace: str, names: Sequence[ChunkName]) -> Iterator[tuple[ChunkName, int, list[Event]]]:
        """Read chunks consistently; yield name, compressed bytes and events of those found."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events of a batch, by time; `missing` of the whole batch have expired, or were erased."""

    events: list[Event]
    missing: int
    next_cursor: str | None


class PipelineViews:
    """What there is to be seen of batches and jobs; a workspace of None stands for all of them."""

    def __init__(self, pipeline: Pipeline, batches: Batches, chunks: Chunks) -> None:
        self._pipeline = pipeline
        self._batches = batches
        self._chunks = chunks

    def batches(self, workspace: str | None, query: ListQuery) -> Found:
        """Return batches, in one state if the query names it; raises `InvalidQuery` where a workspace is required."""
        return self._some(workspace, query, Wanted("state", query.state))

    def jobs(self, workspace: str | None, query: ListQuery) -> Found:
        """Return batches that have a job, as `batches` does by the state of the job."""
        return self._some(workspace, query, Wanted("job", query.state))

    def dead_letters(self, workspace: str | None, query: ListQuery) -> Found:
        """Return the batches whose job has failed for good, those that failed first before others."""
        return self._pipeline.listed(("dead",), workspace, Wanted("job", "FAILED"), query.limit, query.after)

    def find(self, workspace: str, batch_id: str) -> BatchRecord:
        """Return one batch; raises `NotFound` (code `unknown_batch`) if there is none of that id."""
        found = self._pipeline.find(workspace, batch_id)
        if found is None:
            raise unknown_batch()
        return found

    def events(self, workspace: str, batch_id: str, query: ListQuery) -> EventPage:
        """Return a page of the events of a batch; raises `NotFound`."""
        batch = self._batches.get(workspace, batch_id)
        if batch is None:
            raise unknown_batch()
        after = tuple(texts(query.after, 2)) if query.after else ("", "")
        events = self._events_of(batch)
        following = [event for event in events if _place(event) > after]
        page = following[: query.limit]
        more = len(following) > len(page)
        return EventPage(page, len(batch.ids) - len(events), query.cursor(list(_place(page[-1]))) if more else None)

    def _some(self, workspace: str | None, query: ListQuery, wanted: Wanted) -> Found:
        if workspace is not None and query.state not in _LISTED:
            return self._pipeline.of_workspace(workspace, wanted, query.limit, query.after)
        if query.state in ENDED_WELL:
            raise InvalidQuery(f"what is {query.state} is kept by workspace: name one", code="workspace_required")
        listings = ("dead",) if query.state == "FAILED" else _LISTED.get(query.state or "", _ALL)
        return self._pipeline.listed(listings, workspace, wanted, query.limit, query.after)

    def _events_of(self, batch: Batch) -> list[Event]:
        """Return the events that the log still has, each as it came first, by time."""
        chain = batch.chain
        names = [(chain.hour, chain.shard, key) for key in batch.chunks]
        read = {name: events for name, _, events in self._chunks.get_many(chain.workspace, names)}
        found: dict[int, Event] = {}
        for name in names:
            for event in read.get(name, ()):
                if (identity := event_hash(event["event_id"])) in batch.ids:
                    found.setdefault(identity, event)
        return sorted(found.values(), key=_place)


def unknown_batch() -> NotFound:
    """Return the error for a batch that there is not."""
    return NotFound("the workspace has no such batch", code="unknown_batch", field="batch")


def _place(event: Event) -> tuple[str, ...]:
    return str(event["timestamp"]), str(event["event_id"])
