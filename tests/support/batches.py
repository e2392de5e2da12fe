"""Batches in a world: every event in one of them, and none of them forgotten."""

from __future__ import annotations

import json
from typing import Any

from tests.support.checks import log_of
from tests.support.deployed import World
from tidemark.aws.batches import queue_of
from tidemark.domain.chunks import event_hash
from tidemark.domain.jobs import RESEND_SECONDS

SIZE = 3
AGE_SECONDS = 60


def batches(world: World) -> list[dict[str, Any]]:
    """Return the batches of the workspace, as they are stored, in order."""
    return world.stack.items("WorkTable", f"B#{world.workspace}")


def hashes(item: dict[str, Any]) -> list[int]:
    """Return the hashes of the ids that a batch holds."""
    packed = item["ids"]
    return [int.from_bytes(packed[start : start + 8], "big") for start in range(0, len(packed), 8)]


def check_batched(world: World) -> None:
    """Every event of the log is in exactly one batch of its hour; what is sealed has a job, which nobody can forget."""
    expected = sorted((hour, event_hash(name)) for hour, name in log_of(world))
    found = batches(world)
    held = sorted((item["sk"].partition(".")[0], each) for item in found for each in hashes(item))
    assert held == expected, "not every event is in one batch"
    for item, after in zip(found, [*found[1:], None], strict=True):
        is_last = after is None or after["sk"].rpartition(".")[0] != item["sk"].rpartition(".")[0]
        assert item["state"] == "SEALED" or (is_last and item["state"] == "OPEN"), f"{item['sk']} was left open"
        assert item["count"] == len(hashes(item)) <= SIZE
        assert item["queue"] == queue_of(world.workspace)
        assert item["due_at"] == (
            item["sealed_at"] + RESEND_SECONDS if item["state"] == "SEALED" else item["opened_at"] + AGE_SECONDS
        )
        assert (item.get("job") == "PENDING") == (item["state"] == "SEALED")


def sent(world: World) -> set[str]:
    """Return the ids of the batches whose jobs are queued, and take these from the queue."""
    return {json.loads(job.body)["batch"] for job in world.stack.analysis_jobs.of(world.workspace)}
