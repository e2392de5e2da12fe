"""What the admin API says of a workspace's batches."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx

from local.outputs import Outputs

PATIENCE_SECONDS = 300.0


class Batches:
    """The batches of the workspace of a local run."""

    def __init__(self, outputs: Outputs) -> None:
        self._client = httpx.Client(
            base_url=f"{outputs.http_url}/v1/admin",
            headers={"authorization": f"Bearer {outputs.admin_token}"},
            timeout=60,
            trust_env=False,
        )

    def finish(self) -> float:
        """Seal what is open and wait until every job has ended; return how many seconds that took."""
        began = time.monotonic()
        for batch in list(self._all(state="OPEN")):
            self._client.post(f"/batches/{batch['batch_id']}/seal").raise_for_status()
        while any(self._jobs().values()) and time.monotonic() - began < PATIENCE_SECONDS:
            time.sleep(1)
        return time.monotonic() - began

    def figures(self, steady_at: datetime, burst_at: datetime) -> dict[str, Any]:
        """Return how many events are in batches, how the jobs ended, and how long they waited to be started.

        The wait is from sealing to the start of the first attempt, in whole seconds as they are stored; apart for those
        that were sealed from `steady_at` on, and from `burst_at` on.
        """
        batches = list(self._all())
        jobs = [batch["job"] for batch in batches if "job" in batch]
        waits: dict[bool, list[int]] = {True: [], False: []}
        for batch in batches:
            if batch.get("job", {}).get("attempts") == 1:
                sealed_at, started_at = map(datetime.fromisoformat, (batch["sealed_at"], batch["job"]["started_at"]))
                if sealed_at >= steady_at:
                    waits[sealed_at < burst_at].append((started_at - sealed_at).seconds)
        return {
            "batches": len(batches),
            "events in batches": sum(batch["events"] for batch in batches),
            "jobs": dict(Counter(job["state"] for job in jobs)),
            "attempts beyond the first": sum(job["attempts"] - 1 for job in jobs),
            "median seconds from sealed to started": statistics.median(waits[True]),
            "longest": max(waits[True]),
            "median in the burst and after": statistics.median(waits[False]),
            "longest then": max(waits[False]),
        }

    def _jobs(self) -> dict[str, int]:
        jobs = self._client.get("/metrics").raise_for_status().json()["jobs"]
        return {state: jobs[state] for state in ("pending", "running")}

    def _all(self, **query: str) -> Iterator[dict[str, Any]]:
        parameters = {**query, "limit": "100"}
        while True:
            page = self._client.get("/batches", params=parameters).raise_for_status().json()
            yield from page["batches"]
            if "next_cursor" not in page:
                return
            parameters["cursor"] = page["next_cursor"]
