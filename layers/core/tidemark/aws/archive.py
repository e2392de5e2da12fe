"""The archive's bucket: an object is an hour of a workspace. Its layout stands in docs/storage.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from botocore.exceptions import ClientError

from tidemark.aws.clients import s3, translated
from tidemark.aws.objects import hour_path, is_missing, replace_object
from tidemark.aws.parquet import write_parquet, write_rows
from tidemark.services.archive import ArchivedHour
from tidemark.services.distinct import Logged

_TO_THE_COLON = len("2026-11-22T10")
_LOG_UNTIL = "log-until"
"""The metadata of an object that says until when the log has whatever it was written from; what somebody else has put
there may lack it, and is kept."""


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
            if is_missing(error):
                return None
            raise
        return ArchivedHour(head["ETag"], int(head["Metadata"].get(_LOG_UNTIL, 0)))

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

    def replace(self, previous: ArchivedHour | None, log_until: int) -> None:
        """Put it in the place of `previous`.

        Raises `Conflict` if the object is another one by now; also when an attempt of this very call was stored while
        its answer was lost.
        """
        target = self._folder / "hour.parquet"
        write_parquet(self._folder / "*.ndjson", self._hour, target)
        replace_hour(self._bucket, self._key, target, previous, log_until)


def replace_hour(bucket: str, key: str, file: Path, previous: ArchivedHour | None, log_until: int) -> None:
    """Put a Parquet file in the place of `previous`; raises `Conflict` if the object is another one by now."""
    tag = previous.tag if previous else None
    replace_object(bucket, key, file, tag, "application/vnd.apache.parquet", {_LOG_UNTIL: str(log_until)})


def object_prefix(workspace: str) -> str:
    """Return how the keys of a workspace's objects begin."""
    return f"events/workspace={workspace}/"


def object_key(workspace: str, hour: str) -> str:
    """Return the key of an hour's object."""
    return f"events/{hour_path(workspace, hour)}.parquet"


def hour_of_key(workspace: str, key: str) -> str | None:
    """Return the hour whose object has this key; None if it is no hour's."""
    name = key.rpartition("/")[2].removesuffix(".parquet")
    hour = f"{name[:_TO_THE_COLON]}:{name[_TO_THE_COLON:]}"
    return hour if key == object_key(workspace, hour) else None
