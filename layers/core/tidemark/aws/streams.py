"""The records of DynamoDB streams, as Lambda receives them."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from tidemark.aws.items import decode
from tidemark.aws.snapshots import delta_of
from tidemark.domain import chunks
from tidemark.domain.chunks import Chunk
from tidemark.domain.views import View
from tidemark.services.ports import Delta, LoggedChunk

StreamEvent = Mapping[str, Any]


def new_chunks(event: StreamEvent) -> Iterator[LoggedChunk]:
    """Yield the chunks that a batch of the Events stream brings."""
    for item in _inserted(event):
        workspace, hour, shard = item["pk"].split("#")
        chunk = Chunk(workspace, hour, int(shard), item["sk"], tuple(chunks.decode(item["events"])))
        yield LoggedChunk(chunk, item["received_at"], item["expires_at"], refiled=item.get("refiled", False))


def new_deltas(event: StreamEvent) -> Iterator[tuple[str, View, Delta]]:
    """Yield the (workspace, view, delta) that a batch of the Snapshots stream brings, in order."""
    for item in _inserted(event):
        workspace, _, view = item["pk"].partition("#")
        if item["sk"].startswith("D#"):
            yield workspace, View.from_key(view), delta_of(item)


def _inserted(event: StreamEvent) -> Iterator[dict[str, Any]]:
    for record in event["Records"]:
        if record["eventName"] == "INSERT":
            image = record["dynamodb"]["NewImage"]
            yield decode({name: _binary(value) for name, value in image.items()})


def _binary(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a value with bytes in the place of base64, in which the stream's JSON carries them."""
    return {"B": b64decode(value["B"])} if "B" in value else value
