"""The local AWS as a process: start it detached, find it again, stop all of it.

It runs in a session of its own, so that a Ctrl-C meant for the orchestrator does not hit it, and holds a lock on a
file for as long as it lives (see local/launcher): whether it runs is never a guess from a process id.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from local.errors import LocalError
from local.paths import MINISTACK_VENV, ROOT

HOST = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 20.0
CHECKPOINT_SECONDS = 20.0
LEFT_OVER = "left-over-"
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""Functions inherit the emulator's environment, so it gets nothing of the caller's but these."""


@dataclass
class Emulator:
    """One local AWS, with its files in `directory`.

    With `persist`, its data outlives it, also a `kill -9` (local/launcher/shims/durable_state.py).
    """

    directory: Path
    port: int
    persist: bool = True
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    """The process, if this object started it; others find it by its lock."""

    @property
    def endpoint_url(self) -> str:
        """The URL that AWS clients use."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What the emulator printed."""
        return self.directory / "log"

    @property
    def state(self) -> Path:
        """Where its data is kept."""
        return self.directory / "state"

    def pid(self) -> int | None:
        """Return the process id while the emulator lives, else None."""
        try:
            with (self.directory / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:
            return int((self.directory / "lock").read_text() or 0) or None
        return None

    def start(self) -> None:
        """Start it and wait until it answers; does nothing if it runs. Raises `LocalError`."""
        if self.pid() is not None:
            return
        require_free(self.port)
        scratch = self.directory / "tmp"
        if scratch.exists():  # unpacked functions of an earlier run: too many files to wait for their removal
            scratch.rename(self.directory / f"{LEFT_OVER}{time.time_ns()}")
        scratch.mkdir(parents=True)
        with self.log.open("ab") as log:
            self._process = process = subprocess.Popen(
                [MINISTACK_VENV / "bin" / "python", "-m", "local.launcher", self.directory / "lock"],
                cwd=ROOT,
                env=self._environment(scratch),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if process.poll() is not None:
                raise LocalError(f"the local AWS ended while starting:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                kill_group(process.pid)
                raise LocalError(f"the local AWS did not answer within {START_SECONDS:.0f} s:\n{self.log_tail()}")
            time.sleep(0.05)
        for left_over in self.directory.glob(f"{LEFT_OVER}*"):
            shutil.rmtree(left_over, ignore_errors=True)

    def stop(self) -> bool:
        """Stop it with all its workers, letting it save its data; answer whether it ran."""
        pid = self.pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.pid() == pid and time.monotonic() < deadline:
            time.sleep(0.02)
        kill_group(pid)
        if self._process is not None:
            self._process.wait()
        return True

    def kill(self) -> None:
        """Kill it without warning, as a crash would; does nothing if it does not run."""
        pid = self.pid()
        if pid is not None:
            kill_group(pid)
            while self.pid() == pid:
                time.sleep(0.01)
            if self._process is not None:
                self._process.wait()

    def checkpoint(self) -> None:
        """Make what is deployed survive a `kill -9`, as items do by themselves; returns when it is saved."""
        pid, marker = self.pid(), self.state / "checkpoint"
        if not self.persist or pid is None:
            return
        before = marker.read_text() if marker.exists() else ""
        os.kill(pid, signal.SIGUSR1)
        deadline = time.monotonic() + CHECKPOINT_SECONDS
        while not marker.exists() or marker.read_text() in ("", before):
            if time.monotonic() > deadline:
                raise LocalError(f"the local AWS did not save its state:\n{self.log_tail()}")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Tell whether it serves requests."""
        url = f"{self.endpoint_url}/_ministack/ready"
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  # it is our own URL
                return self.pid() is not None
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def log_tail(self, lines: int = 15) -> str:
        """Return the end of what it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _environment(self, scratch: Path) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "AUTH": "true",  # enforce IAM
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_ACCOUNT_CONCURRENCY": "1000",  # as on AWS, not by this machine's memory: few processes do the work
            "LOG_LEVEL": "WARNING",
            "PERSIST_STATE": "1" if self.persist else "0",
            "PYTHONUNBUFFERED": "1",
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(self.state),
            "TMPDIR": str(scratch),
        }


def require_free(port: int) -> None:
    """Raise `LocalError` if something else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OverflowError:
            raise LocalError(f"{port} is not a port: PORT is 1 to 65535") from None
        except OSError as error:
            raise LocalError(f"port {port} is not free ({error.strerror}); choose another: make up PORT=4700") from None


def free_port() -> int:
    """Return a port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def kill_group(pid: int) -> None:
    """Kill what is left of the session that the process led: workers that outlived it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
