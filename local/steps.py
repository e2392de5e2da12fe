"""What a step of the installation is made of: a lock, a command, and the memory of what it followed.

Uses the standard library only, for it runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalError
from local.paths import LOCAL, ROOT

FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""What the caller's shell may hold that would lead a step to another Python."""


@contextmanager
def alone() -> Iterator[None]:
    """Let one process at a time install or build in this clone."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def call(command: Sequence[str | Path], directory: Path = ROOT) -> None:
    """Run a command; raises `LocalError` with its output if it fails."""
    words = [str(word) for word in command]
    clean = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, env=clean)
    if done.returncode:
        raise LocalError(f"this failed: {' '.join(words)}\n{done.stdout}{done.stderr}")


def digests(files: Iterable[Path]) -> dict[str, str]:
    """Return the SHA-256 of each file, by its place in the clone."""
    return {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def stamp(*files: Path) -> dict[str, str]:
    """Describe an installation by the Python, the place and the content of the files that it follows."""
    return {"python": sys.version, "root": str(ROOT), **digests(files)}


def read_stamp(path: Path) -> object:
    """Return what `write_stamp` left, or None."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def write_stamp(path: Path, description: object) -> None:
    """Remember what was installed or built."""
    path.write_text(json.dumps(description))
