"""The console script `tidemark` against the deployed stack."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.tenant import Tenant

COMMAND_SECONDS = 240


def tidemark(tenant: Tenant, *args: str | Path, cache: Path | None = None) -> str:
    """Run the console script, which must end well; return what it says, on whatever stream.

    `cache` is the folder in which it remembers what was interrupted.
    """
    stack = tenant.deployment.stack
    where = ["--stack", stack.name, "--region", stack.region or "us-east-1"]
    if stack.endpoint_url:
        where += ["--endpoint-url", stack.endpoint_url]
    done = subprocess.run(
        [Path(sys.executable).parent / "tidemark", *where, *args],
        env={**os.environ, **({"XDG_CACHE_HOME": str(cache)} if cache else {})},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
