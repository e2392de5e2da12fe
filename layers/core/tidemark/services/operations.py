"""Tells the system's own events, through the ordinary ingest, to the reserved workspace `operations`.

They are a record and no part of the work: that one cannot be told fails nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

from tidemark.domain.errors import TidemarkError
from tidemark.domain.operations import SystemEvent
from tidemark.domain.workspace import OPERATIONS
from tidemark.services.ingest import ingest
from tidemark.services.ports import Directory, EventLog


class SystemEvents:
    """Stores system events; `on_failure` is told why some could not be."""

    def __init__(
        self, log: EventLog, directory: Directory, on_failure: Callable[[Sequence[SystemEvent], str], None]
    ) -> None:
        self._log = log
        self._directory = directory
        self._on_failure = on_failure

    def __call__(self, events: Sequence[SystemEvent], now: datetime) -> None:
        """Store the events of one invocation, all in one chunk."""
        if not events:
            return
        try:
            workspace = self._directory.workspace(OPERATIONS)
            if workspace is None:  # until the first minute of the schedule that makes it
                self._on_failure(events, "there is no workspace for them yet")
                return
            native = [event.native(now) for event in events]
            receipt = ingest(self._log, workspace, native, received_at=now, new_id=lambda: uuid4().hex)
        except TidemarkError as error:
            self._on_failure(events, error.message)
            return
        if receipt.rejected:
            self._on_failure(events, receipt.rejected[0].message)
