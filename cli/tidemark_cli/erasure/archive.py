"""The erasure of a subject from the archive: hours whose object has rows of theirs are written anew without them.

No Lambda may do this for an hour of which the log has ended. Those that the log still has are archived anew once they
are recomputed; here they are treated like the others: each object is replaced only where it still is what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from tidemark.aws import clients
from tidemark.aws.archive import S3Archive, hour_of_key, object_key, object_prefix, replace_hour
from tidemark.aws.objects import download_object
from tidemark.aws.parquet import Search, copy_without, search_parquet
from tidemark.domain.errors import Conflict, Unavailable
from tidemark.services.contention import attempts
from tidemark_cli.erasure.subject import Subject
from tidemark_cli.erasure.sweep import some_at_a_time
from tidemark_cli.errors import CliError

DOWNLOADS = 3
"""Of an object whose body breaks off: botocore repeats a request, but not what it has begun to hand over."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What an archived hour has: `found` events of the subject among all `events`; `tag` tells when it was written.

    `companions` are anonymous ids beside which a user's events stand: the same person before they were known.
    """

    tag: str
    events: int
    found: int
    companions: frozenset[str]

    @property
    def others(self) -> int:
        """How many events are not the subject's."""
        return self.events - self.found

    def has_lost(self, after: Archived | None) -> bool:
        """Answer whether events of others are missing since; late ones may have come, and all of it may be expired."""
        return after is not None and after.others < self.others


class SubjectArchive:
    """What the archive has of one subject."""

    def __init__(self, bucket: str, workspace: str, subject: Subject) -> None:
        self._bucket = bucket
        self._workspace = workspace
        self._subject = subject
        self._archive = S3Archive(bucket)

    @clients.translated()
    def tags(self) -> dict[str, str]:
        """List the tags of the archived hours, as they are now."""
        pages = clients.s3().get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=self._bucket, Prefix=object_prefix(self._workspace))
        objects = ((each["Key"], each["ETag"]) for page in listed for each in page.get("Contents", ()))
        named = ((hour_of_key(self._workspace, key), tag) for key, tag in objects)
        return {hour: tag for hour, tag in named if hour is not None}

    def look(
        self, tags: Mapping[str, str], known: Mapping[str, Archived], tell: Callable[[], None]
    ) -> Mapping[str, Archived]:
        """Return what these hours have, reading those whose tag is another one than when it became known.

        An hour that is gone since it was listed is left out.
        """
        read = {hour: tag for hour, tag in tags.items() if hour not in known or known[hour].tag != tag}
        found = {hour: known[hour] for hour in tags.keys() - read.keys()}
        for _ in found:
            tell()
        with some_at_a_time(self._search, read) as searches:
            for hour, search in zip(read, searches, strict=True):
                if search is not None:
                    companions = search.anonymous_ids if self._subject.kind == "user" else frozenset()
                    found[hour] = Archived(read[hour], search.rows, search.found, companions)
                tell()
        return found

    def erase(self, hour: str) -> None:
        """Write an hour anew without the subject, if it has anything of theirs; what has no row left stays, empty.

        Raises `Unavailable` if others write it all the time.
        """
        for _ in attempts():
            previous = self._archive.find(self._workspace, hour)  # before it is read: the condition covers it
            if previous is None:
                return
            with self._downloaded(hour) as file:
                if file is None or not self._searched(hour, file).found:
                    return
                target = file.with_name("left.parquet")
                with self._told(hour):
                    copy_without(file, self._subject.field, self._subject.id, target)
                try:
                    key = object_key(self._workspace, hour)
                    replace_hour(self._bucket, key, target, previous, previous.log_until)
                except Conflict:
                    continue
            return
        raise Unavailable(f"the archived hour {hour} is being written by many at once; try again")

    def _search(self, hour: str) -> Search | None:
        with self._downloaded(hour) as file:
            return self._searched(hour, file) if file else None

    def _searched(self, hour: str, file: Path) -> Search:
        with self._told(hour):
            return search_parquet(file, self._subject.field, self._subject.id)

    @contextmanager
    def _told(self, hour: str) -> Iterator[None]:
        """Say which object it was that DuckDB could do nothing with."""
        try:
            yield
        except duckdb.Error as error:
            raise CliError(
                f"the archived hour {hour} cannot be read and written: {str(error).splitlines()[0]}",
                f"is s3://{self._bucket}/{object_key(self._workspace, hour)} a Parquet file of Tidemark's?"
                " If not, repair it or delete it",
            ) from error

    @contextmanager
    def _downloaded(self, hour: str) -> Iterator[Path | None]:
        """Yield an hour's object as a file; None if there is none."""
        with TemporaryDirectory(prefix="erase-") as folder:
            file = Path(folder, "hour.parquet")
            yield file if self._download(hour, file) else None

    def _download(self, hour: str, target: Path) -> bool:
        for left in reversed(range(DOWNLOADS)):
            try:
                return download_object(self._bucket, object_key(self._workspace, hour), target) is not None
            except Unavailable:
                if not left:
                    raise
        return False
