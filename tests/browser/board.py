"""The live page in a tab, as its reader meets it; and how one tells that what it shows is exact."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect

from local.paths import LOCAL
from tests.e2e.deployment import PATIENCE_SECONDS, until
from tests.e2e.tenant import Tenant

PATIENCE_MS = PATIENCE_SECONDS * 1000
SCREENSHOTS = LOCAL / "screenshots"
SHOWN = """() => {
  const board = document.querySelector("[data-exact]");
  const kpis = [...document.querySelectorAll("[data-testid^=kpi-]")];
  return {
    kpis: Object.fromEntries(kpis.map((kpi) => [kpi.dataset.testid.slice(4), kpi.dataset.value])),
    exact: board?.dataset.exact,
    position: board?.dataset.position,
    state: document.documentElement.dataset.state,
  };
}"""
SAVED = """async ([workspace, position]) => {
  const open = indexedDB.open("tidemark");
  const database = await new Promise((resolve) => { open.onsuccess = () => resolve(open.result); });
  const views = database.transaction("views").objectStore("views");
  const [keys, saved] = await Promise.all([views.getAllKeys(), views.getAll()].map(
    (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); })));
  database.close();
  const isIt = ({ epoch, seq }) => `${epoch}:${seq}` === position;
  return saved.some((view, at) => keys[at].includes(workspace) && isIt(view.position));
}"""
REMEMBER_STATES = """
window.seenStates = [];
new MutationObserver(() => window.seenStates.push(document.documentElement.dataset.state))
  .observe(document, {subtree: true, attributeFilter: ["data-state"]});
"""


@dataclass
class Board:
    """The page of a workspace in one tab."""

    page: Page
    tenant: Tenant
    view: dict[str, Any] = field(default_factory=lambda: {"dashboard": "web", "days": 7})

    def open(self, token: str | None = None) -> Board:
        """Open the page the way the address that `make run` prints does, and let it remember its states."""
        self.page.add_init_script(REMEMBER_STATES)
        address = f"{self.tenant.http.base_url}dashboard?{urlencode(self.view)}"
        self.page.goto(f"{address}#{urlencode({'token': token or self.tenant.read_token})}")
        return self

    def live(self) -> Board:
        """Wait until the page says that it is live."""
        self.expect_state("live")
        return self

    def expect_state(self, *states: str) -> None:
        """Wait until the page is in one of the states."""
        expect(self.page.locator("html")).to_have_attribute("data-state", re.compile(f"^({'|'.join(states)})$"))

    def shown(self) -> dict[str, Any]:
        """What is on the screen: key figures by name, position, state, and whether it is proven."""
        seen: dict[str, Any] = self.page.evaluate(SHOWN)
        return seen

    def states(self) -> list[str]:
        """Every state that the page has been in since it was opened, or since `forget_states`."""
        seen: list[str] = self.page.evaluate("window.seenStates")
        return seen

    def forget_states(self) -> None:
        """Begin to remember the states anew."""
        self.page.evaluate("window.seenStates = []")

    def kpi(self, name: str) -> Locator:
        """The card of a key figure."""
        return self.page.get_by_test_id(f"kpi-{name}")

    def expect_kpi(self, name: str, value: float, within_ms: float = PATIENCE_MS) -> None:
        """Wait until a card shows a number."""
        expect(self.kpi(name)).to_have_attribute("data-value", str(value), timeout=within_ms)

    def expect_exact(self) -> dict[str, Any]:
        """Wait until the page is live and shows what the HTTP API answers now, position included; return that."""

        def compare() -> tuple[dict[str, Any], dict[str, Any]]:
            snapshot = self.tenant.snapshot(**self.view)
            position = f"{snapshot['position']['epoch']}:{snapshot['position']['seq']}"
            kpis = {name: float(value) for name, value in snapshot["kpis"].items()}
            expected = {"kpis": kpis, "position": position, "exact": "true", "state": "live"}
            shown = self.shown()
            return {**shown, "kpis": {name: float(value) for name, value in shown["kpis"].items()}}, expected

        return until(compare, lambda pair: pair[0] == pair[1])[1]

    def expect_saved(self) -> dict[str, Any]:
        """Wait until what is shown is exact, and is on disk; return it."""
        exact = self.expect_exact()
        # Not wait_for_function: to it a promise is true, whatever it will say.
        until(lambda: self.page.evaluate(SAVED, [self.tenant.name, exact["position"]]), bool)
        return exact

    def end_connections(self) -> None:
        """End every connection that watches this dashboard, as API Gateway does after ten idle minutes."""
        deployment = self.tenant.deployment
        address = deployment.stack.websocket_url.replace("ws", "http", 1)
        gateway = deployment.client("apigatewaymanagementapi", address=address)
        watching = f"{self.tenant.name}#{self.view['dashboard']}"
        ids = {item["sk"]["S"] for item in deployment.items("ConnectionsTable", watching)}
        assert ids
        for connection_id in ids:
            with suppress(gateway.exceptions.GoneException):  # of a tab that was just closed
                gateway.delete_connection(ConnectionId=connection_id)

    def screenshot(self, name: str, *, whole: bool = True) -> Path:
        """Keep a picture for whoever wants to look at it; no test looks."""
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path, full_page=whole)
        return path
