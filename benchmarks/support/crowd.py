"""Many viewers with the browser SDK, in one process of Node (dashboard/client/bench/viewers.mjs)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from local.paths import ROOT

SCRIPT = ROOT / "dashboard" / "client" / "bench" / "viewers.mjs"
RAMP_MS = 100
"""Between viewers: each first request of theirs may meet a cold start."""
END_SECONDS = 60


class Crowd:
    """The process that holds the viewers; `via` is the WebSocket host that they are led over, if not the server's."""

    def __init__(
        self, http_url: str, workspace: str, token: str, view: Mapping[str, Any], viewers: int, via: str = ""
    ) -> None:
        options = {
            "url": http_url,
            "workspace": workspace,
            "token": token,
            "view": view,
            "viewers": viewers,
            "rampMs": RAMP_MS,
            "via": via,
        }
        self._process = subprocess.Popen(
            ["node", SCRIPT, json.dumps(options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._line()

    def tell(self, what: str) -> dict[str, Any]:
        """Have them `drop` their sockets, or just `report`; return the report."""
        assert self._process.stdin
        print(json.dumps({"do": what}), file=self._process.stdin, flush=True)
        return self._line()

    def close(self) -> None:
        """End the process, whatever state it is in."""
        try:
            self._process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process of the viewers has ended")
        found: dict[str, Any] = json.loads(line)
        return found


def live(report: Mapping[str, Any]) -> int:
    """Return how many viewers say that they are live."""
    return sum(count for state, count in report["held"].items() if state.startswith("live "))


def holding(report: Mapping[str, Any], snapshot: Mapping[str, Any]) -> int:
    """Return how many viewers are live with the position and the checksum of a snapshot (of the HTTP API)."""
    position = snapshot["position"]
    state = " ".join(["live", position["epoch"], str(position["seq"]), snapshot["checksums"]["full"]])
    return int(report["held"].get(state, 0))
