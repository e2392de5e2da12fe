"""The shim `durable_state`: what was acknowledged is there after a `kill -9`, and streams miss nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from local.emulator import Emulator, free_port

from .conftest import client, deploy


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path, free_port())
    emulator.start()
    try:
        deploy(emulator)
        emulator.checkpoint()
        yield emulator
    finally:
        emulator.stop()


def put(emulator: Emulator, *keys: str) -> None:
    for key in keys:
        client(emulator, "dynamodb").put_item(TableName="shims", Item={"pk": {"S": key}})


def keys_of(emulator: Emulator) -> set[str]:
    items: list[dict[str, Any]] = client(emulator, "dynamodb").scan(TableName="shims")["Items"]
    return {item["pk"]["S"] for item in items}


def wait_for(emulator: Emulator, *keys: str) -> None:
    deadline = time.monotonic() + 20
    while not keys_of(emulator) >= set(keys):
        assert time.monotonic() < deadline, f"only {sorted(keys_of(emulator))}"
        time.sleep(0.1)


def living_members(group: int) -> list[str]:
    """Return the processes of the group that still run; a dead one may wait for its parent to notice."""
    members = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _parent, process_group = path.read_text().rpartition(")")[2].split()[:3]
            if int(process_group) == group and state != "Z":
                members.append(path.parent.name)
    return members


def test_what_was_acknowledged_survives_a_kill_and_reaches_the_functions(emulator: Emulator) -> None:
    put(emulator, "a", "b")
    client(emulator, "dynamodb").delete_item(TableName="shims", Key={"pk": {"S": "b"}})
    emulator.kill()
    emulator.start()
    assert "a" in keys_of(emulator)
    assert "b" not in keys_of(emulator)
    wait_for(emulator, "copy-a")
    put(emulator, "c")
    wait_for(emulator, "copy-c")


def test_a_clean_stop_keeps_the_data_and_streams_go_on_after_it(emulator: Emulator) -> None:
    put(emulator, "a", "b", "c")
    wait_for(emulator, "copy-a", "copy-b", "copy-c")
    emulator.stop()
    emulator.start()
    assert keys_of(emulator) == {"a", "b", "c", "copy-a", "copy-b", "copy-c"}
    put(emulator, "d")  # without the shim, as many records are skipped as there had been before
    wait_for(emulator, "copy-d")


def test_a_second_kill_loses_nothing_either(emulator: Emulator) -> None:
    for key in ("a", "b"):
        put(emulator, key)
        emulator.kill()
        emulator.start()
    wait_for(emulator, "a", "b", "copy-a", "copy-b")
    emulator.checkpoint()
    emulator.kill()
    emulator.start()
    assert keys_of(emulator) >= {"a", "b", "copy-a", "copy-b"}


def test_a_stop_leaves_no_process_and_no_open_port(emulator: Emulator) -> None:
    client(emulator, "lambda").invoke(FunctionName="silent")
    pid = emulator.pid()
    assert pid is not None
    assert emulator.stop()
    assert emulator.pid() is None
    assert not emulator.answers()
    assert not living_members(pid)
