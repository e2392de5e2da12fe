"""The admin page on the deployed system: its four tabs, what an operator does there, and what comes to it by itself."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.admin import BATCH_EVENTS, PROVIDER, AdminPage, send
from tests.e2e.tenant import Tenant


def test_an_operator_steers_the_pipeline_through_four_tabs(page: Page, watched: Tenant, operator: Tenant) -> None:
    admin = AdminPage(page, operator)
    send(watched, BATCH_EVENTS)
    admin.visit(operator.token("admin"), workspace=watched.name)

    # GIVEN a first insight, and what the system's own events say of it, in the overview
    expect(page.get_by_test_id("insight")).to_have_count(1)
    expect(page.get_by_test_id("operations").get_by_test_id("kpi-batches_sealed")).to_be_visible()
    expect(page.get_by_test_id("alarm-dead_letters")).to_have_attribute("data-alarm", "ok")
    admin.look("overview")

    # WHEN the breaker is opened by hand, THEN the page is red, and a batch that fills meanwhile waits
    admin.confirm(page.get_by_test_id(f"breaker-{PROVIDER}").get_by_role("button", name="Open"), "is open")
    expect(page.get_by_test_id("breaker-banner")).to_have_attribute("data-breaker", "OPEN")
    send(watched, BATCH_EVENTS + 3)
    admin.go("batches")
    batches = page.get_by_test_id("batch")
    expect(batches).to_have_count(3)
    admin.look("batches")

    # AND an open batch can be sealed by hand
    page.get_by_test_id("filter-OPEN").click()
    expect(batches).to_have_count(1)
    admin.confirm(batches.get_by_test_id("do-seal"), "is sealed")
    expect(page.get_by_test_id("nothing")).to_be_visible()

    # AND a job that waits can be cancelled, while one that the queue gave up is a dead letter
    admin.go("jobs")
    waiting = page.locator("[data-testid=job][data-job=PENDING]")
    expect(waiting).to_have_count(2)
    given_up, cancelled = (str(job.get_attribute("data-batch")) for job in waiting.all())
    admin.confirm(waiting.nth(1).get_by_test_id("do-cancel"), "is cancelled")
    give_up(watched, given_up)
    letter = page.get_by_test_id("letter")
    expect(letter).to_have_attribute("data-batch", given_up)
    expect(page.locator(f"[data-testid=job][data-batch='{cancelled}']")).to_have_attribute("data-job", "FAILED")
    admin.look("jobs")

    # WHEN the breaker is closed and the dead letter redriven, THEN it is analysed after all
    admin.go("overview")
    admin.confirm(page.get_by_test_id(f"breaker-{PROVIDER}").get_by_role("button", name="Close"), "is closed")
    expect(page.get_by_test_id("breaker-banner")).to_have_count(0)
    admin.go("jobs")
    letter.get_by_role("checkbox").check()
    admin.confirm(page.get_by_test_id("redrive-some"), "1 job is tried again")
    expect(letter).to_have_count(0)
    expect(page.locator(f"[data-testid=job][data-batch='{given_up}']")).to_have_attribute("data-job", "SUCCESS")


def test_an_insight_comes_by_itself_and_leads_to_the_events_behind_it(page: Page, watched: Tenant) -> None:
    admin = AdminPage(page, watched)
    admin.visit(watched.token("admin"), section="insights")
    expect(page.get_by_test_id("nothing")).to_be_visible()
    send(watched, BATCH_EVENTS)
    expect(page.get_by_test_id("insight")).to_have_count(1)
    admin.look("insights")

    page.get_by_test_id("behind").click()
    expect(page.get_by_test_id("batch-detail")).to_have_attribute("data-batch-state", "ANALYZED")
    expect(page.get_by_test_id("event")).to_have_count(BATCH_EVENTS)
    expect(page.get_by_test_id("batch-insight")).to_be_visible()
    admin.look("batch")
    page.go_back()
    expect(page.get_by_test_id("timeline")).to_be_visible()

    # A reader sees that this is not for him, and an admin's token is taken in its place.
    page.get_by_test_id("leave").click()
    page.get_by_test_id("token").fill(watched.read_token)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("problem")).to_contain_text("forbidden")
    admin.look("forbidden", "error")
    page.get_by_test_id("token").fill(watched.token("admin"))
    page.keyboard.press("Enter")
    admin.live()


def test_an_operator_of_one_workspace_need_not_choose_it(page: Page, watched: Tenant, operator: Tenant) -> None:
    admin = AdminPage(page, operator)
    listed = [{"workspace_id": name} for name in (watched.name, "operations", "tidemark-canary")]
    page.route("**/v1/admin/workspaces?*", lambda route: route.fulfill(json={"workspaces": listed}))
    send(watched, BATCH_EVENTS)
    admin.visit(operator.token("admin"))
    expect(page.get_by_test_id("latest").get_by_test_id("insight")).to_have_count(1)
    admin.go("insights")
    expect(page.get_by_test_id("insight")).to_have_count(1)
    expect(page.get_by_test_id("scope")).to_have_value("")
    admin.go("batches")
    expect(page.get_by_test_id("filter-all")).to_have_text("All")
    expect(page.get_by_test_id("batch")).to_have_count(1)
    admin.go("insights")
    page.get_by_test_id("behind").click()
    expect(page.get_by_test_id("batch-detail")).to_have_attribute("data-batch-state", "ANALYZED")


def test_an_operator_of_several_is_told_that_their_lists_are_of_what_is_unfinished(
    page: Page, watched: Tenant, operator: Tenant
) -> None:
    admin = AdminPage(page, operator)
    listed = [{"workspace_id": name} for name in (watched.name, "another")]
    page.route("**/v1/admin/workspaces?*", lambda route: route.fulfill(json={"workspaces": listed}))
    admin.visit(operator.token("admin"))
    for section in ("batches", "jobs"):
        admin.go(section)
        expect(page.get_by_test_id("filter-all")).to_have_text("Unfinished")
    admin.go("insights")
    expect(page.get_by_test_id("choose-workspace")).to_be_visible()


def give_up(tenant: Tenant, batch: str) -> None:
    """Do as the queue does with the message of a job that it has delivered too often."""
    deployment = tenant.deployment
    queue = deployment.resources["AnalysisDeadLetters"]
    body = json.dumps({"workspace": tenant.name, "batch": batch})
    deployment.client("sqs").send_message(QueueUrl=queue, MessageBody=body)
