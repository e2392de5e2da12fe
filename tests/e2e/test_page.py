"""The live page of the deployed stack, in a browser."""

from __future__ import annotations

from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.e2e.deployment import PATIENCE_SECONDS
from tests.e2e.tenant import Tenant

MOVES_WITHIN_MS = 2_000


def test_the_page_shows_the_numbers_and_an_event_moves_them(page: Page, tenant: Tenant) -> None:
    # GIVEN a workspace with events, and a page that shows it
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    tenant.send([tenant.page_view(path="/pricing") for _ in range(41)])
    tenant.drain()
    stack = tenant.deployment.stack
    way_in = {"token": tenant.read_token, "ws": stack.websocket_url, "workspace": tenant.name}
    page.goto(f"{stack.http_url}/dashboard#{urlencode({**way_in, 'dashboard': 'web', 'days': 7})}")
    expect(page.locator("html")).to_have_attribute("data-state", "live")
    pageviews = page.locator("#kpis [data-name=pageviews] p")
    expect(pageviews).to_have_text("41")
    expect(page.locator("#panel .row").first).to_have_text("/pricing41")

    # WHEN an event comes over HTTP; the first has woken every function
    tenant.send([tenant.page_view()])
    expect(pageviews).to_have_text("42")
    tenant.send([tenant.page_view()])

    # THEN the number moves
    expect(pageviews).to_have_text("43", timeout=MOVES_WITHIN_MS)


def test_the_api_describes_itself(tenant: Tenant) -> None:
    docs, described = tenant.http.get("/docs"), tenant.http.get("/openapi.json")
    assert (docs.status_code, described.status_code) == (200, 200)
    assert "openapi.json" in docs.text
    assert {"/v1/batch", "/v1/workspaces/{workspace}/snapshot"} <= set(described.json()["paths"])
