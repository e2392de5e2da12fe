"""Analysed batches in the Work table, and their objects in the archive's bucket: see docs/storage.md."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from tidemark.aws import clients
from tidemark.aws.batches import attributes_of, batch_of, key_of
from tidemark.aws.insights import insight_of
from tidemark.aws.items import encode
from tidemark.aws.objects import download_object, hour_path, replace_object
from tidemark.aws.queries import query
from tidemark.domain import insights
from tidemark.domain.cold_batches import AnalysedBatch, Row
from tidemark.domain.events import compact_json
from tidemark.domain.jobs import JobState
from tidemark.services.cold_ports import StoredHour


class DynamoAnalysedBatches:
    """The `AnalysedBatches` port on DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    def of_hour(self, workspace: str, hour: str) -> Iterator[AnalysedBatch]:
        """Read the batches of an hour whose job has succeeded, by id, each consistently, a page after the other.

        One whose insight is corrupt is left out: nobody can read it.
        """
        for item in query(
            self._table,
            "pk = :pk AND begins_with(sk, :hour)",
            {":pk": key_of(workspace, "")["pk"], ":hour": f"{hour}.", ":success": JobState.SUCCESS.value},
            FilterExpression="job = :success",
        ):
            found = insight_of(item)
            if found is not None:
                yield AnalysedBatch(batch_of(workspace, item), item["attempts"], item["finished_at"], found.insight)

    @clients.translated()
    def restore(self, analysed: AnalysedBatch, now_seconds: int, expires_at: int) -> bool:
        """Put a batch back, with its job and its insight; answer False if there is one of its id that has not expired.

        What has expired may be there for days before DynamoDB deletes it.
        """
        batch = analysed.batch
        item = {
            **key_of(batch.chain.workspace, batch.batch_id),
            **attributes_of(batch),
            "job": JobState.SUCCESS.value,
            "attempts": analysed.attempts,
            "finished_at": analysed.finished_at,
            "provider": analysed.insight.provider,
            "insight": zlib.compress(insights.encode(analysed.insight), 9),
            "restored_at": now_seconds,
            "expires_at": expires_at,
        }
        try:
            clients.dynamodb().put_item(
                TableName=self._table,
                Item=encode(item),
                ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                ExpressionAttributeValues=encode({":now": now_seconds}),
            )
        except clients.condition_failed():
            return False
        return True


class S3ColdStorage:
    """The `ColdStorage` port on S3."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    @contextmanager
    def read(self, workspace: str, hour: str) -> Iterator[StoredHour | None]:
        """Read an hour's object into a temporary file; its rows are read from there, once."""
        with TemporaryDirectory(prefix="cold-") as folder:
            file = Path(folder, "hour.ndjson.gz")
            tag = download_object(self._bucket, cold_key(workspace, hour), file)
            if tag is None:
                yield None
                return
            with gzip.open(file, "rb") as lines:
                yield StoredHour(tag, map(json.loads, lines))

    def replace(self, workspace: str, hour: str, rows: Iterable[Row], previous: str | None) -> int:
        """Put batches in the place of the object with the tag `previous`, unless there are none; return their number.

        They wait in a temporary file, so that memory holds one at a time, however many there are.
        """
        with TemporaryDirectory(prefix="cold-") as folder:
            file = Path(folder, "hour.ndjson.gz")
            number = _write(file, rows)
            if number:
                key = cold_key(workspace, hour)
                replace_object(self._bucket, key, file, previous, "application/gzip", {})
        return number


def cold_key(workspace: str, hour: str) -> str:
    """Return the key of an hour's object."""
    return f"batches/{hour_path(workspace, hour)}.ndjson.gz"


def _write(file: Path, rows: Iterable[Row]) -> int:
    """Write rows, one a line; return how many. The name within the file is a mark that no other has (its tag)."""
    number = 0
    with file.open("wb") as raw, gzip.GzipFile(uuid4().hex, "wb", fileobj=raw, mtime=0) as lines:
        for row in rows:
            lines.write(compact_json(row))
            lines.write(b"\n")
            number += 1
    return number
