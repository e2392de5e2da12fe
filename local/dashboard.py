"""Build the live page, the admin page and the browser SDK: `python3 -m local.dashboard`.

Uses the standard library and Node only. `npm ci` fills `dashboard/node_modules`; `npm run build` writes the pages, and
the SDK beside them, into the core layer. Both are skipped while nothing that they follow has changed. A build over its
budget fails, so that it cannot ship.
"""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local.errors import LocalError
from local.paths import LOCAL, ROOT
from local.steps import alone, call, digests, read_stamp, write_stamp

OLDEST_NODE = (20, 19)
"""What Vite asks for."""
DASHBOARD = ROOT / "dashboard"
NODE_MODULES = DASHBOARD / "node_modules"
PAGE = ROOT / "layers" / "core" / "tidemark" / "http" / "page"
SDK = "tidemark.js"
PAGES = {"index.html": "dashboard page", "admin.html": "admin page"}
BUILT = LOCAL / "dashboard.json"
APART = {"node_modules", "dist", "tests"}
"""Folders of `dashboard/` that the pages are not made from."""
PAGE_BUDGET_BYTES = 120_000
SDK_BUDGET_BYTES = 8_000
"""Budgets are of what travels, under gzip; a page's is of all that it may load, whether or not the other does too."""


def main() -> None:
    """Install and build, unless both are current."""
    with alone():
        install()
        build()


def install() -> None:
    """Bring `node_modules` to what the lock file names. Raises `LocalError`."""
    followed = {"node": node_version(), **digests(DASHBOARD / name for name in ("package.json", "package-lock.json"))}
    done = NODE_MODULES / "installed.json"
    if read_stamp(done) != followed:
        call(["npm", "ci"], DASHBOARD)
        write_stamp(done, followed)


def build() -> None:
    """Build the pages and the SDK into the layer. Raises `LocalError`, also when one of them is over its budget."""
    followed = digests(sources())
    if read_stamp(BUILT) == {"sources": followed, "page": digests(files(PAGE))}:
        return
    print("building the dashboard", flush=True)
    call(["npm", "run", "build"], DASHBOARD)
    print(within_budget(PAGE), flush=True)
    write_stamp(BUILT, {"sources": followed, "page": digests(files(PAGE))})


def sources() -> list[Path]:
    """Return what the build is made from."""
    found = [path for path in DASHBOARD.iterdir() if path.is_file()]
    for folder in (path for path in DASHBOARD.iterdir() if path.is_dir() and path.name not in APART):
        found += [path for path in files(folder) if APART.isdisjoint(path.relative_to(folder).parts)]
    return found


def files(folder: Path) -> list[Path]:
    """Return every file below a folder; none if there is no such folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def within_budget(page: Path) -> str:
    """Return what the built pages and the SDK weigh, in words; raises `LocalError` if one of them weighs too much."""
    built = {path.name: path.read_bytes() for path in files(page)}
    missing = {SDK, *PAGES} - built.keys()
    if missing:
        raise LocalError(f"the build has made no {' and no '.join(sorted(missing))}")
    weights = {name: len(gzip.compress(content, mtime=0)) for name, content in built.items()}
    totals = {title: sum(weights[name] for name in loaded(html, built)) for html, title in PAGES.items()}
    words = "; ".join(
        f"the {title} weighs {total / 1000:.1f} of {PAGE_BUDGET_BYTES / 1000:.0f} KB under gzip, all of it"
        for title, total in totals.items()
    )
    words += f"; the SDK {weights[SDK] / 1000:.2f} of {SDK_BUDGET_BYTES / 1000:.0f} KB"
    if max(totals.values()) > PAGE_BUDGET_BYTES or weights[SDK] > SDK_BUDGET_BYTES:
        raise LocalError(f"over budget: {words}")
    return words


def loaded(html: str, built: Mapping[str, bytes]) -> set[str]:
    """Return the files that a page may load, itself included: those that it names, that these name, and so on."""
    found, new = set[str](), {html}
    while new:
        found |= new
        new = {name for name in built.keys() - found if any(name.encode() in built[each] for each in new)}
    return found


def node_version() -> str:
    """Return the version of Node; raises `LocalError` if there is none, it is too old, or it comes without npm."""
    wanted = f"the dashboard is built with Node {'.'.join(map(str, OLDEST_NODE))} or newer and its npm"
    try:
        version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["npm", "--version"], capture_output=True, check=True)
    except FileNotFoundError as error:
        raise LocalError(f"{wanted}, but there is no `{error.filename}` on PATH") from None
    except subprocess.CalledProcessError as error:
        raise LocalError(f"{wanted}, but `{' '.join(error.cmd)}` fails: {error.stderr}") from None
    numbers = re.match(r"v(\d+)\.(\d+)", version)
    if numbers is None or tuple(map(int, numbers.groups())) < OLDEST_NODE:
        raise LocalError(f"{wanted}, but `node` on PATH is {version}")
    return version


if __name__ == "__main__":
    try:
        main()
    except LocalError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
