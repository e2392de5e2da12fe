"""Start MiniStack with the shims: `python -m local.launcher LOCK_FILE`, settings in the environment.

Runs under the interpreter of MiniStack's own virtual environment. The process holds an exclusive lock on LOCK_FILE,
which contains its process id, for as long as it lives: whoever can take the lock knows that the emulator is gone,
however it died.
"""

from __future__ import annotations

import fcntl
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

SUPPORTED_VERSION = "1.5.33"


def require_supported_version() -> None:
    """Exit with a message unless MiniStack is the version that the shims were written for."""
    try:
        found = version("ministack")
    except PackageNotFoundError:
        sys.exit(f"MiniStack is not installed for {sys.executable}; run `make up`, which installs it.")
    if found != SUPPORTED_VERSION:
        sys.exit(
            f"The shims in local/launcher were written for MiniStack {SUPPORTED_VERSION}; {found} is installed. "
            "Install requirements/ministack.txt, or check each shim against the new version and raise the number."
        )


def hold_lock(path: Path) -> IO[str]:
    """Lock `path`, write our process id into it, and return the open file, which must stay open."""
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"Another emulator holds {path}.")
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def main() -> None:
    """Check the version, take the lock, install the shims and serve until SIGTERM or SIGINT."""
    require_supported_version()
    with hold_lock(Path(sys.argv[1])):
        del sys.argv[1:]  # MiniStack parses the command line as well
        from local.launcher.shims import install_all

        install_all()
        from ministack.app import main as serve

        serve()


if __name__ == "__main__":
    main()
