"""A deployed stack for the tests of the command: table and secret in moto, URLs of the test's own servers."""

from __future__ import annotations

import json

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.template import TEMPLATE
from tidemark_cli.main import app
from tidemark_cli.stack import Stack


def deploy(monkeypatch: pytest.MonkeyPatch, http_url: str = "https://http", websocket_url: str = "wss://live") -> Stack:
    """Make the directory and the secret as template.yaml has them, and let the command find them by name."""
    resources = TEMPLATE["Resources"]
    table = resources["DirectoryTable"]["Properties"]
    boto3.client("dynamodb").create_table(
        TableName="directory", **{key: table[key] for key in ("AttributeDefinitions", "KeySchema", "BillingMode")}
    )
    keys = {"current": "k1", "k1": "0" * 64}
    secret = boto3.client("secretsmanager").create_secret(Name="tokens", SecretString=json.dumps(keys))
    outputs = {
        "HttpUrl": http_url,
        "WebSocketUrl": websocket_url,
        "DirectoryTable": "directory",
        "TokenSecretArn": secret["ARN"],
    }
    monkeypatch.setattr(Stack, "_outputs", outputs)
    monkeypatch.setenv("TIDEMARK_STACK", "deployed")
    return Stack("deployed")


def run(*args: str, fails: int = 0) -> Result:
    """Run the command, which must end with the exit code `fails`, and with no traceback in any case."""
    result = CliRunner().invoke(app, args)
    assert result.exit_code == fails, (result.output, result.exception)
    assert "Traceback" not in result.output, result.output
    if fails == 1:
        assert result.stderr.splitlines()[-1].startswith("error: ")
    return result
