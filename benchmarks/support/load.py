"""Page views sent at a steady rate over HTTP, and what must be shown of them: counted here, apart from the product."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx

from benchmarks.support.traffic import Event, batches, page_views
from local.outputs import Outputs

EVENTS_PER_REQUEST = 100
CONNECTIONS = 8
PAUSE_SECONDS = 0.5
ERROR_STATUS = 400


class Load(threading.Thread):
    """Sends requests of 100 events, each again and again until it is acknowledged.

    `requests_per_second` may be changed while it runs. What cannot be sent in time is sent later: nothing is left out.
    The events happen as they are sent, or all at `happened_at`; those of two loads are told apart by `seed`.
    """

    def __init__(
        self,
        outputs: Outputs,
        requests_per_second: float = 1.0,
        *,
        happened_at: datetime | None = None,
        seed: int = 1,
    ) -> None:
        super().__init__()
        self._happened_at = happened_at
        self._seed = seed
        self._client = httpx.Client(
            base_url=outputs.http_url, auth=(outputs.write_key, ""), timeout=30, trust_env=False
        )
        self._ended = threading.Event()
        self._counting = threading.Lock()
        self.requests_per_second = requests_per_second
        self.repeated = 0
        """Requests that were sent again, since they were refused or not answered."""
        self.shown: Counter[str] = Counter()
        """What the accepted events add up to, by the names of `web`'s measures."""

    @property
    def accepted(self) -> int:
        """How many events were acknowledged."""
        return self.shown["pageviews"]

    def run(self) -> None:
        """Send until told to end, then until all is acknowledged."""
        stream = batches(page_views(datetime.now(UTC), EVENTS_PER_REQUEST, self._seed), EVENTS_PER_REQUEST)
        due = time.monotonic()
        with self._client, ThreadPoolExecutor(CONNECTIONS) as pool:
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                pool.submit(self._send, next(stream))
                due += 1 / self.requests_per_second

    def end(self) -> None:
        """Send no more; return when all is acknowledged."""
        self._ended.set()
        self.join()

    def _send(self, events: list[Event]) -> None:
        timestamp = (self._happened_at or datetime.now(UTC)).isoformat()
        body = {"batch": [{**event, "timestamp": timestamp} for event in events]}
        while not self._is_accepted(body):
            self.repeated += 1
            time.sleep(PAUSE_SECONDS)
        properties = [event["properties"] for event in events]
        with self._counting:
            self.shown["pageviews"] += len(events)
            self.shown["bytes_sent"] += sum(each["bytes"] for each in properties)
            self.shown["errors"] += sum(each["status"] >= ERROR_STATUS for each in properties)

    def _is_accepted(self, body: Any) -> bool:
        try:
            return self._client.post("/v1/batch", json=body).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False
