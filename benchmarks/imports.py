"""What a cold start pays for imports: every handler, with the first client that it uses, against boto3 with one client.

Each sample is a fresh interpreter that times itself from its first statement; the baseline and all handlers take turns,
so that what disturbs one disturbs all. Bytecode is compiled before, as it is in a deployed package.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.support.report import heading, result, table

SAMPLES = 15
ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = tuple(sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py")))
WITHOUT_DYNAMODB = ("ws_default", "ws_ping")
"""These answer without a table, so that their first client is the one that posts to connections."""

BASELINE = 'import boto3; boto3.client("dynamodb", region_name="us-east-1")'
DYNAMODB = "from tidemark.aws import clients; clients.dynamodb()"
SOCKETS = 'from tidemark.aws import clients; clients.execute_api("http://127.0.0.1:9")'
TIMED = "import time; started = time.process_time(); {code}; print(time.process_time() - started)"
"""CPU time: other work on the machine hardly changes it. What is imported before `started` is the interpreter's."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def main() -> None:
    """Sample, then print."""
    heading(f"Import time (CPU), with one client: medians of {SAMPLES} fresh interpreters")
    contestants = {"boto3": BASELINE, **{name: handler_code(name) for name in FUNCTIONS}}
    samples: dict[str, list[float]] = {name: [] for name in contestants}
    for code in contestants.values():  # once unmeasured: writes bytecode, fills the page cache
        seconds(code)
    for _ in range(SAMPLES):
        for name, code in contestants.items():
            samples[name].append(seconds(code))
    milliseconds = {name: statistics.median(found) * 1000 for name, found in samples.items()}
    ratios = {
        name: statistics.median(own / base for own, base in zip(found, samples["boto3"], strict=True))
        for name, found in samples.items()
    }
    table(["handler", "CPU ms", "x boto3"], [[name, milliseconds[name], ratios[name]] for name in contestants])
    slowest = max((name for name in FUNCTIONS if name.startswith("ws_")), key=ratios.__getitem__)
    print(f"To reach: at most 1.4 for WebSocket handlers. The slowest of them: {slowest}, {ratios[slowest]:.2f}.\n")
    figures = {name: {"ms": round(milliseconds[name], 1), "ratio": round(ratios[name], 3)} for name in contestants}
    result("imports", {"samples": SAMPLES, "handlers": figures, "slowest_websocket_ratio": round(ratios[slowest], 3)})


def handler_code(name: str) -> str:
    """Return what imports a handler and makes its first client."""
    return f"import functions.{name}.handler; {SOCKETS if name in WITHOUT_DYNAMODB else DYNAMODB}"


def seconds(code: str) -> float:
    """Run code in a fresh interpreter; return the CPU seconds that it took."""
    command = [sys.executable, "-c", TIMED.format(code=code)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | ENVIRONMENT, capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
