"""What a laptop goes through: no network, sleep, two tabs, two hours; the page is exact after each, and never lies."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.board import Board
from tests.browser.wire import Wire
from tests.e2e.tenant import Tenant

MOVES_WITHIN_MS = 2_000
TWO_HOURS_SECONDS = 7_200
STEP_SECONDS = 100
"""The page takes a timer that comes 90 s late for sleep; its shortest is one of 30 s. At each step it reconciles."""


def opened(board: Board, views: int = 1, token: str | None = None) -> Board:
    """Open the page of a workspace with some page views, and wait until it shows them."""
    board.tenant.send([board.tenant.page_view() for _ in range(views)])
    board.open(token).live()
    board.expect_kpi("pageviews", views)
    board.expect_exact()
    return board


def test_an_event_moves_the_numbers_at_once(board: Board, tenant: Tenant) -> None:
    opened(board)
    tenant.send([tenant.page_view()])  # the first wakes every function
    board.expect_kpi("pageviews", 2)
    board.live().forget_states()
    tenant.send([tenant.page_view(path="/pricing")])
    board.expect_kpi("pageviews", 3, within_ms=MOVES_WITHIN_MS)
    expect(board.page.get_by_test_id("entry-top_paths")).to_contain_text("/pricing")
    board.expect_exact()
    assert set(board.states()) <= {"live"}


def test_a_live_page_draws_only_what_changes(board: Board, tenant: Tenant) -> None:
    opened(board)
    moved = board.page.get_by_test_id("kpi-pageviews").locator(".moving")
    moved.evaluate("""node => {
        const noteLit = () => (node.dataset.lit ??= String(node.classList.contains("lit")));
        new MutationObserver(noteLit).observe(node, { attributeFilter: ["class"] });
    }""")
    tenant.send([tenant.page_view()])
    board.expect_kpi("pageviews", 2)
    expect(moved).to_have_attribute("data-lit", "true")
    expect(moved).not_to_have_class(re.compile(r"\blit\b"))
    assert board.page.evaluate("document.getAnimations().length") == 0, "each would draw 60 times a second"


def test_offline_is_said_and_what_was_missed_is_made_up_for(
    context: BrowserContext, board: Board, tenant: Tenant
) -> None:
    opened(board)
    board.forget_states()
    context.set_offline(True)
    board.expect_state("offline")
    expect(board.page.get_by_test_id("offline")).to_be_visible()
    board.screenshot("offline")
    tenant.send([tenant.page_view() for _ in range(4)])
    tenant.drain()
    board.expect_kpi("pageviews", 1)
    context.set_offline(False)
    board.live()
    board.expect_kpi("pageviews", 5)
    board.expect_exact()


def test_an_offline_reload_shows_nothing_wrong_and_a_visit_after_it_is_exact(
    context: BrowserContext, board: Board, tenant: Tenant
) -> None:
    opened(board)
    context.set_offline(True)
    board.expect_state("offline")
    page = context.new_page()
    page.goto("about:blank")
    context.set_offline(False)
    tenant.send([tenant.page_view()])
    other = Board(page, tenant).open().live()
    other.expect_kpi("pageviews", 2)
    board.live()
    board.expect_kpi("pageviews", 2)


def test_a_laptop_that_slept_wakes_up_exact(page: Page, board: Board, tenant: Tenant) -> None:
    # GIVEN a page whose machine goes to sleep
    page.clock.install()
    opened(board)
    board.forget_states()
    session = page.context.new_cdp_session(page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})

    # WHEN things happen, and the gateway gives the connection up
    tenant.send([tenant.page_view() for _ in range(6)])
    tenant.drain()
    board.end_connections()

    # THEN the page says so when it wakes up, and comes back by itself
    session.send("Page.setWebLifecycleState", {"state": "active"})
    page.clock.fast_forward(timedelta(hours=1) // timedelta(milliseconds=1))
    board.expect_kpi("pageviews", 7)
    board.expect_exact()
    assert set(board.states()) & {"stale", "offline"}


def test_a_connection_is_renewed_before_its_two_hours_are_over_and_nobody_notices(page: Page, board: Board) -> None:
    page.clock.install()
    wire = Wire(page)
    opened(board, token=board.tenant.token(lifetime=timedelta(hours=5)))
    board.forget_states()
    assert (len(wire.sockets), wire.closed_sockets) == (1, 0)
    for _ in range(TWO_HOURS_SECONDS // STEP_SECONDS):
        wire.settle(quiet_ms=60)  # a clock that jumps while a request is under way would say that it was not answered
        page.clock.fast_forward(STEP_SECONDS * 1000)
        if wire.closed_sockets:
            break
    board.tenant.send([board.tenant.page_view()])
    board.expect_kpi("pageviews", 2)
    board.expect_exact()
    assert (len(wire.sockets), wire.closed_sockets) == (2, 1)
    assert set(board.states()) <= {"live"}


def test_two_tabs_show_the_same_and_do_not_disturb_each_other(context: BrowserContext, tenant: Tenant) -> None:
    first, second = (opened_tab(context, tenant) for _ in range(2))
    tenant.send([tenant.page_view()])
    for board in (first, second):
        board.expect_kpi("pageviews", 1)
        board.expect_exact()
    first.page.close()
    tenant.send([tenant.page_view()])
    second.expect_kpi("pageviews", 2)
    second.expect_exact()
    third = opened_tab(context, tenant)
    third.expect_kpi("pageviews", 2)
    third.expect_exact()
    assert set(second.states()) <= {"loading", "stale", "live"}


def opened_tab(context: BrowserContext, tenant: Tenant) -> Board:
    """Open the page in a new tab."""
    return Board(context.new_page(), tenant).open().live()


def test_two_workspaces_in_one_browser_keep_apart(context: BrowserContext, make_tenant: Callable[..., Tenant]) -> None:
    boards = [Board(context.new_page(), make_tenant()) for _ in range(2)]
    for views, board in enumerate(boards, start=1):
        opened(board, views)
    for board in boards:
        board.expect_exact()
