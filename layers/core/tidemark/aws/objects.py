"""Objects of S3 that are read and replaced as a whole, by whoever knows what they replace."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tidemark.aws.clients import s3, translated
from tidemark.domain.errors import Conflict

PIECE_BYTES = 1 << 20


@translated()
def download_object(bucket: str, key: str, target: Path) -> str | None:
    """Write an object into a file and return its tag; None if there is none.

    A body that breaks off raises `Unavailable`: botocore repeats a request, but not what it has begun to hand over.
    """
    try:
        answer = s3().get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    with target.open("wb") as file:
        shutil.copyfileobj(answer["Body"], file, PIECE_BYTES)
    return answer["ETag"]


@translated()
def replace_object(
    bucket: str, key: str, file: Path, tag: str | None, content_type: str, metadata: Mapping[str, str]
) -> None:
    """Put a file in the place of the object with this tag, of none if it is None.

    Raises `Conflict` if the object is another one by now; also when an attempt of this very call was stored while its
    answer was lost. A tag is a hash of the content: to tell two writes apart, no two files may be the same.
    """
    condition: Any = {"IfMatch": tag} if tag is not None else {"IfNoneMatch": "*"}
    try:
        with file.open("rb") as body:
            s3().put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=content_type, Metadata=dict(metadata), **condition
            )
    except ClientError as error:
        if is_missing(error):
            raise Conflict("what was to be replaced is gone") from error
        raise


def hour_path(workspace: str, hour: str) -> str:
    """Return where the objects of an hour are below their prefix, without the end of their name.

    The name has no colon, which Hadoop takes for the end of a scheme.
    """
    return f"workspace={workspace}/date={hour[: len('2026-11-22')]}/{hour.replace(':', '')}"


def is_missing(error: ClientError) -> bool:
    """Answer whether an object is not there."""
    return error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey")
