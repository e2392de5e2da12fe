"""Who a credential stands for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes import MemoryDirectory, MemoryTokenKeys
from tidemark.domain.credentials import Principal, issue_token
from tidemark.domain.errors import Forbidden, Unauthorized, Unavailable
from tidemark.services.authenticate import authenticate, open_workspace
from tidemark.services.ports import Workspace

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
KEY = "tmk_" + "a" * 32
DIRECTORY = MemoryDirectory(Workspace("demo"), keys={KEY: "demo"})
TOKEN_KEYS = MemoryTokenKeys({"k1": "1" * 64})


def who(credential: str | None) -> Principal:
    return authenticate(credential, directory=DIRECTORY, token_keys=TOKEN_KEYS, now=NOW)


def test_a_write_key_opens_its_workspace_for_writing() -> None:
    assert who(KEY) == Principal("demo", "write", None)


def test_a_token_opens_its_workspace_in_its_role() -> None:
    kid, secret = TOKEN_KEYS.current()
    token = issue_token("demo", "read", kid=kid, secret=secret, issued_at=NOW, lifetime=timedelta(minutes=1))
    assert who(token) == Principal("demo", "read", int(NOW.timestamp()) + 60)


@pytest.mark.parametrize(
    "credential", [None, "", "tmk_", "tmk_" + "b" * 32, KEY + "a", "tmk_" + "\ud800" * 32, "x.y.z"]
)
def test_anything_else_is_nobody(credential: str | None) -> None:
    with pytest.raises(Unauthorized) as caught:
        who(credential)
    assert caught.value.code == "unauthorized"


def test_a_directory_that_is_down_is_not_a_wrong_key() -> None:
    down = MemoryDirectory()
    down.failure = Unavailable("down")
    with pytest.raises(Unavailable):
        authenticate(KEY, directory=down, token_keys=TOKEN_KEYS, now=NOW)


def test_a_workspace_opens_only_for_its_own_credentials_and_while_it_exists() -> None:
    assert open_workspace(DIRECTORY, Principal("demo", "read"), "demo", "read").workspace == "demo"
    with pytest.raises(Forbidden):
        open_workspace(DIRECTORY, Principal("demo", "admin"), "other", "read")
    with pytest.raises(Forbidden):
        open_workspace(DIRECTORY, Principal("gone", "admin"), "gone", "read")
