"""Batches: the events of an hour's shard in portions that are analysed together.

The batches of a shard are numbered and make a chain: all but the last one are sealed. An event is in the first batch
that its id came to, and in no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tidemark.domain.errors import InvalidRequest

State = Literal["OPEN", "SEALED", "ANALYZED"]
"""A batch is filled, then waits for its job, then has an insight. It never goes back."""
SealedBy = Literal["", "size", "age", "hand"]

_ID = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z)\.(\d{2})\.(\d{6,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Chain:
    """Where batches belong: the hour of a workspace, and the shard, that their events are of."""

    workspace: str
    hour: str
    shard: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands; times are Unix seconds, 0 for what has not happened.

    `ids` are the hashes of its events' ids (`event_hash`), `chunks` the keys of the chunks that brought them, in that
    order: its events are those of the chunks whose hash is one of the ids. `version` counts what was written of it.
    """

    chain: Chain
    number: int
    state: State = "OPEN"
    ids: frozenset[int] = field(default=frozenset(), repr=False)
    chunks: tuple[str, ...] = ()
    opened_at: int = 0
    filled_at: int = 0
    sealed_at: int = 0
    sealed_by: SealedBy = ""
    version: int = 0

    @property
    def batch_id(self) -> str:
        """The id, which is that of its job and of its insight, too."""
        return batch_id(self.chain, self.number)


def batch_id(chain: Chain, number: int) -> str:
    """Return the id of a batch, unique in its workspace: `2026-11-22T10:00Z.00.000003`."""
    return f"{chain.hour}.{chain.shard:02d}.{number:06d}"


def parse_batch_id(workspace: str, text: str) -> tuple[Chain, int]:
    """Return what an id names; raises `InvalidRequest` (code `invalid_batch`) if it is none."""
    found = _ID.fullmatch(text)
    if found is None:
        raise InvalidRequest("a batch id is like 2026-11-22T10:00Z.00.000003", field="batch", code="invalid_batch")
    hour, shard, number = found.groups()
    return Chain(workspace, hour, int(shard)), int(number)


def assigned(
    chain: Chain, tail: Batch | None, fresh: Sequence[tuple[str, Sequence[int]]], size: int, now_seconds: int
) -> Iterator[Batch]:
    """Yield the batches, in the order of writing, that take `fresh` events in behind `tail`.

    The first is `tail` itself, with more in it, if that is open. Whatever reaches `size` is sealed; one that had more,
    by an earlier size, is sealed as it is. Each has the version that follows the one that is stored.

    Parameters
    ----------
    tail
        The last batch of the chain; None if it has none.
    fresh
        (key of a chunk, hashes of the ids that it brings), without those that are in the chain or come twice.
    size
        Events a batch, at least 1.
    """
    pairs = [(identity, key) for key, identities in fresh for identity in identities]
    taken = 0
    while taken < len(pairs):
        if tail is None or tail.state != "OPEN":
            tail = Batch(chain, tail.number + 1 if tail else 0, opened_at=now_seconds)
        portion = pairs[taken : taken + max(0, size - len(tail.ids))]
        taken += len(portion)
        tail = replace(
            tail,
            ids=tail.ids | {identity for identity, _ in portion},
            chunks=tuple(dict.fromkeys([*tail.chunks, *(key for _, key in portion)])),
            filled_at=now_seconds,
            version=tail.version + 1,
        )
        if len(tail.ids) >= size:
            tail = replace(tail, state="SEALED", sealed_at=now_seconds, sealed_by="size")
        yield tail
