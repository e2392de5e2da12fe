"""A storm: 200 viewers lose their connections all at once, again and again, while 100 events a second come in.

Runs on a local AWS of its own. The viewers are the browser SDK, 200 clients in one process of Node. Once all
are live, every socket of theirs is cut at the same moment, every minute for 10 minutes. Then the events end; every
viewer must come to hold what a fresh bootstrap gives, by a checksum computed apart from the SDK.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.support.crowd import Crowd, holding, live
from benchmarks.support.load import Load
from benchmarks.support.report import heading, result, table
from local.outputs import Outputs
from local.temporary import temporary_system

VIEWERS = 200
MINUTES = 10.0
EVERY_SECONDS = 60.0
SETTLE_SECONDS = 180.0
VIEW: dict[str, str | int] = {"dashboard": "web", "days": 30}


def main() -> None:
    """Deploy, blow, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--viewers", type=int, default=VIEWERS)
    arguments = parser.parse_args()
    heading(
        f"{arguments.viewers} viewers reconnect at once, every {EVERY_SECONDS:.0f} s for {arguments.minutes} minutes"
    )
    with tempfile.TemporaryDirectory() as directory, temporary_system(Path(directory)) as system:
        figures = blow(system.outputs, arguments.viewers, arguments.minutes)
    table(["", "figure"], [[name, value] for name, value in figures.items()])
    result("storm", figures)


def blow(outputs: Outputs, viewers: int, minutes: float) -> dict[str, Any]:
    """Return the figures of a storm."""
    crowd = Crowd(outputs.http_url, outputs.workspace, outputs.read_token, VIEW, viewers)
    load = Load(outputs)
    load.start()
    started = time.monotonic()
    while live(crowd.tell("report")) < viewers and time.monotonic() - started < SETTLE_SECONDS:
        time.sleep(0.5)
    storms = 0
    back_after: list[float] = []
    ends = time.monotonic() + 60 * minutes
    while (dropped := time.monotonic()) < ends:
        crowd.tell("drop")
        storms, is_over = storms + 1, False
        while (elapsed := time.monotonic() - dropped) < EVERY_SECONDS:
            time.sleep(0.5)
            if not is_over and live(crowd.tell("report")) == viewers:
                is_over = True
                back_after.append(elapsed)
                print(f"storm {storms}: all live after {elapsed:.0f} s", flush=True)
    load.end()
    settling = time.monotonic()
    while True:
        fresh = _fresh(outputs)
        found = crowd.tell("report")
        exact = holding(found, fresh)
        if exact == viewers and fresh["kpis"]["pageviews"] == load.accepted:
            break
        if time.monotonic() - settling > SETTLE_SECONDS:
            break
        time.sleep(1)
    crowd.close()
    return {
        "viewers": viewers,
        "storms": storms,
        "connections": found["opened"],
        "events": load.accepted,
        "events shown": fresh["kpis"]["pageviews"],
        "storms after which all were live before the next": len(back_after),
        "median seconds until all were live": round(sorted(back_after)[len(back_after) // 2], 1)
        if back_after
        else None,
        "states shown that were not exact": found["wrong"],
        "viewers with the checksum of a fresh bootstrap": exact,
        "seconds until then": round(time.monotonic() - settling, 1),
    }


def _fresh(outputs: Outputs) -> dict[str, Any]:
    """Return a fresh bootstrap over HTTP; asks again while it is told to try later, as the viewers do."""
    while True:
        answer = httpx.get(
            f"{outputs.http_url}/v1/workspaces/{outputs.workspace}/snapshot",
            params=VIEW,
            headers={"Authorization": f"Bearer {outputs.read_token}"},
            timeout=60,
            trust_env=False,
        )
        if answer.status_code not in (429, 503):
            found: dict[str, Any] = answer.raise_for_status().json()
            return found
        time.sleep(1)


if __name__ == "__main__":
    main()
