"""Credentials on the deployed stack: nobody reads another workspace, and what is not good (any more) opens nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from tests.e2e.deployment import PATIENCE_SECONDS, until
from tests.e2e.tenant import WEB, Tenant, bootstrapped, next_change, run
from tidemark.aws.directory import FRESH_SECONDS
from tidemark_cli.client import Connection, RefusedError, ServerError
from tidemark_cli.signing import require_signing_keys

MakeTenant = Callable[..., Tenant]
REVOCATION_SECONDS = FRESH_SECONDS + 10


def refused(action: Callable[[], Any]) -> bool:
    try:
        action()
    except RefusedError:
        return True
    return False


def opens_websocket(tenant: Tenant, credential: str) -> bool:
    """Answer whether a connection is made with the credential."""

    async def ping() -> None:
        async with tenant.connect(credential) as connection:
            await connection.ping()

    return not refused(lambda: run(ping()))


def test_a_token_opens_no_http_route_of_another_workspace(tenant: Tenant, make_tenant: MakeTenant) -> None:
    other = make_tenant()
    other.send([other.page_view()])
    paths = tenant.http.get("/openapi.json").json()["paths"]
    scoped = [path for path in paths if "{workspace}" in path]
    assert len(scoped) >= 2
    for path in scoped:
        for method in paths[path]:
            for role in ("read", "admin"):
                headers = {"Authorization": f"Bearer {tenant.token(role)}"}
                response = tenant.http.request(method, path.replace("{workspace}", other.name), headers=headers)
                assert (response.status_code, response.json()["code"]) == (403, "forbidden"), (method, path, role)
                missing = tenant.http.request(method, path.replace("{workspace}", "no-such"), headers=headers)
                assert (missing.status_code, missing.json()["message"]) == (403, response.json()["message"])


def test_events_go_where_the_credential_belongs_whatever_the_request_says(
    tenant: Tenant, make_tenant: MakeTenant
) -> None:
    other = make_tenant()
    view = tenant.page_view()
    named = {"workspace": other.name, "workspace_id": other.name, "ws": other.name}
    response = tenant.http.post("/v1/batch", json={"batch": [view], **named}, auth=(tenant.read_token, ""))
    assert response.status_code == 200

    async def track() -> None:
        async with tenant.connect() as connection:
            await connection.send({"action": "track", "events": [tenant.page_view()], **named})

    run(track())
    tenant.drain()
    assert (tenant.kpi("pageviews"), other.kpi("pageviews")) == (2, 0)


def test_a_websocket_shows_only_the_workspace_of_its_token(tenant: Tenant, make_tenant: MakeTenant) -> None:
    other = make_tenant()
    other.send([other.page_view() for _ in range(5)])
    other.drain()
    named = {"workspace": other.name, "workspace_id": other.name, "ws": other.name}

    async def scenario() -> None:
        async with other.connect() as theirs, tenant.connect() as ours:
            # GIVEN a viewer of the other workspace, at a position
            replica = await bootstrapped(theirs, WEB)
            await theirs.subscribe(WEB, replica.position)
            assert replica.sections["kpis"]["pageviews"] == 5
            assert replica.position is not None

            # WHEN we ask for the same view, naming that workspace, from its position
            snapshot = await ours.send({"action": "bootstrap", "view": WEB, **named})
            stolen = {"action": "subscribe", "view": WEB, "position": replica.position.as_dict(), **named}
            subscribed = await ours.send(stolen)
            reconciled = await ours.send({**stolen, "action": "reconcile", "have": replica.have()})

            # THEN we get our own, and none of its deltas
            assert snapshot["workspace_id"] == tenant.name
            assert snapshot["position"]["epoch"] != replica.position.epoch
            assert subscribed["recovered"] is False
            assert (reconciled["workspace_id"], reconciled["verdict"]) == (tenant.name, "behind")
            assert reconciled["checksums"] != replica.checksums
            await asyncio.to_thread(other.send, [other.page_view()])
            assert (await next_change(theirs))["patch"]["kpis"]["pageviews"] == 6
            await asyncio.to_thread(tenant.send, [tenant.page_view()])
            assert (await next_change(ours))["patch"]["kpis"]["pageviews"] == 1

    run(scenario())


def test_a_dashboard_that_is_not_enabled_does_not_exist(make_tenant: MakeTenant) -> None:
    plain = make_tenant(dashboards=("web",))
    response = plain.get("snapshot", dashboard="meetings")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_dashboard")
    assert [each["name"] for each in plain.get("dashboards").json()["dashboards"]] == ["web"]


def test_a_write_key_reads_nothing(tenant: Tenant) -> None:
    for path in ("snapshot", "dashboards"):
        response = tenant.get(path, token=tenant.write_key)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
        basic = tenant.http.get(f"/v1/workspaces/{tenant.name}/{path}", auth=(tenant.write_key, ""))
        assert (basic.status_code, basic.json()["code"]) == (401, "unauthorized")

    async def scenario() -> None:
        async with tenant.connect(tenant.write_key) as connection:
            for action in ("bootstrap", "subscribe", "reconcile"):
                with pytest.raises(ServerError) as caught:
                    await connection.send({"action": action, "view": WEB})
                assert caught.value.code == "forbidden"
            assert (await connection.track([tenant.page_view()])).rejected == ()

    run(scenario())


def test_a_ticket_opens_a_websocket_and_nothing_else(tenant: Tenant) -> None:
    token = tenant.token("admin")
    response = tenant.http.post("/v1/ticket", headers={"Authorization": f"Bearer {token}"})
    body = response.json()
    tenant.deployment.credentials.add(body["ticket"])
    assert (response.status_code, body["expires_in_seconds"]) == (200, 60)
    assert body["websocket_url"] == tenant.deployment.stack.websocket_url
    assert opens_websocket(tenant, body["ticket"])
    headers = {"Authorization": f"Bearer {body['ticket']}"}
    for method, path in (
        ("POST", "/v1/ticket"),
        ("GET", f"/v1/workspaces/{tenant.name}/snapshot"),
        ("POST", "/v1/batch"),
    ):
        response = tenant.http.request(method, path, json={"batch": []}, headers=headers)
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized"), path


def test_an_expired_token_is_refused(tenant: Tenant) -> None:
    expired = tenant.token(lifetime=timedelta(minutes=5), issued_at=datetime.now(UTC) - timedelta(minutes=6))
    for path in ("snapshot", "dashboards"):
        response = tenant.get(path, token=expired)
        assert (response.status_code, response.json()["code"]) == (401, "token_expired")
    response = tenant.http.post("/v1/batch", json={"batch": []}, headers={"Authorization": f"Bearer {expired}"})
    assert (response.status_code, response.json()["code"]) == (401, "token_expired")
    assert not opens_websocket(tenant, expired)


def test_a_connection_ends_its_use_with_its_token(tenant: Tenant) -> None:
    assert opens_websocket(tenant, tenant.read_token)  # what follows meets a warm function

    async def scenario(lifetime: timedelta) -> None:
        async with tenant.connect() as lasting, tenant.connect(tenant.token(lifetime=lifetime)) as ending:
            for connection in (lasting, ending):
                await connection.subscribe(WEB)
            assert await code_of_next_failure(ending) == "token_expired"
            with pytest.raises(ServerError, match="token_expired"):
                await ending.track([tenant.page_view()])
            await asyncio.to_thread(tenant.send, [tenant.page_view()])
            news = await next_change(lasting)
            assert news["patch"]["kpis"]["pageviews"] == 1
            assert all(delta["seq"] < news["seq"] for delta in await received_within(ending, seconds=0.5))

    run(scenario(timedelta(seconds=6)))


async def received_within(connection: Connection, seconds: float) -> list[dict[str, Any]]:
    """The deltas that have come, or do within a time that is long for a push to several connections at once."""
    received = []
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                received.append(await connection.delta())
    return received


async def code_of_next_failure(connection: Connection) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await connection.ping()
            except ServerError as error:
                return error.code
            await asyncio.sleep(0.2)


def test_a_forged_token_opens_nothing(tenant: Tenant) -> None:
    keys = require_signing_keys(tenant.deployment.stack.secretsmanager, tenant.deployment.stack.token_secret_arn)
    kid, secret = keys.current, keys.keys[keys.current]
    now = int(time.time())
    claims = {"ws": tenant.name, "role": "read", "iat": now, "exp": now + 600}

    def signed(key: str = secret, algorithm: str = "HS256", kid: str | None = kid, **changes: Any) -> str:
        given = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(given, key, algorithm=algorithm, headers={"kid": kid} if kid else {})

    genuine = signed()
    assert tenant.get("dashboards", token=genuine).status_code == 200
    forged = {
        "signed with another secret": signed(key="0" * 64),
        "alg none": signed(key="", algorithm="none"),
        "another algorithm": signed(algorithm="HS512"),
        "unknown kid": signed(kid="unknown"),
        "the name of what is current": signed(kid="current"),
        "no kid": signed(kid=None),
        "no workspace": signed(ws=None),
        "no end": signed(exp=None),
        "a role that tokens do not have": signed(role="write"),
        "an unknown role": signed(role="root"),
        "from the future": signed(iat=now + 3600, exp=now + 7200),
        "cut off": genuine[:-4],
        "garbage": "garbage",
        "three parts of garbage": "a.b.c",
        "an unknown write key": "tmk_" + "x" * 32,
        "a write key cut off": tenant.write_key[:-1],
    }
    for name, credential in forged.items():
        response = tenant.get("dashboards", token=credential)
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized"), name
        ingest = tenant.http.post("/v1/batch", json={"batch": []}, auth=(credential, ""))
        assert (ingest.status_code, ingest.json()["code"]) == (401, "unauthorized"), name
        assert not opens_websocket(tenant, credential), name
    assert not opens_websocket(tenant, " ")


def test_a_revoked_key_sends_nothing_after_a_minute(revoked: tuple[Tenant, float]) -> None:
    tenant, revoked_at = revoked

    def status() -> int:
        return tenant.http.post("/v1/batch", json={"batch": []}, auth=(tenant.write_key, "")).status_code

    left_seconds = max(revoked_at + REVOCATION_SECONDS - time.monotonic(), 1)
    assert until(status, lambda answer: answer == 401, seconds=left_seconds)
    until(lambda: opens_websocket(tenant, tenant.write_key), lambda opens: not opens, seconds=1)
