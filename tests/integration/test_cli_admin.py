"""The write side of the Directory, through the command, against DynamoDB and Secrets Manager (moto)."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from tests.cli_stack import deploy, run
from tidemark.aws.directory import DynamoDirectory
from tidemark.aws.items import decode
from tidemark.aws.secrets import SecretsManagerTokenKeys
from tidemark.domain.credentials import Principal, hash_write_key, verify_token
from tidemark.domain.errors import Unauthorized
from tidemark_cli.admin import Admin
from tidemark_cli.stack import Stack


@pytest.fixture(autouse=True)
def stack(aws: None, monkeypatch: pytest.MonkeyPatch) -> Stack:
    return deploy(monkeypatch)


@pytest.fixture
def admin(stack: Stack) -> Admin:
    return Admin(stack.dynamodb, stack.directory_table)


@pytest.fixture
def directory(stack: Stack) -> DynamoDirectory:
    return DynamoDirectory(stack.directory_table, 90)


@pytest.fixture
def token_keys(stack: Stack) -> SecretsManagerTokenKeys:
    return SecretsManagerTokenKeys(stack.token_secret_arn)


def test_a_workspace_is_what_the_functions_then_read(directory: DynamoDirectory) -> None:
    run("workspace", "create", "acme", "--timezone", "Asia/Kolkata", "--dashboards", "web", "--retention-days", "7")
    workspace = directory.workspace("acme")
    assert workspace is not None
    assert (workspace.timezone, workspace.dashboards, workspace.retention_days) == ("Asia/Kolkata", ("web",), 7)
    assert workspace.shards_at(0) == 1
    assert workspace.name == "acme"
    assert "acme" in run("workspace", "list").stdout
    assert "Asia/Kolkata" in run("workspace", "show", "acme").stdout


def test_creating_a_workspace_twice_is_an_error_and_changes_nothing(directory: DynamoDirectory) -> None:
    run("workspace", "create", "acme", "--timezone", "Europe/Berlin")
    assert "exists already" in run("workspace", "create", "acme", fails=1).stderr
    run("workspace", "create", "acme", "--if-missing")
    workspace = directory.workspace("acme")
    assert workspace is not None
    assert workspace.timezone == "Europe/Berlin"


@pytest.mark.parametrize(
    "args",
    [
        ["A"],
        ["-a"],
        ["x"],
        ["a#b"],
        ["x" * 64],
        ["acme", "--timezone", "Mars/Olympus"],
        ["acme", "--timezone", "../etc/passwd"],
        ["acme", "--dashboards", "web,nope"],
        ["acme", "--dashboards", ","],
        ["acme", "--retention-days", "0"],
    ],
)
def test_settings_that_cannot_be_are_refused(args: list[str]) -> None:
    if args[0].startswith("-"):
        args = ["--", *args]
    run("workspace", "create", *args, fails=2)
    assert "no workspaces yet" in run("workspace", "list").stdout


def test_the_list_reads_every_page(admin: Admin) -> None:
    for number in range(3):
        run("workspace", "create", f"w{number}", "--title", "x" * 100_000)
        for _ in range(3):
            admin.create_key(f"w{number}", "y" * 200_000, datetime.now(UTC))
    assert sorted(each.workspace for each in admin.workspaces()) == ["w0", "w1", "w2"]


def test_a_key_opens_its_workspace_until_it_is_revoked(stack: Stack) -> None:
    run("workspace", "create", "acme")
    result = run("key", "create", "acme", "--label", "shop")
    key = result.stdout.strip()
    assert re.fullmatch(r"tmk_[\w-]{32}", key)

    def fresh() -> str | None:
        return DynamoDirectory(stack.directory_table, 90).workspace_of_key(hash_write_key(key))

    assert fresh() == "acme"
    listed = run("key", "list", "acme").stdout
    assert "shop" in listed
    assert key not in listed
    table = boto3.client("dynamodb").scan(TableName=stack.directory_table)["Items"]
    assert key not in repr(table)
    (key_id,) = re.findall(r"key (\w+) of", result.stderr)
    assert "60 s" in run("key", "revoke", "acme", key_id).stdout
    assert fresh() is None
    items = map(decode, boto3.client("dynamodb").scan(TableName=stack.directory_table)["Items"])
    revoked = {item["revoked_at"] for item in items if item["sk"].startswith("KEY")}
    assert len(revoked) == 1
    assert next(iter(revoked)) in run("key", "revoke", "acme", key_id).stdout


def test_unknown_workspaces_and_keys_are_told() -> None:
    for args in (["workspace", "show"], ["key", "create"], ["key", "list"], ["token", "--role", "read"]):
        assert "there is no workspace nope" in run(*args, "nope", fails=1).stderr
    assert "there is no workspace nope" in run("workspace", "shards", "nope", "4", fails=1).stderr
    run("workspace", "create", "acme")
    assert "has no key" in run("key", "revoke", "acme", "0", fails=1).stderr


def test_a_key_of_another_workspace_cannot_be_revoked_through_mine(admin: Admin) -> None:
    for name in ("mine", "theirs"):
        run("workspace", "create", name)
    key_id, key = admin.create_key("theirs", "", datetime.now(UTC))
    run("key", "revoke", "mine", key_id, fails=1)
    assert admin.workspace_of_key(hash_write_key(key)) == "theirs"


def test_shards_change_from_an_hour_that_has_no_chunk_yet(admin: Admin, directory: DynamoDirectory) -> None:
    run("workspace", "create", "acme")
    now = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    start = admin.set_shards("acme", 4, now)
    assert start == datetime(2026, 11, 22, 13, tzinfo=UTC)
    workspace = directory.workspace("acme")
    assert workspace is not None
    assert [workspace.shards_at(int(start.timestamp()) + seconds) for seconds in (-1, 0)] == [1, 4]
    assert admin.set_shards("acme", 4, now) is None
    # A plan that no chunk can have met yet is replaced; one that may have been met stays.
    assert admin.set_shards("acme", 8, now) == start
    assert admin.workspace("acme").shards == ((0, 1), (int(start.timestamp()), 8))
    later = admin.set_shards("acme", 2, start - timedelta(hours=1))
    assert later == start + timedelta(hours=1)
    assert len(admin.workspace("acme").shards) == 3
    assert admin.set_shards("acme", 1, datetime(2026, 11, 22, 11, tzinfo=UTC)) is not None
    assert admin.workspace("acme").shards == ((0, 1),)


@pytest.mark.parametrize("count", ["0", "3", "128", "-4"])
def test_shards_are_a_power_of_two(count: str) -> None:
    run("workspace", "create", "acme")
    run("workspace", "shards", "--", "acme", count, fails=2)


def test_shards_are_shown_with_what_is_planned() -> None:
    run("workspace", "create", "acme")
    assert "4 shards for hours from" in run("workspace", "shards", "acme", "4").stdout
    assert "4 for hours from" in run("workspace", "show", "acme").stdout
    assert "already" in run("workspace", "shards", "acme", "4").stdout


def accepted(token: str, keys: SecretsManagerTokenKeys) -> Principal:
    return verify_token(token, secret_of=keys.secret, now=datetime.now(UTC))


def test_a_token_is_one_that_the_functions_accept(token_keys: SecretsManagerTokenKeys) -> None:
    run("workspace", "create", "acme")
    token = run("token", "acme", "--role", "admin", "--ttl", "1h").stdout.strip()
    principal = accepted(token, token_keys)
    assert principal.user is None
    assert (
        accepted(run("token", "acme", "--role", "read", "--user", "ann@acme").stdout.strip(), token_keys).user
        == "ann@acme"
    )
    assert (principal.workspace, principal.role) == ("acme", "admin")
    assert principal.expires_at is not None
    assert 3590 < principal.expires_at - time.time() <= 3600
    run("token", "acme", "--role", "owner", fails=2)
    run("token", "acme", "--role", "read", "--ttl", "soon", fails=2)
    run("token", "acme", "--role", "read", "--user", "", fails=2)
    run("token", "acme", "--role", "read", "--user", "a" * 257, fails=2)


def test_rotating_once_keeps_older_tokens_and_rotating_twice_ends_them(stack: Stack) -> None:
    run("workspace", "create", "acme")

    def token() -> str:
        return run("token", "acme", "--role", "read").stdout.strip()

    def keys() -> SecretsManagerTokenKeys:
        return SecretsManagerTokenKeys(stack.token_secret_arn)

    first = token()
    assert "k1 is still accepted" in run("secret", "rotate").stdout
    second = token()
    for each in (first, second):
        assert accepted(each, keys()).workspace == "acme"
    run("secret", "rotate")
    assert accepted(second, keys()).workspace == "acme"
    with pytest.raises(Unauthorized):
        accepted(first, keys())
    stored = json.loads(stack.secretsmanager.get_secret_value(SecretId=stack.token_secret_arn)["SecretString"])
    assert len(stored) == 3


def test_a_secret_without_a_key_gets_its_first_one(stack: Stack) -> None:
    run("workspace", "create", "acme")
    stack.secretsmanager.put_secret_value(SecretId=stack.token_secret_arn, SecretString="{}")
    assert "secret rotate" in run("token", "acme", "--role", "read", fails=1).stderr
    run("secret", "rotate")
    run("token", "acme", "--role", "read")
