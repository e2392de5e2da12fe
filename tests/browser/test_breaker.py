"""A provider that fails, on the admin page: it turns red by itself, says why, and recovers by itself."""

from __future__ import annotations

import time
from datetime import datetime

from playwright.sync_api import Page, expect

from tests.browser.admin import BATCH_EVENTS, PROVIDER, AdminPage, send
from tests.e2e.console import tidemark
from tests.e2e.deployment import PATIENCE_SECONDS
from tests.e2e.operators import Operator
from tests.e2e.reconfigured import reconfigured
from tests.e2e.tenant import Tenant
from tidemark.domain.jobs import MAX_ATTEMPTS

REST_SECONDS = 3
"""In the place of ten minutes."""
MARK = "window.notReloaded = true"
IS_MARKED = "window.notReloaded === true"


def expect_open(page: Page) -> None:
    """Wait until the page says, in red, that the breaker is open."""
    banner = page.get_by_test_id("breaker-banner")
    expect(banner).to_have_attribute("data-breaker", "OPEN")
    expect(banner).to_contain_class("bad")
    expect(banner).to_contain_text(f"The circuit breaker of {PROVIDER} is open")
    expect(page.get_by_test_id(f"breaker-{PROVIDER}").locator(".chip")).to_contain_class("bad")


def expect_recovery(page: Page, watched: Tenant) -> None:
    """Have events come, as they do all the time, until the page says that the breaker has closed."""
    breaker = page.get_by_test_id(f"breaker-{PROVIDER}")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while breaker.get_attribute("data-breaker") != "CLOSED":
        assert time.monotonic() < deadline, "it does not close"
        send(watched, BATCH_EVENTS)
        page.wait_for_timeout(2000)
    expect(page.get_by_test_id("breaker-banner")).to_have_count(0)
    expect(breaker.locator(".chip")).to_contain_class("good")


def test_a_breaker_that_is_tripped_is_shown_and_recovers_with_what_comes_next(
    page: Page, watched: Tenant, operator: Tenant
) -> None:
    admin = AdminPage(page, operator)
    with reconfigured(watched.deployment, {"HttpApiFunction": {"BREAKER_SECONDS": str(REST_SECONDS)}}):
        admin.visit(operator.token("admin"), workspace=watched.name)
        expect(page.get_by_test_id(f"breaker-{PROVIDER}")).to_have_attribute("data-breaker", "CLOSED")
        expect(page.get_by_test_id("breaker-banner")).to_have_count(0)
        page.evaluate(MARK)
        assert f"the breaker of {PROVIDER} is OPEN until" in tidemark(watched, "breaker", "trip")
        expect_open(page)
        expect_recovery(page, watched)
        assert page.evaluate(IS_MARKED)
        page.close()  # it would only wait for the processes that are replaced now


def test_five_failures_open_it_and_the_dead_letter_says_why_and_is_redriven(
    page: Page, watched: Tenant, operator: Tenant
) -> None:
    # GIVEN a provider that is down, and events
    admin = AdminPage(page, operator)
    admin.visit(operator.token("admin"), workspace=watched.name)
    page.evaluate(MARK)
    down = {"ANALYSIS_FAILURE_PERCENT": "100", "BREAKER_SECONDS": str(REST_SECONDS), "JOB_PAUSE_SECONDS": "1"}
    with reconfigured(watched.deployment, {"QueueAnalysisFunction": down}):
        send(watched, BATCH_EVENTS)
        # THEN the page turns red, and tells why the job was given up
        expect_open(page)
        admin.go("jobs")
        letter = page.get_by_test_id("letter")
        expect(letter).to_have_count(1)
        expect(letter).to_contain_text("provider_unavailable failed on purpose (AnalysisFailurePercent)")
        expect(letter).to_contain_text(f"{BATCH_EVENTS} events · {MAX_ATTEMPTS} attempts")
        letter.get_by_text("Input and trace").click()
        expect(letter.get_by_test_id("forensics")).to_contain_text("ProviderUnavailable")
    # WHEN the provider is well again and has had its rest, THEN the dead letter is analysed when somebody asks for it
    wait_for_rest(page, watched)
    admin.confirm(letter.get_by_test_id("do-redrive"), "1 job is tried again")
    expect(letter).to_have_count(0)
    expect(page.get_by_test_id("job")).to_have_attribute("data-job", "SUCCESS")
    # AND as the one that was let through to try it has closed the breaker
    expect(page.get_by_test_id("breaker-banner")).to_have_count(0)
    admin.go("overview")
    expect(page.get_by_test_id(f"breaker-{PROVIDER}")).to_have_attribute("data-breaker", "CLOSED")
    assert page.evaluate(IS_MARKED)


def wait_for_rest(page: Page, tenant: Tenant) -> None:
    """Wait until the breaker may let a job through."""
    (breaker,) = [each for each in Operator(tenant).get("breaker")["breakers"] if each["provider"] == PROVIDER]
    until = datetime.fromisoformat(breaker["until"]).timestamp()
    page.wait_for_timeout(max(0.0, until - time.time() + 1) * 1000)
