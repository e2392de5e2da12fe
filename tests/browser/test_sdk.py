"""The SDK on somebody else's site: imported from the deployed stack, across origins."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.e2e.tenant import Tenant

SITE = "http://localhost:9"
"""Another origin than the stack's, and a trustworthy one, which WebCrypto asks for. Nothing listens: it is made up."""
PAGE = "<!doctype html><title>A shop</title><h1>A shop</h1>"
CONNECT = """async ([url, workspace, token]) => {
  const { connect } = await import(`${url}/tidemark.js`);
  window.client = connect({ url, workspace, token: () => token });
  window.view = client.view({ dashboard: "web", days: 7 });
}"""
LIVE = """(pageviews) => {
  const { status, exact, sections } = view.get();
  return status === "live" && exact && sections.kpis.pageviews === pageviews;
}"""


def test_another_site_watches_a_view_and_tracks_events(page: Page, tenant: Tenant) -> None:
    page.route(f"{SITE}/**", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.goto(f"{SITE}/")
    page.evaluate(CONNECT, [str(tenant.http.base_url).rstrip("/"), tenant.name, tenant.read_token])
    page.wait_for_function(LIVE, arg=0)
    page.evaluate("""() => {
      window.ids = [1, 2, 3].map(() => client.track("page", { path: "/shop" }, { anonymous_id: "a-1" }));
      return client.flush();
    }""")
    page.wait_for_function(LIVE, arg=3)
    queue: dict[str, Any] = page.evaluate("client.queue.get()")
    assert queue["rejected"] == []
    assert tenant.kpi("visitors") == 1


def test_events_of_an_offline_page_wait_on_disk_and_are_sent_by_the_next(page: Page, tenant: Tenant) -> None:
    arguments = [str(tenant.http.base_url).rstrip("/"), tenant.name, tenant.read_token]
    page.route(f"{SITE}/**", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.goto(f"{SITE}/")
    page.evaluate(CONNECT, arguments)
    page.wait_for_function(LIVE, arg=0)
    page.context.set_offline(True)
    page.evaluate("""() => { for (let n = 0; n < 250; n++) client.track("page", { path: `/${n % 5}` }); }""")
    page.wait_for_function("client.queue.get().pending >= 250")
    page.goto("about:blank")
    page.context.set_offline(False)
    page.goto(f"{SITE}/")
    page.evaluate(CONNECT, arguments)
    page.wait_for_function(LIVE, arg=250)
    page.wait_for_function("client.queue.get().pending === 0")
    assert tenant.kpi("pageviews") == 250
