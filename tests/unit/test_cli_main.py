"""The frame of the command: options anywhere, failures in one line, a stack that is found."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from botocore.stub import Stubber
from typer.testing import CliRunner

from tidemark.domain.errors import InvalidView
from tidemark_cli.backoff import full_jitter_seconds
from tidemark_cli.errors import CliError, UsageError, explain
from tidemark_cli.main import app, hoisted
from tidemark_cli.signing import SigningKeys, parse_ttl
from tidemark_cli.stack import find_stack

OUTPUTS = {
    "http_url": "http://127.0.0.1:4566/_aws/execute-api/abc/",
    "websocket_url": "ws://127.0.0.1:4566/_aws/execute-api/def/live",
    "dashboard_url": "http://127.0.0.1:4566/dashboard",
    "workspace": "demo",
    "write_key": "tmk_1",
    "read_token": "r",
    "admin_token": "a",
}


def write_outputs(folder: Path, text: str | None = None) -> None:
    (folder / ".local").mkdir()
    (folder / ".local" / "outputs.json").write_text(text or json.dumps(OUTPUTS))


def test_the_local_stack_is_found_from_a_folder_below(tmp_path: Path) -> None:
    write_outputs(tmp_path)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    stack = find_stack(None, None, None, None, start=below)
    assert stack.http_url == "http://127.0.0.1:4566/_aws/execute-api/abc"
    assert stack.endpoint_url == "http://127.0.0.1:4566"
    assert stack.local.workspace == "demo"
    credentials = stack.dynamodb._request_signer._credentials
    assert (credentials.access_key, stack.dynamodb.meta.region_name) == ("test", "us-east-1")


def test_no_stack_and_a_damaged_file_are_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="make up"):
        find_stack(None, None, None, None, start=tmp_path)
    write_outputs(tmp_path, "{")
    with pytest.raises(CliError, match="is damaged"):
        find_stack(None, None, None, None, start=tmp_path)


def test_a_profile_or_a_region_that_is_missing_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="list-profiles"):
        _ = find_stack("prod", None, "missing", None).dynamodb
    with pytest.raises(UsageError, match="--region"):
        _ = find_stack("prod", None, None, None).dynamodb


def test_a_deployed_stack_is_read_from_its_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client("cloudformation", region_name="eu-west-1")
    stubber = Stubber(client)
    outputs = [{"OutputKey": "HttpUrl", "OutputValue": "https://api/"}]
    described = {"StackName": "prod", "CreationTime": datetime.now(UTC), "StackStatus": "CREATE_COMPLETE"}
    stubber.add_response("describe_stacks", {"Stacks": [{**described, "Outputs": outputs}]}, {"StackName": "prod"})
    stubber.add_client_error("describe_stacks", "ValidationError", "Stack with id nope does not exist")
    monkeypatch.setattr(boto3.Session, "client", lambda *_, **__: client)
    with stubber:
        stack = find_stack("prod", "eu-west-1", None, None)
        assert stack.http_url == "https://api"
        with pytest.raises(CliError, match="no output DirectoryTable"):
            _ = stack.directory_table
        with pytest.raises(CliError, match="no stack named nope at eu-west-1"):
            _ = find_stack("nope", "eu-west-1", None, None).http_url


def test_global_options_may_stand_anywhere() -> None:
    assert hoisted(["key", "list", "w", "--stack", "prod", "--region=eu-west-1"]) == [
        "--stack",
        "prod",
        "--region=eu-west-1",
        "key",
        "list",
        "w",
    ]
    assert hoisted(["replay", "--", "--stack"]) == ["replay", "--", "--stack"]
    assert hoisted(["key", "--stack"]) == ["--stack", "key"]


def test_expected_failures_are_one_line_without_a_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["workspace", "list"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: no stack found")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_nothing_that_is_slow_to_import_is_imported_before_a_command_needs_it() -> None:
    slow = {"boto3", "botocore", "duckdb", "httpx", "websockets", "yaml"}
    code = f"import sys, tidemark_cli.main; print({slow!r} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


def test_a_command_that_there_is_not_is_told_with_one_that_there_is() -> None:
    result = CliRunner().invoke(app, ["wach"])
    assert result.exit_code == 2
    assert "Did you mean 'watch'?" in result.stderr


def test_every_command_has_a_help_text() -> None:
    for command in (
        [],
        ["workspace"],
        *(["workspace", name] for name in ("create", "list", "show", "shards")),
        *(["key", name] for name in ("create", "list", "revoke")),
        ["token"],
        ["secret", "rotate"],
        ["replay"],
        ["import"],
        ["watch"],
    ):
        result = CliRunner().invoke(app, [*command, "--help"])
        assert result.exit_code == 0
        assert "Usage: " in result.stdout
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("tidemark ")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1/"), "does not answer at http://127.0.0.1:1/"),
        (NoCredentialsError(), "--profile"),
        (
            ClientError({"Error": {"Code": "ExpiredToken", "Message": "old."}}, "GetItem"),
            "refused GetItem: old [ExpiredToken]",
        ),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Scan"), "may not do this"),
        (httpx.ConnectError("refused"), "make up"),
        (InvalidView("days is a number"), r"days is a number [invalid_view]"),
    ],
)
def test_what_failed_is_explained(error: Exception, expected: str) -> None:
    told = explain(error)
    assert told is not None
    assert expected in str(told)
    assert "\n" not in str(told)


def test_a_defect_keeps_its_traceback() -> None:
    assert explain(KeyError("x")) is None


@pytest.mark.parametrize(
    ("text", "ttl"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(30)),
    ],
)
def test_times_to_live(text: str, ttl: timedelta) -> None:
    assert parse_ttl(text) == ttl


@pytest.mark.parametrize("text", ["", "30", "0d", "-1d", "1w", "367d", "1.5h", "999999999d"])
def test_times_to_live_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_ttl(text)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"current":"k"}', '{"current":["k"]}', '{"current":"k","k":""}']
)
def test_a_secret_without_a_key_has_none(text: str) -> None:
    assert SigningKeys.parse(text) is None


def test_backoff_has_full_jitter_and_a_cap() -> None:
    pauses = [full_jitter_seconds(attempt) for attempt in (0, 1, 5, 100, 10_000) for _ in range(200)]
    assert min(pauses) >= 0
    assert max(pauses[:200]) <= 0.5 < max(pauses) <= 30
    assert min(pauses[-200:]) < 5
