"""Install what the lock files name: `python3 local/install.py run|dev`. Uses the standard library only.

Makes `.venv` (SAM, the package and the CLI; with `dev` also the tools) and `.local/venv-ministack` (the local AWS),
side by side. Nothing happens when the lock files and the Python are those of the last time. Tests in the browser also
need Chromium, which no package index has: with `dev` it comes from Debian's packages, unless there is one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
MINISTACK_VENV = ROOT / ".local" / "venv-ministack"
LOCKS = ROOT / "requirements"
DISTRIBUTIONS = (ROOT / "layers" / "core", ROOT / "cli")
PROFILES = ("run", "dev")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class InstallError(Exception):
    """An installation that failed, with what the tool said."""


def main(profile: str) -> None:
    """Bring both environments to what the lock files name, for `run` or, which includes it, for `dev`."""
    if sys.version_info < OLDEST_PYTHON:
        raise InstallError(
            f"Tidemark needs Python 3.11 or newer, but this is {sys.version.split()[0]}: make PYTHON=..."
        )
    (ROOT / ".local").mkdir(exist_ok=True)
    with (ROOT / ".local" / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if profile == "dev":
            install_browser()
        if main_is_current(profile) and ministack_is_current():
            return
        started = time.monotonic()
        print("installing what the lock files name; the first time this takes a minute", flush=True)
        bootstrap_uv()
        with ThreadPoolExecutor() as pool:
            jobs = [pool.submit(install_main, profile), pool.submit(install_ministack)]
        for job in jobs:
            job.result()
        print(f"installed in {time.monotonic() - started:.0f} s", flush=True)


def install_browser() -> None:
    """Install Chromium unless there is a browser of its kind; raises `InstallError` where that is not ours to do."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise InstallError("the tests need Chromium: install it, for example with sudo apt-get install chromium")
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
    return any(read_stamp(VENV) == stamp(LOCKS / f"{name}.txt", *project_files()) for name in covering)


def install_main(profile: str) -> None:
    """Install the locked requirements and, editable, our own distributions."""
    if main_is_current(profile):
        return
    lock = LOCKS / f"{profile}.txt"
    uv_install(VENV, "--require-hashes", "-r", lock)
    editable = [argument for path in DISTRIBUTIONS for argument in ("-e", path)]
    uv_install(VENV, "--no-deps", "--no-build-isolation", *editable)
    write_stamp(VENV, stamp(lock, *project_files()))


def ministack_is_current() -> bool:
    """Tell whether the local AWS is installed as it is locked now."""
    return read_stamp(MINISTACK_VENV) == stamp(LOCKS / "ministack.txt")


def install_ministack() -> None:
    """Install the local AWS into an environment of its own, because it pins botocore and runs the functions."""
    if ministack_is_current():
        return
    call([sys.executable, "-m", "venv", "--clear", "--without-pip", MINISTACK_VENV])
    uv_install(MINISTACK_VENV, "--require-hashes", "-r", LOCKS / "ministack.txt")
    write_stamp(MINISTACK_VENV, stamp(LOCKS / "ministack.txt"))


def project_files() -> list[Path]:
    """Return the project files of our own distributions: their entry points are made when they are installed."""
    return [path / "pyproject.toml" for path in DISTRIBUTIONS]


def uv_install(environment: Path, *arguments: str | Path) -> None:
    """Install into an environment with uv."""
    call([VENV / "bin" / "uv", "pip", "install", "-q", "--python", environment / "bin" / "python", *arguments])


def call(command: list[str | Path]) -> None:
    """Run a command; raises `InstallError` with its output if it fails."""
    words = [str(word) for word in command]
    clean = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    done = subprocess.run(words, capture_output=True, text=True, env=clean)
    if done.returncode:
        raise InstallError(f"this failed: {' '.join(words)}\n{done.stdout}{done.stderr}")


def made_by_this_python(environment: Path) -> bool:
    """Tell whether a virtual environment exists here and is of the running Python's version."""
    try:
        made = (environment / "pyvenv.cfg").read_text()
    except OSError:
        return False
    return f"version = {sys.version.split()[0]}\n" in made and (environment / "bin" / "python").exists()


def stamp(*files: Path) -> dict[str, str]:
    """Describe an installation by the Python, the place and the content of the files that it follows."""
    digests = {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return {"python": sys.version, "root": str(ROOT), **digests}


def read_stamp(environment: Path) -> dict[str, str] | None:
    """Return what `write_stamp` left, or None."""
    try:
        written: dict[str, str] = json.loads((environment / "installed.json").read_text())
    except (OSError, ValueError):
        return None
    return written


def write_stamp(environment: Path, description: dict[str, str]) -> None:
    """Remember what was installed."""
    (environment / "installed.json").write_text(json.dumps(description))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except InstallError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
