"""The archive's bucket: an object is an hour of a workspace. Its layout stands in docs/storage.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import ClientError

from tidemark.aws.clients import s3, translated
from tidemark.aws.parquet import write_parquet, write_rows
from tidemark.domain.errors import Conflict
from tidemark.services.archive import ArchivedHour
from tidemark.services.distinct import Logged

_DATE = len("2026-11-22")
_LOG_UNTIL = "log-until"
"""The metadata of an object that says until when the log has whatever it was written from."""


class S3Archive:
    """The `Archive` port on S3."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    @translated()
    def find(self, workspace: str, hour: str) -> ArchivedHour | None:
        """Read the tag and the metadata of an hour's object, consistently; None if there is none."""
        try:
            head = s3().head_object(Bucket=self._bucket, Key=object_key(workspace, hour))
        except ClientError as error:
            if _is_missing(error):
                return None
            raise
        return ArchivedHour(head["ETag"], int(head["Metadata"][_LOG_UNTIL]))

    @contextmanager
    def draft(self, workspace: str, hour: str) -> Iterator[ParquetDraft]:
        """Begin to gather an hour in a temporary folder."""
        with TemporaryDirectory(prefix="archive-") as folder:
            yield ParquetDraft(self._bucket, object_key(workspace, hour), hour, Path(folder))


class ParquetDraft:
    """The rows of an hour, in a folder of their own until they are put."""

    def __init__(self, bucket: str, key: str, hour: str, folder: Path) -> None:
        self._bucket = bucket
        self._key = key
        self._hour = hour
        self._folder = folder

    def gather(self, shard: int, rows: Iterable[Logged]) -> None:
        """Have the draft hold these events of a shard, in the place of those that it holds of it."""
        write_rows(self._folder / f"{shard:02d}.ndjson", rows)

    @translated()
    def replace(self, previous: ArchivedHour | None, log_until: int) -> None:
        """Put it in the place of `previous`.

        Raises `Conflict` if the object is another one by now; also when an attempt of this very call was stored while
        its answer was lost.
        """
        target = self._folder / "hour.parquet"
        write_parquet(self._folder / "*.ndjson", self._hour, target)
        condition: Any = {"IfMatch": previous.tag} if previous else {"IfNoneMatch": "*"}
        try:
            with target.open("rb") as body:
                s3().put_object(
                    Bucket=self._bucket,
                    Key=self._key,
                    Body=body,
                    ContentType="application/vnd.apache.parquet",
                    Metadata={_LOG_UNTIL: str(log_until)},
                    **condition,
                )
        except ClientError as error:
            if _is_missing(error):
                raise Conflict("what was to be replaced is gone") from error
            raise


def object_key(workspace: str, hour: str) -> str:
    """Return the key of an hour's object; its name has no colon, which Hadoop takes for the end of a scheme."""
    return f"events/workspace={workspace}/date={hour[:_DATE]}/{hour.replace(':', '')}.parquet"


def _is_missing(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey")
