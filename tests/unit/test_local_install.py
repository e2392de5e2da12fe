"""What the installation does beyond the lock files."""

from __future__ import annotations

import os
import shutil

import pytest

from local import install
from local.errors import LocalError


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that would have run."""
    found: list[str] = []
    monkeypatch.setattr(install, "call", lambda command: found.append(" ".join(map(str, command))))
    return found


def there_is(monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name in programs else None)


@pytest.mark.parametrize("browser", install.BROWSERS)
def test_a_browser_that_is_there_is_used(monkeypatch: pytest.MonkeyPatch, commands: list[str], browser: str) -> None:
    there_is(monkeypatch, browser, "apt-get")
    install.install_browser()
    assert commands == []


def test_chromium_is_installed_by_root(monkeypatch: pytest.MonkeyPatch, commands: list[str]) -> None:
    there_is(monkeypatch, "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    install.install_browser()
    assert commands[-1].endswith("apt-get -qq -y install chromium")


@pytest.mark.parametrize(("programs", "user"), [(("apt-get",), 1000), ((), 0)])
def test_who_cannot_install_it_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, commands: list[str], programs: tuple[str, ...], user: int
) -> None:
    there_is(monkeypatch, *programs)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(LocalError, match="install chromium"):
        install.install_browser()
    assert commands == []
