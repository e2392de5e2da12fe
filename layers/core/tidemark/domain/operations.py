"""The system's own events, and the reserved workspace that they go to.

They are ordinary events of an ordinary workspace, so that operations are a dashboard like any other (`operations`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from tidemark.domain.events import format_timestamp
from tidemark.domain.workspace import OPERATIONS, Workspace

BATCHES_SEALED = "batches_sealed"
JOBS_STARTED = "jobs_started"
JOBS_SUCCEEDED = "jobs_succeeded"
JOBS_FAILED = "jobs_failed"
JOBS_DEAD = "jobs_dead"
JOBS_REDRIVEN = "jobs_redriven"
JOBS_CANCELLED = "jobs_cancelled"
JOBS_REPEATED = "jobs_repeated"
BREAKER_CHANGED = "breaker_changed"
"""The types; their properties stand at the head of dashboards/operations.yaml."""


def operations_workspace(now: datetime) -> Workspace:
    """Return the settings of the workspace `operations`, whose admin tokens are the operator's, as it is first made."""
    return Workspace(
        OPERATIONS,
        name="Operations",
        dashboards=("operations",),
        batch_events=0,
        created_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


@dataclass(frozen=True, slots=True)
class SystemEvent:
    """Something that one invocation did, with counts in its `properties`: one event, not one a job.

    `key` names what was done, so that a retry that does the same repeats the event: the ids and attempts of jobs, say.
    """

    type: str
    key: str
    properties: Mapping[str, Any]

    def native(self, now: datetime) -> dict[str, Any]:
        """Return the event as it is ingested."""
        identity = sha256(f"{self.type}#{self.key}".encode(errors="replace")).hexdigest()[:32]
        return {
            "event_id": identity,
            "type": self.type,
            "timestamp": format_timestamp(now),
            "properties": dict(self.properties),
        }
