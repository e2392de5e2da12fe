"""From an event to its viewers: POST /v1/batch, Lambda, log, stream, fold, delta log, stream, broadcast, 50 WebSockets.

Runs on a local AWS of its own, deployed from this clone's template (local/temporary.py), with an empty workspace. The
latency of a request begins just before its POST and ends, for each viewer, when the delta arrives whose `pageviews`
count the request's last event. All of it shares this machine: local AWS, functions, producer and viewers.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.support.report import heading, result, table
from benchmarks.support.traffic import batches, page_views
from local.outputs import Outputs
from local.temporary import temporary_system

VIEWERS = 50
RAMP_SECONDS = 0.1
"""Between viewers: each cold start takes most of a second of computing."""
WARM_UP_SECONDS = 15
MEASURED_SECONDS = 40
QUIET_SECONDS = 5.0
EVENTS_PER_SECOND = 100
SIZES = (10, 100)
VIEW = {"dashboard": "web", "days": 30}


@dataclass(slots=True)
class Viewer:
    """One subscriber: when it saw how many page views."""

    socket: ClientConnection
    seen: list[tuple[float, int]] = field(default_factory=list)

    async def listen(self) -> None:
        """Note every delta until the connection is closed."""
        async for frame in self.socket:
            arrived = time.perf_counter()
            message = json.loads(frame)
            if message["type"] == "delta" and "pageviews" in message["patch"].get("kpis", {}):
                self.seen.append((arrived, message["patch"]["kpis"]["pageviews"]))


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: when it was sent and acknowledged, and how many events there were with it."""

    at: float
    acknowledged_at: float
    total: int


def main() -> None:
    """Deploy, measure, print."""
    heading(f"Event to viewer: {EVENTS_PER_SECOND} events/s, {VIEWERS} viewers, {MEASURED_SECONDS} s after a warm-up")
    with tempfile.TemporaryDirectory() as directory, temporary_system(Path(directory)) as system:
        found = asyncio.run(run(system.outputs))
    rows, figures = [], {}
    for size, (sent, viewers) in found.items():
        latencies = latencies_of(sent, viewers)
        acknowledgements = [request.acknowledged_at - request.at for request in sent]
        figures[str(size)] = {
            "p50_ms": percentile_ms(latencies, 50),
            "p99_ms": percentile_ms(latencies, 99),
            "acknowledged_p50_ms": percentile_ms(acknowledgements, 50),
            "acknowledged_p99_ms": percentile_ms(acknowledgements, 99),
            "events_per_second": round(len(sent) * size / (sent[-1].acknowledged_at - sent[0].at), 1),
            "samples": len(latencies),
            "missing": len(sent) * VIEWERS - len(latencies),
        }
        rows.append([f"{size} events a request", *figures[str(size)].values()])
    columns = ["", "p50 ms", "p99 ms", "ack p50 ms", "ack p99 ms", "events/s", "samples", "missing"]
    table(columns, rows)
    print("To reach: p50 at most 300 ms, p99 at most 1,000 ms.\n")
    result("latency", {"viewers": VIEWERS, "seconds": MEASURED_SECONDS, "by_events_a_request": figures})


async def run(outputs: Outputs) -> dict[int, tuple[list[Sent], list[Viewer]]]:
    """Return for each request size what was sent and what the viewers saw."""
    viewers = []
    for _ in range(VIEWERS):
        viewers.append(await subscribed(outputs))
        await asyncio.sleep(RAMP_SECONDS)
    listening = [asyncio.create_task(viewer.listen()) for viewer in viewers]
    producer = Producer(outputs)
    found = {}
    try:
        for size in SIZES:
            await asyncio.to_thread(producer.produce, size, WARM_UP_SECONDS)
            sent = await asyncio.to_thread(producer.produce, size, MEASURED_SECONDS)
            await asyncio.sleep(QUIET_SECONDS)
            found[size] = (sent, [Viewer(viewer.socket, list(viewer.seen)) for viewer in viewers])
    finally:
        for viewer in viewers:
            await viewer.socket.close()
        await asyncio.gather(*listening, return_exceptions=True)
    return found


async def subscribed(outputs: Outputs) -> Viewer:
    """Return a viewer that is subscribed."""
    socket = await connect(f"{outputs.websocket_url}?token={outputs.read_token}", open_timeout=60, proxy=None)
    await socket.send(json.dumps({"action": "subscribe", "id": "1", "view": VIEW}))
    while (answer := json.loads(await asyncio.wait_for(socket.recv(), 60)))["type"] != "subscribed":
        if answer["type"] == "error":
            raise RuntimeError(f"the subscription was refused: {answer}")
    return Viewer(socket)


class Producer:
    """Sends page views at a steady rate, one request after the other, so that their order is that of the log."""

    def __init__(self, outputs: Outputs) -> None:
        self._client = httpx.Client(
            base_url=outputs.http_url, auth=(outputs.write_key, ""), timeout=30, trust_env=False
        )
        self._events = page_views(datetime.now(UTC), EVENTS_PER_SECOND)
        self._total = 0

    def produce(self, size: int, seconds: int) -> list[Sent]:
        """Send requests of `size` events for some seconds; raises if one is not acknowledged."""
        sent: list[Sent] = []
        stream = batches(self._events, size)
        begun, interval = time.perf_counter(), size / EVENTS_PER_SECOND
        for number in range(seconds * EVENTS_PER_SECOND // size):
            time.sleep(max(0.0, begun + number * interval - time.perf_counter()))
            now = datetime.now(UTC).isoformat()
            batch: list[dict[str, Any]] = [{**event, "timestamp": now} for event in next(stream)]
            at = time.perf_counter()
            self._client.post("/v1/batch", json={"batch": batch}).raise_for_status()
            self._total += size
            sent.append(Sent(at, time.perf_counter(), self._total))
        return sent


def latencies_of(sent: Sequence[Sent], viewers: Sequence[Viewer]) -> list[float]:
    """Return, for every request and viewer, the seconds until the viewer saw the request's last event."""
    found: list[float] = []
    for viewer in viewers:
        deltas = iter(viewer.seen)
        arrived, counted = 0.0, 0
        for request in sent:
            while counted < request.total:
                delta = next(deltas, None)
                if delta is None:
                    break
                arrived, counted = delta
            if counted < request.total:
                break
            found.append(arrived - request.at)
    return found


def percentile_ms(seconds: Sequence[float], percent: int) -> float:
    """Return a percentile, in milliseconds."""
    return round(statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000, 1)


if __name__ == "__main__":
    main()
