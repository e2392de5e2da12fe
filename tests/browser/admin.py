"""The admin page in a tab, as an operator meets it."""

from __future__ import annotations

from urllib.parse import urlencode

from playwright.sync_api import Locator, expect

from tests.browser.axe import SIZES, expect_accessible
from tests.browser.board import Board
from tests.e2e.tenant import Tenant

BATCH_EVENTS = 10
PROVIDER = "statistical"


class AdminPage(Board):
    """The admin page in one tab."""

    def visit(self, token: str, **place: str) -> None:
        """Open the page as the address that `make run` prints does, and wait until it is live."""
        self.page.goto(f"{self.tenant.http.base_url}admin?{urlencode(place)}#{urlencode({'token': token})}")
        self.live()

    def go(self, section: str) -> None:
        """Open a tab."""
        self.page.get_by_test_id(f"section-{section}").click()
        expect(self.page.get_by_test_id(f"show-{section}")).to_be_visible()

    def look(self, name: str, state: str = "live") -> None:
        """Fail unless everybody can use the page as it is; it is on a desk again afterwards."""
        expect_accessible(self, state, f"admin-{name}")
        self.page.set_viewport_size(SIZES["desk"])

    def confirm(self, button: Locator, outcome: str) -> None:
        """Press a button, say yes, and wait for the message of what came of it."""
        button.click()
        self.page.get_by_test_id("confirm-yes").click()
        expect(self.page.get_by_test_id("toast").filter(has_text=outcome)).to_be_visible()
        self.page.get_by_role("button", name="Dismiss").last.click()


def send(tenant: Tenant, count: int) -> None:
    """Send page views that go into the batches of this hour."""
    tenant.send([tenant.page_view() for _ in range(count)])
