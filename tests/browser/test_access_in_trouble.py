"""What a reader meets when something is wrong: said in words, readable by everyone, on any screen, in any colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import expect_accessible
from tests.browser.board import Board
from tests.e2e.tenant import Tenant

SHORT_LIFE = timedelta(seconds=20)
"""Enough to open a page whose functions are warm."""
EVERY_ROUTE = "**/v1/**"


@pytest.fixture
def board(page: Page, site: Tenant) -> Iterator[Board]:
    """The live page of a workspace with two weeks of traffic; in the end it is live and exact again."""
    opened = Board(page, site).open().live()
    opened.expect_saved()
    yield opened
    opened.live().expect_exact()


def test_a_board_whose_backend_went_away(board: Board) -> None:
    page, before = board.page, board.shown()["kpis"]
    page.route(EVERY_ROUTE, lambda route: route.abort())
    board.end_connections()
    board.expect_state("stale")
    status = page.get_by_test_id("status")
    expect(status).to_contain_text("Reconnecting")
    expect(page.get_by_test_id("away")).to_contain_text("These are the numbers of")
    expect_accessible(board, "stale", "stale")
    status.click()
    expect(page.get_by_text("when last checked")).to_be_visible()
    expect_accessible(board, "stale", "stale-proof")
    assert board.shown()["kpis"] == before
    page.unroute(EVERY_ROUTE)
    expect(page.get_by_test_id("away")).to_be_hidden()


def test_a_board_without_a_network(board: Board) -> None:
    page, before = board.page, board.shown()["kpis"]
    page.context.set_offline(True)
    board.expect_state("offline")
    expect(page.get_by_test_id("offline")).to_contain_text("These are the numbers of")
    expect_accessible(board, "offline", "offline")
    assert board.shown()["kpis"] == before
    page.get_by_test_id("days-365").click()
    expect(page.get_by_test_id("offline")).to_contain_text("Nothing of this view was saved here")
    expect_accessible(board, "offline", "offline-unsaved")
    page.context.set_offline(False)
    board.view = {**board.view, "days": 365}


def test_a_board_whose_token_ends_and_is_not_renewed(board: Board) -> None:
    page, before = board.page, board.shown()["kpis"]
    page.goto("about:blank")
    board.open(board.tenant.token(lifetime=SHORT_LIFE)).live()
    board.expect_state("error")
    expect(page.get_by_role("alert").first).to_contain_text("token_expired")
    expect_accessible(board, "error", "expired")
    assert board.shown()["kpis"] == before
    field = page.get_by_test_id("token")
    field.fill("not a token")
    field.press("Enter")
    expect_accessible(board, "error", "expired-again")
    field.fill(board.tenant.read_token)
    field.press("Enter")


def test_a_workspace_that_the_token_may_not_read(page: Page, tenant: Tenant) -> None:
    removed = replace(tenant, name=f"{tenant.name}-removed")  # whose tokens are still signed well
    board = Board(page, tenant).open(removed.token())
    board.expect_state("error")
    problem = page.get_by_test_id("problem")
    expect(problem).to_contain_text("forbidden")
    expect(problem).to_contain_text(removed.name)
    expect_accessible(board, "error", "forbidden")
    page.get_by_test_id("token").fill(tenant.read_token)
    page.keyboard.press("Enter")
    board.live().expect_exact()
