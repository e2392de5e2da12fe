"""The emulator's process is found by its lock, and what is in its way is named."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local import install
from local.emulator import HOST, Emulator, require_free
from local.errors import LocalError
from local.launcher import __main__ as launcher
from local.paths import ROOT


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"port {port} is not free"):
            require_free(port)


def test_a_number_that_is_no_port_is_named() -> None:
    with pytest.raises(LocalError, match="99999 is not a port"):
        require_free(99999)


def test_an_emulator_lives_as_long_as_its_lock_is_held(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, 1)
    assert emulator.pid() is None
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(os.getpid()))
        lock.flush()
        assert emulator.pid() == os.getpid()
    assert emulator.pid() is None
    assert emulator.stop() is False


def test_the_emulator_inherits_nothing_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "AWS_PROFILE", "AWS_ENDPOINT_URL", "HTTP_PROXY", "EVENTS_TABLE"):
        monkeypatch.setenv(name, "the caller's")
    assert "the caller's" not in Emulator(tmp_path, 1)._environment(tmp_path).values()


def test_the_launcher_refuses_another_version_of_ministack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "version", lambda _: "9.9.9")
    with pytest.raises(SystemExit, match=r"written for MiniStack 1\.5\.33; 9\.9\.9 is installed"):
        launcher.require_supported_version()


def test_the_lock_file_pins_the_version_of_the_shims() -> None:
    lock = (ROOT / "requirements" / "ministack.txt").read_text()
    assert f"ministack=={launcher.SUPPORTED_VERSION} " in lock.replace("[full]", "")


def test_no_lock_file_names_a_registry() -> None:
    locks = [*ROOT.glob("requirements/*.txt"), *ROOT.glob("*/*/requirements.txt")]
    assert len(locks) >= 6
    assert not [lock for lock in locks if "://" in lock.read_text() or "--index" in lock.read_text()]


def test_the_installer_names_a_python_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "OLDEST_PYTHON", (99, 0))
    with pytest.raises(LocalError, match=r"needs Python 3\.11 or newer"):
        install.main("run")


def test_the_installer_needs_the_standard_library_only() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import local.install"],
        timeout=60,
    )
    assert done.returncode == 0
