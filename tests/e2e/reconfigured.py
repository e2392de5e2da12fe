"""A deployed function with other variables for the length of a test, and its processes."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.deployment import Deployment


@contextmanager
def reconfigured(deployment: Deployment, functions: Mapping[str, Mapping[str, str]]) -> Iterator[None]:
    """Have functions, by their names in template.yaml, run with these variables changed while the body runs.

    Nothing may be under way in them when it begins or ends: the local AWS ends their processes at once.
    """
    client = deployment.client("lambda")
    before: dict[str, dict[str, str]] = {}

    def change(name: str, variables: dict[str, str]) -> None:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    try:
        for logical_id, variables in functions.items():
            name = deployment.resources[logical_id]
            found = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            unknown = variables.keys() - found.keys()
            assert not unknown, f"{logical_id} has no variables {sorted(unknown)}"
            before[name] = found
            change(name, {**found, **variables})
        yield
    finally:
        for name, found in before.items():
            change(name, found)


class Workers:
    """The processes of one function on the local AWS that the tests have started."""

    def __init__(self, deployment: Deployment, logical_id: str) -> None:
        assert deployment.emulator is not None
        self._directory = str(deployment.emulator.directory)
        self._name = re.compile(rf"-{re.escape(deployment.resources[logical_id])}-\w+/")

    def pids(self) -> list[int]:
        """Return those that are alive."""
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                with suppress(OSError):  # it has ended meanwhile
                    command = (process / "cmdline").read_text(errors="replace")
                    if self._directory in command and self._name.search(command):
                        found.append(int(process.name))
        return found

    def stop(self) -> None:
        """Have each stand still."""
        send(self.pids(), signal.SIGSTOP)

    def step(self, seconds: float) -> None:
        """Have each that stands still go on for so long."""
        pids = self.pids()  # at first, since looking for them takes longer than the step
        send(pids, signal.SIGCONT)
        time.sleep(seconds)
        send(pids, signal.SIGSTOP)

    def kill(self) -> None:
        """End each without a warning."""
        send(self.pids(), signal.SIGKILL)


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to processes, as far as they are there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
