"""Install what the lock files name: `python3 -m local.install run|dev`. Uses the standard library only.

Makes `.venv` (SAM, the package and the CLI; with `dev` also the tools), `.local/venv-ministack` (the local AWS) and
`dashboard/node_modules`, side by side. Nothing happens when the lock files, Python and Node are those of the last time.
Tests in the browser also need Chromium, which no package index has: with `dev` it comes from Debian's packages, unless
there is one.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local import dashboard
from local.errors import LocalError
from local.paths import MINISTACK_VENV, ROOT, VENV
from local.steps import alone, call, read_stamp, stamp, write_stamp

OLDEST_PYTHON = (3, 11)
LOCKS = ROOT / "requirements"
DISTRIBUTIONS = (ROOT / "layers" / "core", ROOT / "cli")
PROFILES = ("run", "dev")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STAMP = "installed.json"


def main(profile: str) -> None:
    """Bring everything to what the lock files name, for `run` or, which includes it, for `dev`. Raises `LocalError`."""
    if sys.version_info < OLDEST_PYTHON:
        raise LocalError(f"Tidemark needs Python 3.11 or newer, but this is {sys.version.split()[0]}: make PYTHON=...")
    dashboard.node_version()  # a minute is a long time to wait for being told that Node is missing
    with alone():
        if profile == "dev":
            install_browser()
        if main_is_current(profile) and ministack_is_current():
            dashboard.install()
            return
        started = time.monotonic()
        print("installing what the lock files name; the first time this takes a minute", flush=True)
        bootstrap_uv()
        with ThreadPoolExecutor() as pool:
            jobs = [
                pool.submit(install_main, profile),
                pool.submit(install_ministack),
                pool.submit(dashboard.install),
            ]
        for job in jobs:
            job.result()
        print(f"installed in {time.monotonic() - started:.0f} s", flush=True)


def install_browser() -> None:
    """Install Chromium unless there is a browser of its kind; raises `LocalError` where that is not ours to do."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise LocalError("the tests need Chromium: install it, for example with sudo apt-get install chromium")
    print("installing Chromium for the tests in the browser", flush=True)
    call(["apt-get", "-qq", "update"])
    call(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y", "install", "chromium"])


def bootstrap_uv() -> None:
    """Make `.venv`, unless it is one of this Python, and put the installer into it."""
    if not made_by_this_python(VENV):
        call([sys.executable, "-m", "venv", "--clear", VENV])
    if not (VENV / "bin" / "uv").exists():
        call([VENV / "bin" / "python", "-m", "pip", "install", "-q", "--require-hashes", "-r", LOCKS / "uv.txt"])


def main_is_current(profile: str) -> bool:
    """Tell whether `.venv` holds at least this profile as it is locked now."""
    covering = PROFILES[PROFILES.index(profile) :]
    return any(read_stamp(VENV / STAMP) == stamp(LOCKS / f"{name}.txt", *project_files()) for name in covering)


def install_main(profile: str) -> None:
    """Install the locked requirements and, editable, our own distributions."""
    if main_is_current(profile):
        return
    lock = LOCKS / f"{profile}.txt"
    uv_install(VENV, "--require-hashes", "-r", lock)
    editable = [argument for path in DISTRIBUTIONS for argument in ("-e", path)]
    uv_install(VENV, "--no-deps", "--no-build-isolation", *editable)
    write_stamp(VENV / STAMP, stamp(lock, *project_files()))


def ministack_is_current() -> bool:
    """Tell whether the local AWS is installed as it is locked now."""
    return read_stamp(MINISTACK_VENV / STAMP) == stamp(LOCKS / "ministack.txt")


def install_ministack() -> None:
    """Install the local AWS into an environment of its own, because it pins botocore and runs the functions."""
    if ministack_is_current():
        return
    call([sys.executable, "-m", "venv", "--clear", "--without-pip", MINISTACK_VENV])
    uv_install(MINISTACK_VENV, "--require-hashes", "-r", LOCKS / "ministack.txt")
    write_stamp(MINISTACK_VENV / STAMP, stamp(LOCKS / "ministack.txt"))


def project_files() -> list[Path]:
    """Return the project files of our own distributions: their entry points are made when they are installed."""
    return [path / "pyproject.toml" for path in DISTRIBUTIONS]


def uv_install(environment: Path, *arguments: str | Path) -> None:
    """Install into an environment with uv."""
    call([VENV / "bin" / "uv", "pip", "install", "-q", "--python", environment / "bin" / "python", *arguments])


def made_by_this_python(environment: Path) -> bool:
    """Tell whether a virtual environment exists here and is of the running Python's version."""
    try:
        made = (environment / "pyvenv.cfg").read_text()
    except OSError:
        return False
    return f"version = {sys.version.split()[0]}\n" in made and (environment / "bin" / "python").exists()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except LocalError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
