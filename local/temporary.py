"""A whole deployed system of its own, on a free port, for tests and benchmarks; it leaves nothing behind."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local.access import grant_access
from local.deploy import build, deploy
from local.emulator import Emulator, free_port
from local.outputs import Outputs
from local.paths import LOCAL

BUILD = LOCAL / "temporary" / "build"
"""Apart from the build of `make up`, so that tests may run beside it."""


@dataclass(frozen=True, slots=True)
class System:
    """A deployed system: its emulator, the outputs of its stack, and the way into its workspace."""

    emulator: Emulator
    stack: dict[str, str]
    outputs: Outputs


@contextmanager
def temporary_system(directory: Path, *, persist: bool = False, parameters: Sequence[str] = ()) -> Iterator[System]:
    """Deploy the clone's template with an empty workspace, keeping everything in `directory`; stop it at the end.

    `parameters` are those of template.yaml that are to be changed, each as NAME=VALUE. With `persist` the emulator may
    be stopped or killed, and started again with its data.
    """
    emulator = Emulator(directory, free_port(), persist)
    try:
        emulator.start()
        BUILD.parent.mkdir(parents=True, exist_ok=True)
        with (BUILD.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stack = deploy(emulator.port, build(BUILD), parameters)
        outputs = grant_access(emulator.endpoint_url, stack, datetime.now(UTC))
        emulator.checkpoint()
        yield System(emulator, stack, outputs)
    finally:
        emulator.stop()
