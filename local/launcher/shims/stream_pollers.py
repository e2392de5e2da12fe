"""A poller for each stream.

MiniStack reads all DynamoDB streams in one thread and runs their functions there, so that a slow function of one stream
delays every other. Lambda polls each event source on its own. Can go when the function of one stream gets a record
while that of another is still running.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from ministack.core.concurrency import spawn_background
from ministack.services import lambda_svc

Mapping = tuple[str, str, dict[str, Any]]
"""Account, region and the record of an event source mapping."""


class Pollers:
    """Runs MiniStack's own pass over the streams once for each mapping, side by side."""

    def __init__(self) -> None:
        self._pass_over_streams = lambda_svc._poll_dynamodb_streams
        self._all_mappings = lambda_svc._iter_all_esms
        self._lock = threading.Lock()
        self._polled: set[str] = set()
        self._called_again: set[str] = set()
        self._thread = threading.local()

    def mappings(self) -> Iterator[Mapping]:
        """Yield the mapping that this thread polls; every one in a thread that polls none in particular."""
        only = getattr(self._thread, "uuid", None)
        yield from (mapping for mapping in self._all_mappings() if only in (None, mapping[2]["UUID"]))

    def poll(self) -> bool:
        """See to it that each stream is polled; there is never work left for the caller."""
        for _, _, mapping in self._all_mappings():
            uuid = mapping["UUID"]
            if ":dynamodb:" not in mapping.get("EventSourceArn", ""):
                continue
            with self._lock:
                if uuid in self._polled:
                    self._called_again.add(uuid)
                    continue
                self._polled.add(uuid)
            spawn_background(lambda uuid=uuid: self._drain(uuid), thread_name="ministack-stream")
        return False

    def _drain(self, uuid: str) -> None:
        self._thread.uuid = uuid
        while True:
            try:
                found = self._pass_over_streams()
            except Exception:
                with self._lock:
                    self._polled.discard(uuid)
                raise
            with self._lock:
                if not found and uuid not in self._called_again:
                    self._polled.discard(uuid)
                    return
                self._called_again.discard(uuid)


def install() -> None:
    """Replace the pass over the streams, and have a wake be followed at once."""
    pollers = Pollers()
    lambda_svc._iter_all_esms = pollers.mappings
    lambda_svc._poll_dynamodb_streams = pollers.poll
    lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS = 0.005
