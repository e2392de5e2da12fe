"""The SDK on somebody else's site: imported from the deployed stack, across origins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page

from local.emulator import HOST
from tests.browser.wire import Wire
from tests.e2e.deployment import until
from tests.e2e.tenant import Tenant

CONNECT = """async ([url, workspace, tokens]) => {
  const { connect } = await import(`${url}/tidemark.js`);
  window.client = connect({ url, workspace, token: () => tokens.length > 1 ? tokens.shift() : tokens[0] });
  window.view = client.view({ dashboard: "web", days: 7 });
  window.statuses = [];
  view.subscribe(({ status }) => statuses.push(status));
}"""
LIVE = """(pageviews) => {
  const { status, exact, sections } = view.get();
  return status === "live" && exact && sections.kpis.pageviews === pageviews;
}"""
ON_DISK = """async (count) => {
  const open = indexedDB.open("tidemark");
  const database = await new Promise((resolve) => { open.onsuccess = () => resolve(open.result); });
  const counting = database.transaction("events").objectStore("events").count();
  const found = await new Promise((resolve) => { counting.onsuccess = () => resolve(counting.result); });
  database.close();
  return found >= count;
}"""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """Another site; its address has another origin than the stack's."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>A shop</title><link rel=icon href=data:,>")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gives it
            """Keep the output of the tests clean."""

    with HTTPServer((HOST, 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://{HOST}:{server.server_port}/"
        server.shutdown()
        thread.join()


def enter(page: Page, shop: str, tenant: Tenant, *tokens: str) -> None:
    """Open the shop and connect from it, with one token after the other."""
    page.goto(shop)
    url = str(tenant.http.base_url).rstrip("/")
    page.evaluate(CONNECT, [url, tenant.name, tokens or [tenant.read_token]])


def test_another_site_watches_a_view_and_tracks_events(page: Page, shop: str, tenant: Tenant) -> None:
    enter(page, shop, tenant)
    page.wait_for_function(LIVE, arg=0)
    page.evaluate("""() => {
      for (let n = 0; n < 3; n++) client.track("page", { path: "/shop" }, { anonymous_id: "a-1" });
      return client.flush();
    }""")
    page.wait_for_function(LIVE, arg=3)
    assert page.evaluate("client.queue.get().rejected") == []
    assert tenant.kpi("visitors") == 1


def test_events_of_an_offline_page_wait_on_disk_and_are_sent_by_the_next(page: Page, shop: str, tenant: Tenant) -> None:
    enter(page, shop, tenant)
    page.wait_for_function(LIVE, arg=0)
    page.context.set_offline(True)
    page.evaluate("""() => { for (let n = 0; n < 250; n++) client.track("page", { path: `/${n % 5}` }); }""")
    until(lambda: page.evaluate(ON_DISK, 250), bool)
    page.goto("about:blank")
    page.context.set_offline(False)
    enter(page, shop, tenant)
    page.wait_for_function(LIVE, arg=250)
    page.wait_for_function("client.queue.get().pending === 0")
    assert tenant.kpi("pageviews") == 250


def test_a_token_that_ends_is_renewed_and_the_view_stays_live(page: Page, shop: str, tenant: Tenant) -> None:
    wire = Wire(page)
    enter(page, shop, tenant, tenant.token(lifetime=timedelta(seconds=12)), tenant.token())
    page.wait_for_function(LIVE, arg=0)
    page.evaluate("statuses.length = 0")
    while not wire.closed_sockets:
        page.wait_for_timeout(50)
    tenant.send([tenant.page_view()])
    page.wait_for_function(LIVE, arg=1)
    assert (len(wire.sockets), wire.closed_sockets) == (2, 1)
    assert set(page.evaluate("statuses")) == {"live"}
