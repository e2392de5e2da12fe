"""What is replayed: the lines of a file, plain or gzip, and the events in them."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, cast

from tidemark.domain.events import EPOCH, MAX_EVENT_BYTES
from tidemark_cli.errors import CliError, UsageError
from tidemark_cli.replay.access_log import LogLineError, looks_like_log, page_event

Event = dict[str, Any]
Format = Literal["NDJSON", "combined log"]

SAMPLE_LINES = 50
GZIP_MAGIC = b"\x1f\x8b"
_IDS = ("event_id", "messageId")
_TIMES = ("timestamp", "originalTimestamp")


class BadLineError(ValueError):
    """A line that holds no event; `code` counts it, the message says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Source:
    """A file to replay."""

    path: Path
    name: str

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Read the lines that are not blank, with their numbers from 1, without line ends."""
        with self._open() as file:
            for number, line in enumerate(file, 1):
                if stripped := line.strip():
                    yield number, stripped

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        try:
            with self.path.open("rb") as raw:
                magic = raw.read(len(GZIP_MAGIC))
                raw.seek(0)
                # GzipFile is a binary stream in all but its declared type.
                yield cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if magic == GZIP_MAGIC else raw
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise CliError(f"{self.name} is damaged: {error}", "is it downloaded completely?") from None
        except OSError as error:
            raise UsageError(f"cannot read {self.name}: {error.strerror or error}") from None

    def form(self) -> Format:
        """Tell the format by the content; raises `UsageError` if it is none of those that can be replayed."""
        sample = [line for _, line in islice(self.lines(), SAMPLE_LINES)]
        if any(line.startswith(b"{") for line in sample):
            return "NDJSON"
        if any(looks_like_log(line.decode("utf-8", "replace")) for line in sample):
            return "combined log"
        if not sample:
            raise UsageError(f"{self.name} is empty")
        hint = "expected: one JSON object a line, or a web server log in combined format"
        if sample[0].startswith(b"["):
            hint = "it looks like one JSON array: `jq -c '.[]'` makes lines of it"
        elif b"," in sample[0]:
            hint += f"; of CSV `duckdb -c \"COPY (FROM '{self.name}') TO 'events.ndjson'\"` makes it"
        raise UsageError(f"{self.name} holds no events that can be replayed", hint)


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Provide the file at `path`; `-` is stdin, read to its end first, since resuming and shifting need the whole."""
    if path != "-":
        yield Source(Path(path), Path(path).name)
        return
    with tempfile.TemporaryDirectory(prefix="tidemark-") as folder:
        copy = Path(folder) / "stdin"
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield Source(copy, "stdin")


class Reader:
    """Makes events of lines.

    What would be new each time it is sent, because it has neither an id nor a time, gets an id from its line and the
    line's number among equal ones, as does every line of a log. So a replay in another order sends the same events.
    With `timed` an event without a time is a bad line.
    """

    def __init__(self, form: Format, *, timed: bool = False) -> None:
        self._form = form
        self._timed = timed
        self._seen: Counter[bytes] = Counter()

    def read(self, line: bytes) -> Event:
        """Return the event of a line; raises `BadLineError`. Each line is to be read once, in any order."""
        if self._form == "combined log":
            return {"event_id": self._identity(line), **_log_event(line)}
        event = _json_event(line)
        if self._timed and stated_time(event) is None:
            raise BadLineError("no_timestamp", "the event has no timestamp, and would count as of now")
        if stated_time(event) is None and not any(event.get(name) for name in _IDS):
            event["event_id"] = self._identity(line)
        return event

    def _identity(self, line: bytes) -> str:
        digest = blake2b(line, digest_size=12).digest()
        self._seen[digest] += 1
        return sha256(b"%s\n%d" % (line, self._seen[digest])).hexdigest()[:32]


def stated_time(event: Event) -> Any:
    """Return the timestamp of a native or Segment event as it stands there; None if there is none."""
    return next((event[name] for name in _TIMES if event.get(name) is not None), None)


def instant_of(event: Event) -> datetime | None:
    """Return when the event happened; None if that cannot be read (the server will say why)."""
    raw = stated_time(event)
    try:
        if isinstance(raw, str):
            instant = datetime.fromisoformat(raw)
            return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return EPOCH + timedelta(milliseconds=raw)
    except (ValueError, OverflowError):
        pass
    return None


def _json_event(line: bytes) -> Event:
    if len(line) > MAX_EVENT_BYTES * 2:
        # Twice, because the bound holds for compact JSON without escapes; the server has the last word below this.
        raise BadLineError("event_too_large", f"{len(line)} bytes; an event has at most {MAX_EVENT_BYTES}")
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadLineError("invalid_json", f"not JSON: {error}") from None
    if not isinstance(event, dict):
        raise BadLineError("invalid_event", "not a JSON object")
    return event


def _log_event(line: bytes) -> Event:
    try:
        return page_event(line.decode("utf-8", "replace"))
    except LogLineError as error:
        raise BadLineError("invalid_line", str(error)) from None
