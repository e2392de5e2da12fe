"""`POST /v1/ticket`, and that a ticket opens nothing over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes import MemoryDirectory, MemoryEventLog, MemoryTokenKeys
from tests.gateway import Answer, Gateway
from tidemark.domain.credentials import Principal, TokenRole, issue_token, verify_token
from tidemark.domain.errors import Throttled, TidemarkError, Unavailable
from tidemark.http.app import create_app
from tidemark.services.ports import Workspace

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
KEY = "tmk_" + "a" * 32
SECRETS = {"k2": "2" * 64, "k1": "1" * 64}


class Services:
    """What the routes need, in memory; whatever else they ask for fails."""

    websocket_url = "wss://live.invalid/live"

    def __init__(self) -> None:
        self.directory = MemoryDirectory(Workspace("demo"), keys={KEY: "demo"})
        self.event_log = MemoryEventLog()
        self.token_keys = MemoryTokenKeys(SECRETS)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was used for a request without a credential")


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def api(services: Services) -> Iterator[Gateway]:
    gateway = Gateway(create_app(services, clock=lambda: NOW))
    yield gateway
    gateway.close()


def token(role: TokenRole = "read", workspace: str = "demo", user: str | None = None) -> str:
    """Return a token that the older of two keys has signed."""
    return issue_token(
        workspace, role, kid="k1", secret=SECRETS["k1"], issued_at=NOW, lifetime=timedelta(hours=1), user=user
    )


def ask(api: Gateway, credential: str | None) -> Answer:
    return api.post("/v1/ticket", b"", {} if credential is None else {"authorization": f"Bearer {credential}"})


@pytest.mark.parametrize("role", ["read", "admin"])
def test_a_token_is_exchanged_for_a_ticket(api: Gateway, role: TokenRole) -> None:
    answer = ask(api, token(role, user="ann"))
    body = answer.json()
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert {name: body[name] for name in body.keys() - {"ticket"}} == {
        "expires_in_seconds": 60,
        "websocket_url": "wss://live.invalid/live",
    }
    holder = verify_token(body["ticket"], secret_of=SECRETS.get, now=NOW + timedelta(seconds=59), tickets=True)
    assert holder == Principal("demo", role, int(NOW.timestamp()) + 3600, "ann")


@pytest.mark.parametrize(
    ("credential", "status", "code"),
    [
        (None, 401, "unauthorized"),
        ("x.y.z", 401, "unauthorized"),
        (KEY, 403, "forbidden"),
        (token(workspace="gone"), 403, "forbidden"),
    ],
)
def test_nothing_else_is(api: Gateway, credential: str | None, status: int, code: str) -> None:
    answer = ask(api, credential)
    assert (answer.status, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(("failure", "status"), [(Throttled("slow"), 429), (Unavailable("down"), 503)])
def test_a_directory_that_is_down_is_said_so(
    api: Gateway, services: Services, failure: TidemarkError, status: int
) -> None:
    services.directory.failure = failure
    answer = ask(api, token())
    assert answer.status == status
    assert int(answer.headers["retry-after"]) > 0


def routes(api: Gateway) -> list[tuple[str, str]]:
    """Return every (method, path) that asks for a credential, as the API describes itself."""
    paths = api.get("/openapi.json").json()["paths"]
    return [
        (method.upper(), path.replace("{workspace}", "demo"))
        for path, methods in paths.items()
        for method, described in methods.items()
        if "401" in described["responses"]
    ]


def test_a_ticket_opens_no_route(api: Gateway) -> None:
    ticket = ask(api, token("admin")).json()["ticket"]
    asked = routes(api)
    assert {("POST", "/v1/batch"), ("POST", "/v1/ticket"), ("GET", "/v1/workspaces/demo/snapshot")} <= set(asked)
    for method, path in asked:
        answer = api.request(method, f"{path}?deep=true", b"{}", {"authorization": f"Bearer {ticket}"})
        assert (answer.status, answer.json()["code"]) == (401, "unauthorized"), path
