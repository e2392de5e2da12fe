"""How the page comes up: cold, warm, without a token, and with a token that is no good."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.board import Board
from tests.browser.wire import Wire
from tests.e2e.tenant import Tenant

FIRST_LOAD_BYTES = 120_000
WARM_BYTES = 1_000
FETCHES_AHEAD_AFTER_MS = 5_500
"""What may be looked at next is fetched when the page was live for 2 s and then idle, or 3 s later."""


def test_a_first_visit_shows_what_the_server_has_and_weighs_little(page: Page, site: Tenant) -> None:
    wire = Wire(page)
    board = Board(page, site).open().live()
    board.expect_exact()
    expect(page.get_by_test_id("tab-overview")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("chart-pageviews_by_day")).to_be_visible()
    assert 10_000 < wire.page_bytes() <= FIRST_LOAD_BYTES
    assert wire.hosts() == {urlsplit(page.url).netloc}
    board.screenshot("live")


def test_no_long_lived_credential_stands_in_an_address(page: Page, site: Tenant) -> None:
    wire = Wire(page)
    Board(page, site).open().live()
    assert "#" not in page.url
    assert site.read_token not in page.url
    assert wire.sockets
    assert all("token=" in address for address in wire.sockets)
    assert not any(site.read_token in address for address in (*wire.sockets, *wire.addresses))


def test_a_second_visit_shows_numbers_before_a_socket_opens_and_receives_next_to_nothing(
    page: Page, site: Tenant
) -> None:
    # GIVEN a visit, after which also what may be looked at next was fetched
    wire = Wire(page)
    board = Board(page, site).open().live()
    before = board.expect_saved()
    wire.settle(FETCHES_AHEAD_AFTER_MS)

    # WHEN the page is opened again, and no ticket is to be had yet
    held: list[Route] = []
    page.route("**/v1/ticket", lambda route: held.append(route))
    wire.forget()
    page.reload()

    # THEN the numbers are there without a socket, and are said to be unverified
    for name, value in before["kpis"].items():
        expect(board.kpi(name)).to_have_attribute("data-value", re.compile(rf"^{value:.15g}$"))
    board.expect_state("stale")
    assert wire.sockets == []

    # AND once there is a socket, hardly anything comes over it
    while not held:
        page.wait_for_timeout(20)
    page.unroute("**/v1/ticket")  # which lets go of those that were held
    board.live()
    assert board.expect_exact()["position"] == before["position"]
    wire.settle(FETCHES_AHEAD_AFTER_MS)
    assert 0 < wire.received_bytes() <= WARM_BYTES


def test_a_second_visit_loads_no_script_again(context: BrowserContext, site: Tenant) -> None:
    first = context.new_page()
    Board(first, site).open().live()
    page = context.new_page()
    wire = Wire(page)
    Board(page, site).open().live()
    transferred = [urlsplit(address).path.rpartition("/")[2] for address in wire.transferred]
    assert [name for name in transferred if name.endswith((".js", ".css"))] == []
    assert wire.page_bytes() < 2_000


def test_without_a_token_a_form_asks_for_one(page: Page, site: Tenant) -> None:
    page.goto(f"{site.http.base_url}dashboard?dashboard=web&days=7")
    board = Board(page, site)
    board.expect_state("signed-out")
    field = page.get_by_label("Read token")
    for wrong, complaint in (
        ("", "Paste a read token"),
        (site.write_key, "This is a write key"),
        ("abc", "This is not a token"),
    ):
        field.fill(wrong)
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("alert")).to_contain_text(complaint)
        expect(field).to_be_focused()
    board.screenshot("signed-out")
    field.fill(site.read_token)
    page.keyboard.press("Enter")
    board.live().expect_exact()
    page.reload()
    board.live()


def test_an_expired_token_is_asked_for_anew_while_what_is_on_screen_stays(
    context: BrowserContext, page: Page, tenant: Tenant
) -> None:
    tenant.send([tenant.page_view()])
    tenant.drain()
    Board(page, tenant).open().live().expect_saved()
    again = context.new_page()
    expired = tenant.token(issued_at=datetime.now(UTC) - timedelta(hours=2), lifetime=timedelta(hours=1))
    board = Board(again, tenant).open(expired)
    page.close()
    expect(again.get_by_role("alert").first).to_contain_text("token_expired")
    board.expect_kpi("pageviews", 1)
    assert board.shown()["state"] != "live"
    board.screenshot("expired")
    again.get_by_test_id("token").fill(tenant.read_token)
    again.keyboard.press("Enter")
    board.live().expect_exact()


def test_the_address_says_what_is_looked_at_and_back_goes_back(page: Page, site: Tenant) -> None:
    board = Board(page, site).open().live()
    page.get_by_test_id("days-30").click()
    expect(page).to_have_url(re.compile(r"dashboard=web&days=30"))
    board.view = {"dashboard": "web", "days": 30}
    board.expect_exact()
    page.get_by_test_id("dashboard-meetings").click()
    expect(page).to_have_url(re.compile(r"dashboard=meetings&days=30"))
    board.view = {"dashboard": "meetings", "days": 30}
    board.expect_exact()
    page.go_back()
    page.go_back()
    board.view = {"dashboard": "web", "days": 7}
    board.expect_exact()


def test_an_empty_workspace_fills_while_one_looks(board: Board, page: Page, tenant: Tenant) -> None:
    board.open().live()
    expect(page.get_by_test_id("empty")).to_be_visible()
    board.screenshot("empty")
    tenant.send([tenant.page_view()])
    board.expect_kpi("pageviews", 1)
    expect(page.get_by_test_id("empty")).to_be_hidden()
    board.expect_exact()


def test_a_dashboard_that_is_not_there_is_said_to_be_so(
    new_context: Callable[..., BrowserContext], site: Tenant
) -> None:
    page = new_context().new_page()
    board = Board(page, site, {"dashboard": "nothing", "days": 7}).open()
    board.expect_state("error")
    problem = page.get_by_test_id("problem")
    expect(problem).to_contain_text("unknown_dashboard")
    expect(problem).to_contain_text(site.name)
    board.screenshot("error")
    page.get_by_test_id("dashboard-web").click()
    board.live()
