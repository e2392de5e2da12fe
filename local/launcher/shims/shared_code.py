"""A function's code and layers unpacked once, not once a process.

MiniStack unpacks a function and its layers anew for each process that it starts, in its own process: 15,000 files that
every other request waits for, and of which none is compiled yet. Where many processes start at once that takes minutes,
in which invocations time out, and are replaced by further processes. Lambda shows every execution environment the same
files, which it cannot change. Can go when two processes of a function import their modules from the same folder.
"""

from __future__ import annotations

import tempfile
import threading
import zipfile
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

from ministack.core import lambda_runtime


class SharedArchive:
    """Stands where MiniStack opens a function's or a layer's archive; puts a link where it would unpack it."""

    _lock = threading.Lock()

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __enter__(self) -> SharedArchive:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def namelist(self) -> list[str]:
        """Return no name to be checked: `ZipFile` leaves none outside of the folder."""
        return []

    def extractall(self, folder: str) -> None:
        """Make the empty `folder` a link to the files, which are unpacked if nobody has yet."""
        files = Path(tempfile.gettempdir()) / "unpacked" / sha256(self._path.read_bytes()).hexdigest()
        with self._lock:
            if not files.exists():
                unpacking = files.with_suffix(".unpacking")
                with zipfile.ZipFile(self._path) as opened:
                    opened.extractall(unpacking)
                unpacking.rename(files)
        Path(folder).rmdir()
        Path(folder).symlink_to(files)


def install() -> None:
    """Replace what a worker unpacks with."""
    lambda_runtime.zipfile = SimpleNamespace(
        ZipFile=SharedArchive, BadZipFile=zipfile.BadZipFile, LargeFileError=zipfile.LargeZipFile
    )
