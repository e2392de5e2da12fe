"""Parquet files that are searched, and written anew without some rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.strategies import event
from tidemark.aws.archive import hour_of_key, object_key
from tidemark.aws.parquet import Search, copy_without, search_parquet, write_parquet, write_rows

HOUR = "2026-11-22T10:00Z"
USERS = ["ann", "Ann", "ann ", "an", "", "a\0nn", "a\0", "😀" * 128, "é", "e\u0301", "'\"\\", "NULL", "null", "%", None]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with an event of each of the users, and of none."""
    folder = tmp_path_factory.mktemp("it's")
    events = [
        event(f"e{number}", "2026-11-22T10:00:00.123Z", anonymous_id=f"n{number}", deep={"n": [1e-7, None]})
        | ({} if user is None else {"user_id": user})
        for number, user in enumerate(USERS)
    ]
    write_rows(folder / "00.ndjson", ((each, "2026-11-22T10:00:01.000Z") for each in events))
    write_parquet(folder / "*.ndjson", HOUR, folder / "hour.parquet")
    return folder / "hour.parquet"


def rows(file: Path) -> list[tuple[Any, ...]]:
    return duckdb.read_parquet(str(file)).fetchall()


def columns(file: Path) -> list[Any]:
    return duckdb.execute("SELECT name, type, converted_type FROM parquet_schema($1)", [str(file)]).fetchall()


@pytest.mark.parametrize("user", [user for user in USERS if user is not None])
def test_exactly_the_rows_of_one_user_are_found_and_left_out(file: Path, tmp_path: Path, user: str) -> None:
    number = USERS.index(user)
    assert search_parquet(file, "user_id", user) == Search(len(USERS), 1, frozenset({f"n{number}"}))
    left = tmp_path / "left.parquet"
    copy_without(file, "user_id", user, left)
    everything = rows(file)
    assert rows(left) == everything[:number] + everything[number + 1 :]
    assert columns(left) == columns(file)
    assert search_parquet(left, "user_id", user) == Search(len(USERS) - 1, 0, frozenset())


def test_two_copies_differ_and_one_without_rows_has_every_column(file: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        copy_without(file, "type", "page", tmp_path / name)
    assert rows(tmp_path / "a") == []
    assert columns(tmp_path / "a") == columns(file)
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()
    assert search_parquet(tmp_path / "a", "session_id", "s") == Search(0, 0, frozenset())


def test_an_hour_is_known_by_its_key_and_nothing_else_is_taken_for_one() -> None:
    for hour in (HOUR, "2015-05-17T10:30Z"):
        assert hour_of_key("acme", object_key("acme", hour)) == hour
    key = object_key("acme", HOUR)
    for other in (key.replace("acme", "acme2"), key + ".bak", key.replace("date=", "day="), key.rpartition("/")[0]):
        assert hour_of_key("acme", other) is None
