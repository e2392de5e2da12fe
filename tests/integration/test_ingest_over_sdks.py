"""Segment's and RudderStack's SDKs for Python, unmodified, against the API over DynamoDB: every event once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import rudderstack.analytics.client
import segment.analytics.client

from tests.faults import Faults, without_pauses
from tests.gateway import Answer, serving
from tidemark.aws.clients import ATTEMPTS, dynamodb
from tidemark.aws.items import decode, encode
from tidemark.bootstrap import Container
from tidemark.domain import chunks
from tidemark.domain.credentials import hash_write_key, issue_token
from tidemark.http.app import create_app
from tidemark.http.context import utc_now

KEY = "tmk_" + "a" * 32
EVENTS = 250
Client = Callable[..., Any]
CLIENTS: list[Client] = [segment.analytics.client.Client, rudderstack.analytics.client.Client]


@pytest.fixture
def container(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Container:
    """The real services over moto, with the workspace `demo` and its write key."""
    without_pauses(monkeypatch)
    for pk, sk in (("WORKSPACE#demo", "SETTINGS"), (f"KEY#{hash_write_key(KEY)}", "KEY")):
        dynamodb().put_item(TableName=tables.directory, Item=encode({"pk": pk, "sk": sk, "workspace": "demo"}))
    return Container()


def stored(tables: SimpleNamespace) -> list[dict[str, Any]]:
    """Every event of the log, each (hour, id) once, as the fold counts them."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for page in dynamodb().get_paginator("scan").paginate(TableName=tables.events):
        for item in map(decode, page["Items"]):
            for event in chunks.decode(item["events"]):
                found.setdefault((item["pk"], event["event_id"]), event)
    return list(found.values())


def use(sdk: Client, url: str, credential: str = KEY, **options: Any) -> Iterator[Exception]:
    """Send every kind of call with an SDK, wait until it has sent them, and yield what it reports."""
    failures: list[Exception] = []
    client = sdk(credential, host=url, on_error=lambda error, items: failures.append(error), **options)
    for number in range(EVENTS):
        client.track(f"u{number % 7}", "Signed Up", {"number": number, "name": "Zoë"})
    client.identify(42, {"plan": "pro"})
    client.page("u1", "Docs", "Home", {"path": "/"})
    client.screen("u1", "Main", "Home")
    client.group("u1", "g1", {"seats": 5})
    client.alias("anonymous", "u1")
    client.flush()
    client.join()
    yield from failures


def expect_everything_once(events: list[dict[str, Any]]) -> None:
    numbers = sorted(event["properties"]["number"] for event in events if event["type"] == "Signed Up")
    assert numbers == list(range(EVENTS))
    others = sorted(event["type"] for event in events if event["type"] != "Signed Up")
    assert others == ["alias", "group", "identify", "page", "screen"]
    assert {event["user_id"] for event in events if event["type"] == "identify"} == {"42"}


@pytest.mark.parametrize("sdk", CLIENTS, ids=["segment", "rudder"])
@pytest.mark.parametrize("gzip", [False, True])
def test_every_event_of_an_sdk_is_stored_once(
    tables: SimpleNamespace, container: Container, sdk: Client, gzip: bool
) -> None:
    with serving(create_app(container)) as url:
        assert list(use(sdk, url, gzip=gzip)) == []
    expect_everything_once(stored(tables))


@pytest.mark.parametrize("sdk", CLIENTS, ids=["segment", "rudder"])
def test_answers_that_are_lost_on_the_way_count_nothing_twice(
    tables: SimpleNamespace, container: Container, sdk: Client
) -> None:
    faults = Faults(dynamodb())
    faults.lose_answer("PutItem", times=ATTEMPTS)  # more than botocore repeats by itself: the SDK has to
    with serving(create_app(container)) as url:
        assert list(use(sdk, url)) == []
    assert faults.calls > 2 * ATTEMPTS
    expect_everything_once(stored(tables))


@pytest.mark.parametrize("sdk", CLIENTS, ids=["segment", "rudder"])
@pytest.mark.parametrize(
    ("status", "message"),
    [(429, "Too Many Requests"), (500, "Internal Server Error"), (503, "Service Unavailable")],
)
def test_an_sdk_repeats_what_the_gateway_itself_refused(
    tables: SimpleNamespace, container: Container, sdk: Client, status: int, message: str
) -> None:
    """An HTTP API words its own errors, without a code."""
    refusal = Answer(status, {"content-type": "application/json"}, json.dumps({"message": message}).encode())
    with serving(create_app(container), refusals=[refusal] * 2) as url:
        assert list(use(sdk, url)) == []
    expect_everything_once(stored(tables))


@pytest.mark.parametrize("sdk", CLIENTS, ids=["segment", "rudder"])
def test_an_sdk_understands_a_refusal(tables: SimpleNamespace, container: Container, sdk: Client) -> None:
    kid, secret = container.token_keys.current()
    long_ago = datetime.now(UTC) - timedelta(days=2)
    expired = issue_token("demo", "read", kid=kid, secret=secret, issued_at=long_ago, lifetime=timedelta(days=1))
    with serving(create_app(container, clock=utc_now)) as url:
        failures = list(use(sdk, url, credential=f"tmk_{'b' * 32}"))
        assert failures
        assert all("unknown or revoked" in str(failure) for failure in failures)
        assert list(use(sdk, url, credential=expired))
    assert stored(tables) == []
