"""Events as Parquet, written by DuckDB, which only the function that archives has.

The columns are those of the Glue table in template.yaml. Rows wait in files, so that memory holds one row group at a
time, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import duckdb

from tidemark.domain.events import compact_json
from tidemark.domain.hours import hour_seconds
from tidemark.services.distinct import Logged

ROW_GROUP_ROWS = 100_000
MEMORY = "400MB"
"""Of DuckDB alone; what needs more goes to the disk."""

SQL_TYPES = {
    "event_id": "VARCHAR",
    "type": "VARCHAR",
    "timestamp": "TIMESTAMPTZ",
    "received_at": "TIMESTAMPTZ",
    "anonymous_id": "VARCHAR",
    "user_id": "VARCHAR",
    "session_id": "VARCHAR",
    "properties": "JSON",
    "context": "JSON",
}
"""How a row is read. JSON is written as text, which every reader of Parquet knows."""


def write_rows(path: Path, rows: Iterable[Logged]) -> None:
    """Write events into a new file for `write_parquet`, one a line."""
    with path.open("wb") as file:
        for event, received_at in rows:
            file.write(compact_json({**event, "received_at": received_at}))
            file.write(b"\n")


def write_parquet(sources: Path, hour: str, target: Path) -> None:
    """Write the rows of the files that the pattern `sources` names as Parquet; no two files are ever the same.

    A mark in them makes it so: an object's ETag is a hash of its content, and has to tell whether it was written since.
    """
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in SQL_TYPES.items())
    chosen = ", ".join(
        f'"{name}"{"::VARCHAR" if kind == "JSON" else ""} AS "{name}"' for name, kind in SQL_TYPES.items()
    )
    rows = f"read_json({_quoted(sources)}, format = 'newline_delimited', columns = {{{columns}}})"
    options = f"FORMAT parquet, CODEC zstd, PARQUET_VERSION 'V1', ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
    mark = f"KV_METADATA {{written: '{uuid4().hex}'}}"
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": MEMORY,
        "temp_directory": str(target.parent),
    }
    with duckdb.connect(config=config) as db:
        db.execute(
            f'COPY (SELECT {chosen}, to_timestamp({hour_seconds(hour)}) AS "hour" FROM {rows}) '  # noqa: S608  # ours
            f"TO {_quoted(target)} ({options}, {mark})"
        )


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
