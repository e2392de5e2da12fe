"""A workspace of its own for a test, and what its producers and viewers do."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any, TypeVar

import httpx

from tests.e2e.deployment import PATIENCE_SECONDS, Deployment, until
from tidemark.domain.credentials import TokenRole, issue_token
from tidemark_cli.client import Connection, open_connection
from tidemark_cli.replica import Replica
from tidemark_cli.signing import require_signing_keys
from tidemark_cli.workspaces import new_workspace

Event = dict[str, Any]
View = dict[str, Any]
WEB: View = {"dashboard": "web", "days": 7}
Result = TypeVar("Result")


@dataclass
class Tenant:
    """One workspace, with a write key and tokens."""

    deployment: Deployment
    name: str
    key_id: str
    write_key: str
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @cached_property
    def http(self) -> httpx.Client:
        """The HTTP API, without a credential."""
        return httpx.Client(base_url=self.deployment.stack.http_url, timeout=PATIENCE_SECONDS, trust_env=False)

    def token(
        self,
        role: TokenRole = "read",
        lifetime: timedelta = timedelta(hours=1),
        issued_at: datetime | None = None,
        user: str | None = None,
    ) -> str:
        """A new token, signed as the operator's CLI signs it."""
        keys = require_signing_keys(self.deployment.stack.secretsmanager, self.deployment.stack.token_secret_arn)
        token = issue_token(
            self.name,
            role,
            kid=keys.current,
            secret=keys.keys[keys.current],
            issued_at=issued_at or datetime.now(UTC),
            lifetime=lifetime,
            user=user,
        )
        self.deployment.credentials.add(token)
        return token

    @cached_property
    def read_token(self) -> str:
        return self.token()

    def page_view(self, **properties: Any) -> Event:
        """A page view that happens now, numbered within the workspace."""
        number = next(self._numbers)
        return {
            "event_id": f"{self.name}-{number}",
            "type": "page",
            "timestamp": datetime.now(UTC).isoformat(),
            "anonymous_id": f"visitor-{number % 3}",
            "properties": {"path": f"/{number % 20}", "method": "GET", "status": 200, "bytes": 1000, **properties},
        }

    def send(self, events: Sequence[Mapping[str, Any]], credential: str | None = None) -> httpx.Response:
        """Send a batch, which must be accepted as a whole."""
        body, auth = {"batch": events}, (credential or self.write_key, "")
        response = patiently(lambda: self.http.post("/v1/batch", json=body, auth=auth))
        assert response.status_code == 200, response.text
        assert response.json() == {"success": True, "accepted": len(events), "rejected": []}
        return response

    def get(self, path: str, token: str | None = None, **query: Any) -> httpx.Response:
        """Ask a route of this workspace, with a read token unless another is given."""
        headers = {"Authorization": f"Bearer {token or self.read_token}"}
        return self.http.get(f"/v1/workspaces/{self.name}/{path}", params=query, headers=headers)

    def snapshot(self, dashboard: str = "web", days: int = 7, **query: Any) -> dict[str, Any]:
        """The snapshot of a view, over HTTP."""
        response = patiently(lambda: self.get("snapshot", dashboard=dashboard, days=days, **query))
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def kpi(self, name: str, dashboard: str = "web") -> int:
        """One number of a dashboard, over HTTP."""
        value: int = self.snapshot(dashboard)["kpis"][name]
        return value

    def drain(self) -> None:
        """Wait until all that was sent before is folded: the streams keep its order, so one task more is shown last."""
        before = self.kpi("total_tasks", "meetings")
        marker = {"type": "task_created", "event_id": secrets.token_hex(8), "timestamp": datetime.now(UTC).isoformat()}
        self.send([marker])
        until(lambda: self.kpi("total_tasks", "meetings"), lambda total: total > before)

    def connect(self, credential: str | None = None) -> AbstractAsyncContextManager[Connection]:
        """A WebSocket connection, with a read token unless another credential is given."""
        return open_connection(self.deployment.stack.websocket_url, credential or self.read_token)

    def bootstrap(self, view: View) -> Replica:
        """A fresh copy of a view, over a WebSocket connection of its own."""

        async def ask() -> Replica:
            async with self.connect() as connection:
                return await bootstrapped(connection, view)

        return run(ask())


def patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Repeat a request that is answered 429 or 503, as the protocol says; a busy machine times out now and then."""
    return until(ask, lambda response: response.status_code not in (429, 503))


def new_tenant(deployment: Deployment, **settings: Any) -> Tenant:
    """Make a workspace and a write key with the functions of the operator's CLI."""
    now, name = datetime.now(UTC), f"e2e-{secrets.token_hex(6)}"
    # What an analysis finds comes some time later, when a test may rely on nothing happening any more.
    given = {"timezone": "UTC", "dashboards": ("web", "meetings"), "retention_days": 30, "batch_events": 0, **settings}
    assert deployment.admin.create_workspace(new_workspace(name, now=now, **given))
    key_id, write_key = deployment.admin.create_key(name, "e2e", now)
    deployment.credentials.add(write_key)
    return Tenant(deployment, name, key_id, write_key)


async def bootstrapped(connection: Connection, view: View) -> Replica:
    """Bootstrap a view, and prove that its checksums hold."""
    replica = Replica()
    assert replica.install(await connection.bootstrap(view))
    return replica


async def next_change(connection: Connection) -> dict[str, Any]:
    """The next delta that changes the kpis; the first of an epoch only announces it, and may come before or after."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "kpis" not in (delta := await connection.delta())["patch"]:
            pass
    return delta


def run(scenario: Coroutine[Any, Any, Result]) -> Result:
    """Run a scenario on an event loop of its own."""
    return asyncio.run(scenario)
