"""Write the lock files from what is declared: `make lock`; for newer versions, remove a lock first.

Each lock holds for every platform and Python from 3.11 on, with hashes, and names no registry. The order makes them
agree: what the layer ships is what the command line, the tests and the HTTP API's function get as well.
"""

from __future__ import annotations

import subprocess

from local.paths import ROOT, VENV

LOCKS = (
    ("layers/core/pyproject.toml", "layers/core/requirements.txt", None),
    ("requirements/uv.in", "requirements/uv.txt", None),
    ("requirements/run.in", "requirements/run.txt", None),
    ("requirements/http_api.in", "functions/http_api/requirements.txt", "requirements/run.txt"),
    ("requirements/cron_health.in", "functions/cron_health/requirements.txt", "requirements/run.txt"),
    ("requirements/queue_archive.in", "functions/queue_archive/requirements.txt", "requirements/run.txt"),
    ("requirements/dev.in", "requirements/dev.txt", None),
    ("requirements/ministack.in", "requirements/ministack.txt", None),
)


def main() -> None:
    """Resolve each input, in order; what is locked already stays unless an input forbids it."""
    for source, lock, constraint in LOCKS:
        print(lock, flush=True)
        command = [str(VENV / "bin" / "uv"), "pip", "compile", "-q", source, "-o", lock]
        command += ["--universal", "--python-version", "3.11", "--generate-hashes"]
        command += ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock"]
        command += ["-c", constraint] if constraint else []
        subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
