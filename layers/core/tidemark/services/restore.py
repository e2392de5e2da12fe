"""Brings batches back from cold storage."""

from __future__ import annotations

from datetime import datetime

from tidemark.domain.batches import parse_batch_id
from tidemark.domain.cold_batches import AnalysedBatch, analysed_of
from tidemark.domain.errors import WrongState
from tidemark.services.batch_ports import Batches
from tidemark.services.cold_ports import AnalysedBatches, ColdStorage
from tidemark.services.pipeline import unknown_batch
from tidemark.services.pipeline_actions import Action
from tidemark.services.pipeline_ports import Pipeline
from tidemark.services.ports import Workspace


class RestoreBatch:
    """Puts a batch back into the table, with its job and its insight, for as long as one is kept."""

    def __init__(self, pipeline: Pipeline, chains: Batches, batches: AnalysedBatches, storage: ColdStorage) -> None:
        self._pipeline = pipeline
        self._chains = chains
        self._batches = batches
        self._storage = storage

    def __call__(self, workspace: Workspace, batch_id: str, now: datetime) -> Action:
        """Restore a batch unless it is there; raises `NotFound` (code `unknown_batch`), `WrongState`."""
        stored = self._last_stored(workspace.workspace, batch_id)
        changed = stored is not None and self._restore(workspace, stored, int(now.timestamp()))
        found = self._pipeline.find(workspace.workspace, batch_id)
        if found is None:
            raise unknown_batch()
        return Action(changed, found)

    def _last_stored(self, workspace: str, batch_id: str) -> AnalysedBatch | None:
        """Return what cold storage has of an id; of several batches that had it, the last one."""
        chain, _ = parse_batch_id(workspace, batch_id)
        with self._storage.read(workspace, chain.hour) as stored:
            found = [row for row in (stored.rows if stored else ()) if row["batch_id"] == batch_id]
        return analysed_of(found[-1]) if found else None

    def _restore(self, workspace: Workspace, stored: AnalysedBatch, now_seconds: int) -> bool:
        """Put it back.

        Of a chain that has expired, what still comes begins a new one, whose last batch is open (docs/storage.md). That
        one must not get a follower: who fills it takes that for a chain that grew while it was read, and waits.
        """
        chain = self._chains.chain(stored.batch.chain)
        if any(batch.state == "OPEN" and batch.number < stored.batch.number for batch in chain):
            raise WrongState("a new batch of this hour is being filled: seal it, or wait until it is sealed")
        return self._batches.restore(stored, now_seconds, now_seconds + workspace.retention_days * 86_400)
