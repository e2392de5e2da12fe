"""Analysed batches as cold storage keeps them: one JSON object each, those of an hour together, in order.

A batch is known by its id and by when it was opened. The id alone would not do: where all batches of an hour have
expired, what still comes for it begins to number them anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from typing import Any

from tidemark.domain import insights
from tidemark.domain.batches import Batch, parse_batch_id
from tidemark.domain.insights import Insight

Row = Mapping[str, Any]
"""A batch as JSON has it: the fields that `row_of` gives, and whatever another version may have put there."""


@dataclass(frozen=True, slots=True)
class AnalysedBatch:
    """A batch whose job has succeeded; `finished_at` is in Unix seconds."""

    batch: Batch
    attempts: int
    finished_at: int
    insight: Insight


def row_of(analysed: AnalysedBatch) -> Row:
    """Return a batch for JSON. Hashes of event ids and keys of chunks are hexadecimal, times are Unix seconds."""
    batch = analysed.batch
    return {
        "batch_id": batch.batch_id,
        "workspace": batch.chain.workspace,
        "hour": batch.chain.hour,
        "shard": batch.chain.shard,
        "number": batch.number,
        "opened_at": batch.opened_at,
        "filled_at": batch.filled_at,
        "sealed_at": batch.sealed_at,
        "sealed_by": batch.sealed_by,
        "events": len(batch.ids),
        "event_hashes": [f"{identity:016x}" for identity in sorted(batch.ids)],
        "chunks": list(batch.chunks),
        "provider": analysed.insight.provider,
        "attempts": analysed.attempts,
        "finished_at": analysed.finished_at,
        "insight": insights.to_json(analysed.insight),
    }


def analysed_of(row: Row) -> AnalysedBatch:
    """Return the batch of a row that `row_of` gave; its version is that of an item that is written for the first time.

    Raises `InvalidInsight` for an insight that breaks a bound.
    """
    chain, number = parse_batch_id(row["workspace"], row["batch_id"])
    batch = Batch(
        chain,
        number,
        "ANALYZED",
        frozenset(int(identity, 16) for identity in row["event_hashes"]),
        tuple(row["chunks"]),
        row["opened_at"],
        row["filled_at"],
        row["sealed_at"],
        row["sealed_by"],
        version=1,
    )
    return AnalysedBatch(batch, row["attempts"], row["finished_at"], insights.from_json(row["insight"]))


def merged(newer: Iterable[Row], older: Iterable[Row]) -> Iterator[Row]:
    """Yield the batches of both in order, each once: that of `newer` where both have it. Both have to be in order."""
    last: tuple[str, int] | None = None
    for row in merge(newer, older, key=_place):  # of equal ones it yields that of its first argument first
        if _place(row) != last:
            yield row
        last = _place(row)


def _place(row: Row) -> tuple[str, int]:
    return row["batch_id"], row["opened_at"]
