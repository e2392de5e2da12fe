"""Who cannot see, cannot point, or has a small screen: keyboard, axe, phone width, dark and light."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.axe import SCHEMES, SIZES, overflow, violations
from tests.browser.board import Board
from tests.e2e.tenant import Tenant

FOCUSED = """() => {
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
  const hasOutline = outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
  return document.activeElement !== document.body && (hasOutline || boxShadow !== "none");
}"""


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    """The colours that the reader's system asks for."""
    return str(request.param)


@pytest.fixture
def tab(new_context: Callable[..., BrowserContext], scheme: str) -> Page:
    """A tab in these colours, without animations."""
    return new_context(color_scheme=scheme, reduced_motion="reduce").new_page()


def test_a_board_and_its_dialogs_are_without_violations(tab: Page, site: Tenant, scheme: str) -> None:
    board = Board(tab, site).open().live()
    board.expect_exact()
    board.screenshot(f"live-{scheme}")
    assert violations(tab) == []
    tab.get_by_test_id("status").click()
    assert violations(tab) == []
    for name in ("engagement", "technology"):
        tab.get_by_test_id(f"tab-{name}").click()
        assert violations(tab) == []
    tab.keyboard.press("?")
    expect(tab.get_by_test_id("help-dialog")).to_be_visible()
    board.screenshot(f"help-{scheme}", whole=False)
    assert violations(tab) == []
    tab.keyboard.press("Escape")
    tab.get_by_test_id("dashboard-meetings").click()
    board.view = {"dashboard": "meetings", "days": 7}
    board.expect_exact()
    board.screenshot(f"meetings-{scheme}")
    assert violations(tab) == []


def test_every_other_state_is_without_violations(tab: Page, tenant: Tenant, scheme: str) -> None:
    board = Board(tab, tenant)
    tab.goto(f"{tenant.http.base_url}dashboard")
    board.expect_state("signed-out")
    assert violations(tab) == []
    tab.route("**/v1/ticket", lambda route: None)
    board.open().expect_state("loading")
    board.screenshot(f"loading-{scheme}")
    assert violations(tab) == []
    tab.unroute("**/v1/ticket")
    tab.reload()
    board.live()
    assert violations(tab) == []  # an empty workspace
    tab.context.set_offline(True)
    board.expect_state("offline")
    assert violations(tab) == []
    tab.context.set_offline(False)
    board.view = {"dashboard": "nothing", "days": 7}
    board.open().expect_state("error")
    assert violations(tab) == []


def test_everything_works_by_keyboard_alone(page: Page, site: Tenant) -> None:
    board = Board(page, site).open().live()
    board.expect_exact()
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the numbers")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.dataset.testid ?? ''")
        if name:
            assert page.evaluate(FOCUSED), f"one cannot see that {name} has the focus"
        reached.add(name)
    assert reached >= {"status", "theme", "help", "dashboard-web", "dashboard-meetings", "days-30", "export"}
    assert reached >= {"tab-overview", "panel"}
    assert "tab-engagement" not in reached  # the arrow keys go there

    page.get_by_test_id("tab-overview").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("tab-engagement")).to_be_focused()
    expect(page.get_by_test_id("entry-pages_per_visitor")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("tab-overview")).to_be_focused()

    page.get_by_test_id("days-30").focus()
    page.keyboard.press("Enter")
    board.view = {"dashboard": "web", "days": 30}
    board.expect_exact()
    page.keyboard.press("w")
    board.view = {"dashboard": "web", "days": 7}
    board.expect_exact()
    page.keyboard.press("?")
    expect(page.get_by_test_id("help-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("help-dialog")).to_be_hidden()


@pytest.mark.parametrize("dashboard", ["web", "meetings"])
def test_nothing_is_wider_than_a_phone(
    new_context: Callable[..., BrowserContext], site: Tenant, dashboard: str
) -> None:
    page = new_context(viewport=SIZES["phone"], has_touch=True, is_mobile=True, color_scheme="light").new_page()
    board = Board(page, site, {"dashboard": dashboard, "days": 7}).open().live()
    board.expect_exact()
    board.screenshot(f"phone-{dashboard}")
    assert overflow(page) <= 0
    for tab in page.get_by_role("tab").all():
        tab.click()
        assert overflow(page) <= 0
    page.get_by_test_id("help").click()
    assert overflow(page) <= 0
    assert violations(page) == []


def test_a_long_name_does_not_widen_a_phone(new_context: Callable[..., BrowserContext], tenant: Tenant) -> None:
    tenant.send([tenant.page_view(path="/" + "long" * 60)])
    tenant.drain()
    page = new_context(viewport=SIZES["phone"]).new_page()
    board = Board(page, tenant).open().live()
    board.expect_kpi("pageviews", 1)
    assert overflow(page) <= 0


def test_hostile_keys_stay_text(board: Board, tenant: Tenant) -> None:
    names = ["<img src=x onerror=window.hacked=1>", "constructor", "__proto__", '"><script>window.hacked=1</script>']
    tenant.send([tenant.page_view(path=name, referrer=name) for name in names])
    tenant.drain()
    board.open().live()
    board.expect_kpi("pageviews", 4)
    for name in names:
        expect(board.page.get_by_test_id("entry-top_paths")).to_contain_text(name)
    tenant.send([tenant.page_view(path=name) for name in names])
    board.expect_kpi("pageviews", 8)
    board.expect_exact()
    assert board.page.evaluate("[window.hacked, {}.value, document.images.length]") == [None, None, 0]
