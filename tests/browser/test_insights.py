"""Insights on the page: they come by themselves, show what they rest on, and can be read by everyone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.browser.axe import expect_accessible
from tests.browser.board import Board
from tests.e2e.deployment import Deployment
from tests.e2e.tenant import new_tenant

BATCH_EVENTS = 40
ANALYSED_MS = 90_000
"""A job whose message is lost is sent again after 30 s, by what runs once a minute."""


def test_an_insight_appears_by_itself_and_can_be_read_by_everyone(page: Page, deployment: Deployment) -> None:
    # GIVEN a live page of a workspace that had an event in each of the weeks before, and of which nothing is analysed
    tenant = new_tenant(deployment, batch_events=BATCH_EVENTS)
    now = datetime.now(UTC)
    tenant.send([{**tenant.page_view(), "timestamp": (now - timedelta(weeks=ago)).isoformat()} for ago in (3, 2, 1)])
    board = Board(page, tenant).open().live()
    expect(page.get_by_test_id("no-insights")).to_be_visible()

    # WHEN as many events come, of one hour, as make a batch
    tenant.send([{**tenant.page_view(), "timestamp": now.isoformat()} for _ in range(BATCH_EVENTS)])

    # THEN what was found appears, open, and the page is exact
    insight = page.get_by_test_id("insight")
    expect(insight).to_have_count(1, timeout=ANALYSED_MS)
    board.live().expect_exact()
    (told,) = tenant.get("insights").json()["insights"]
    expect(insight).to_have_attribute("data-insight", told["insight_id"])
    expect(insight).to_contain_text(told["summary"])
    expect(insight).to_have_attribute("open", "")
    expect(insight.get_by_test_id("pattern").first).to_contain_text("times the usual")
    expect(page.get_by_test_id("no-insights")).to_be_hidden()
    expect_accessible(board, "live", "insights")
    tenant.http.close()
