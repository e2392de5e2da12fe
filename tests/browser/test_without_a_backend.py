"""The backend is killed under the page. By its name it comes last in this folder: every function is cold afterwards."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import expect_accessible
from tests.browser.board import Board
from tests.e2e.deployment import OUTPUTS_VARIABLE, Deployment
from tests.e2e.tenant import Tenant

AWAY_MS = 6_000
OURS = [] if os.environ.get(OUTPUTS_VARIABLE) else ["killed"]
"""Only an emulator that the tests have started is theirs to kill."""


@pytest.mark.parametrize("fate", OURS)
def test_a_backend_that_is_away_is_said_to_be_and_the_page_comes_back_by_itself(
    page: Page, board: Board, tenant: Tenant, deployment: Deployment, fate: str
) -> None:
    # GIVEN a live page
    emulator = deployment.emulator
    assert emulator is not None
    tenant.send([tenant.page_view()])
    tenant.drain()
    board.open().live()
    board.expect_kpi("pageviews", 1)
    board.forget_states()

    # WHEN the backend is killed, and stays away
    emulator.checkpoint()
    deployment.keep_logs()
    emulator.kill()

    # THEN the page says so, and keeps what it has
    board.expect_state("stale")
    expect(page.get_by_test_id("status")).to_contain_text("Reconnecting")
    page.wait_for_timeout(AWAY_MS)
    board.expect_state("stale")
    expect(page.get_by_test_id("away")).to_be_visible()
    board.expect_kpi("pageviews", 1)
    expect_accessible(board, "stale", f"backend-{fate}")

    # AND it is exact again once the backend is back, without anybody's help
    emulator.start()
    tenant.send([tenant.page_view()])
    board.expect_kpi("pageviews", 2)
    board.live()
    board.expect_exact()
    assert "live" not in board.states()[:1]
