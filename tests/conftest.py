"""Fixtures for every kind of test: an AWS in the process (moto), with the tables of template.yaml; a deployed stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.e2e.fixtures import deployment, make_tenant, tenant
from tests.support.aws import mocked_aws
from tests.template import of_type, table_request
from tidemark.aws import clients
from tidemark.observability import logger
from tidemark.settings import settings

__all__ = ["deployment", "make_tenant", "tenant"]
TOKEN_SECRETS = {"k1": "1" * 64, "k2": "2" * 64}
"""The keys of tokens, by id; `k1` is current."""


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    """Bind the logger to the session's output, before a test of the CLI would bind it to a stream that it closes."""
    logger()


def _forget() -> None:
    clients.forget()
    settings.cache_clear()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty AWS of its own, and no way to any other."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    _forget()
    with mocked_aws():
        yield
    _forget()


@pytest.fixture
def tables(aws: None, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Every table of template.yaml, as declared, and the token secret, named in the environment as in a function.

    The attributes are the names of the tables: `tables.events`, `tables.cells` and so on, and `tables.token_secret`.
    """
    made = SimpleNamespace()
    dynamodb = clients.dynamodb()
    for logical_id, declared in of_type("AWS::DynamoDB::Table").items():
        kind = logical_id.removesuffix("Table").lower()
        name = f"tidemark-{kind}"
        dynamodb.create_table(TableName=name, **table_request(declared))
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=declared["TimeToLiveSpecification"])
        monkeypatch.setenv(f"{kind.upper()}_TABLE", name)
        setattr(made, kind, name)
    secret = clients.secretsmanager().create_secret(
        Name="tidemark-tokens", SecretString=json.dumps({"current": "k1", **TOKEN_SECRETS})
    )
    made.token_secret = secret["ARN"]
    monkeypatch.setenv("TOKEN_SECRET_ARN", made.token_secret)
    monkeypatch.setenv("RETENTION_DAYS", "90")
    monkeypatch.setenv("CALLBACK_ENDPOINT", "http://127.0.0.1:9")
    settings.cache_clear()
    return made
