"""Events as Parquet, by DuckDB, which only the function that archives and the operator's command line have.

The columns are those of the Glue table in template.yaml. Rows wait in files, so that memory holds one row group at a
time, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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
    """Write the rows of the files that the pattern `sources` names as Parquet; no two files are ever the same."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in SQL_TYPES.items())
    chosen = ", ".join(
        f'"{name}"{"::VARCHAR" if kind == "JSON" else ""} AS "{name}"' for name, kind in SQL_TYPES.items()
    )
    rows = f"read_json({_quoted(sources)}, format = 'newline_delimited', columns = {{{columns}}})"
    select = f'SELECT {chosen}, to_timestamp({hour_seconds(hour)}) AS "hour" FROM {rows}'  # noqa: S608  # ours
    with _database(target.parent) as db:
        db.execute(_copy(select, target))


@dataclass(frozen=True, slots=True)
class Search:
    """What a file has: all its `rows`, those `found`, and the anonymous ids beside which these stand."""

    rows: int
    found: int
    anonymous_ids: frozenset[str]


def search_parquet(source: Path, column: str, value: str) -> Search:
    """Look for the rows of a file whose `column` is `value`. Raises `duckdb.Error` if it is no file of events."""
    with _database(source.parent) as db:
        (rows,) = db.execute(f"SELECT count(*) FROM {_read(source)}").fetchall()[0]  # noqa: S608  # ours
        where = f'FROM {_read(source)} WHERE "{column}" = $1'
        found, beside = db.execute(
            f"SELECT count(*), list(DISTINCT anonymous_id) {where}",  # ours but for the value
            [value],
        ).fetchall()[0]
    return Search(rows, found, frozenset(name for name in beside or () if name is not None))


def copy_without(source: Path, column: str, value: str, target: Path) -> None:
    """Write a file of events anew, without the rows whose `column` is `value`; no two files are ever the same."""
    with _database(target.parent) as db:
        db.execute(
            _copy(f'SELECT * FROM {_read(source)} WHERE "{column}" IS DISTINCT FROM $1', target),  # noqa: S608  # ours
            [value],
        )


def _database(folder: Path) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": MEMORY,
        "temp_directory": str(folder),
    }
    return duckdb.connect(config=config)


def _copy(select: str, target: Path) -> str:
    """Return the statement that writes a file, with a mark in it that no other has.

    An object's ETag is a hash of its content, and has to tell whether it was written since.
    """
    options = f"FORMAT parquet, CODEC zstd, PARQUET_VERSION 'V1', ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
    return f"COPY ({select}) TO {_quoted(target)} ({options}, KV_METADATA {{written: '{uuid4().hex}'}})"


def _read(source: Path) -> str:
    return f"read_parquet({_quoted(source)}, hive_partitioning = false)"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
