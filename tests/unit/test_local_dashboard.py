"""Building the dashboard: when it happens, what it weighs, and what is said when it cannot."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local import dashboard, steps
from local.errors import LocalError
from tidemark.http.assets import _HASHED, ADMIN, INDEX, SDK


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with sources of a dashboard, and nothing installed or built."""
    for name, value in {
        "DASHBOARD": tmp_path / "dashboard",
        "NODE_MODULES": tmp_path / "dashboard" / "node_modules",
        "PAGE": tmp_path / "page",
        "BUILT": tmp_path / ".local" / "dashboard.json",
    }.items():
        monkeypatch.setattr(dashboard, name, value)
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    monkeypatch.setattr(steps, "LOCAL", tmp_path / ".local")
    for folder in ("client/src", "client/tests", "pages/src", "dist"):
        (tmp_path / "dashboard" / folder).mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "client/src/index.ts", "client/tests/index.test.ts"):
        (tmp_path / "dashboard" / name).write_text("{}")
    return tmp_path


@pytest.fixture
def commands(clone: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that were run; each does what npm would, in small."""
    found: list[str] = []

    def call(command: list[str], directory: Path) -> None:
        assert directory == clone / "dashboard"
        found.append(" ".join(command))
        if command == ["npm", "ci"]:
            (directory / "node_modules").mkdir(exist_ok=True)
        else:
            write_page(clone / "page")

    monkeypatch.setattr(dashboard, "call", call)
    return found


NOTHING = b"export {};"


def write_page(
    page: Path, *, script: bytes = NOTHING, admin: bytes = NOTHING, shared: bytes = NOTHING, sdk: bytes = NOTHING
) -> None:
    page.mkdir(exist_ok=True)
    (page / "index.html").write_text('<script src="dashboard/index-12345678.js"></script>')
    (page / "admin.html").write_text('<script src="dashboard/admin-12345678.js"></script>')
    (page / "admin-12345678.js").write_bytes(b'import "./shared-12345678.js";' + admin)
    (page / "index-12345678.js").write_bytes(b'import "./shared-12345678.js";' + script)
    (page / "shared-12345678.js").write_bytes(shared)
    (page / "tidemark.js").write_bytes(sdk)


def test_it_is_built_once(commands: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    dashboard.main()
    assert "of 120 KB" in capsys.readouterr().out
    dashboard.main()
    assert commands == ["npm ci", "npm run build"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "steps_again"),
    [
        ("dashboard/client/src/index.ts", ["npm run build"]),
        ("dashboard/pages/src/new.tsx", ["npm run build"]),
        ("dashboard/package-lock.json", ["npm ci", "npm run build"]),
        ("page/index-12345678.js", ["npm run build"]),
        ("dashboard/client/tests/index.test.ts", []),
        ("dashboard/dist/tidemark.js", []),
        ("dashboard/node_modules/x.js", []),
    ],
)
def test_it_is_built_again_when_what_it_is_made_of_or_the_page_itself_has_changed(
    clone: Path, commands: list[str], name: str, steps_again: list[str]
) -> None:
    dashboard.main()
    commands.clear()
    (clone / name).write_text("changed")
    dashboard.main()
    assert commands == steps_again


@pytest.mark.parametrize("gone", ["page/tidemark.js", "dashboard/client/src/index.ts"])
def test_it_is_built_again_when_a_file_is_gone(clone: Path, commands: list[str], gone: str) -> None:
    dashboard.main()
    (clone / gone).unlink()
    commands.clear()
    dashboard.main()
    assert commands == ["npm run build"]


def test_a_build_that_failed_is_tried_again(clone: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], directory: Path) -> None:
        raise LocalError("vite says no")

    working = dashboard.call
    monkeypatch.setattr(dashboard, "call", fail)
    with pytest.raises(LocalError, match="vite says no"):
        dashboard.main()
    monkeypatch.setattr(dashboard, "call", working)
    dashboard.main()
    assert commands == ["npm ci", "npm run build"]


@pytest.mark.parametrize("heavy", ["script", "admin", "shared", "sdk"])
def test_what_is_over_its_budget_is_no_build(tmp_path: Path, heavy: str) -> None:
    write_page(tmp_path, **{heavy: secrets.token_bytes(120_000)})
    with pytest.raises(LocalError, match="over budget"):
        dashboard.within_budget(tmp_path)


def test_a_page_is_not_charged_with_what_only_the_other_loads(tmp_path: Path) -> None:
    write_page(tmp_path, script=secrets.token_bytes(70_000), admin=secrets.token_bytes(60_000))
    assert re.findall(r"(\w+) page weighs (\d+)\.\d", dashboard.within_budget(tmp_path)) == [
        ("dashboard", "70"),
        ("admin", "60"),
    ]


def test_what_the_build_left_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"no admin\.html and no index\.html and no tidemark\.js"):
        dashboard.within_budget(tmp_path)


@pytest.fixture
def path_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make PATH hold nothing but the given programs, each of which prints its text."""

    def make(**programs: str) -> None:
        for name, text in programs.items():
            program = tmp_path / name
            program.write_text(f"#!/bin/sh\necho {text}\n")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return make


@pytest.mark.parametrize(
    ("programs", "message"),
    [
        ({}, "Node 20.19 or newer and its npm, but there is no `node` on PATH"),
        ({"node": "v20.19.0"}, "there is no `npm` on PATH"),
        ({"node": "v18.20.4", "npm": "10"}, "`node` on PATH is v18.20.4"),
        ({"node": "v20.18.3", "npm": "10"}, "`node` on PATH is v20.18.3"),
        ({"node": "strange", "npm": "10"}, "`node` on PATH is strange"),
    ],
)
def test_who_has_no_node_or_an_old_one_is_told(
    path_with: Callable[..., None], programs: dict[str, str], message: str
) -> None:
    path_with(**programs)
    with pytest.raises(LocalError, match=message):
        dashboard.node_version()


def test_a_newer_node_will_do(path_with: Callable[..., None]) -> None:
    path_with(node="v22.12.0", npm="11")
    assert dashboard.node_version() == "v22.12.0"


def test_make_says_it_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.dashboard"]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, cwd=steps.ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the dashboard is built with Node")


def test_the_clone_is_built_and_every_name_but_three_changes_with_its_content() -> None:
    assert dashboard.PAGE.is_dir(), "run `make dashboard` first"
    dashboard.within_budget(dashboard.PAGE)
    names = {path.name for path in dashboard.files(dashboard.PAGE)}
    assert [name for name in names - {INDEX, ADMIN, SDK} if not _HASHED.fullmatch(name)] == []
