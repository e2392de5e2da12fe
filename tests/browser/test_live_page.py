"""The live page against a fake Tidemark: it shows numbers, stays exact, comes back, and trusts no key."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.fake_tidemark import TOKEN, FakeTidemark

ROOT = "html"


def opened(page: Page, fake: FakeTidemark, **view: Any) -> Page:
    """Open the page and wait until it is live."""
    page.goto(fake.url(**view))
    expect_state(page, "live")
    return page


def expect_state(page: Page, *states: str) -> None:
    """Wait until the page says that it is in one of the states."""
    expect(page.locator(ROOT)).to_have_attribute("data-state", re.compile("|".join(states)))


def expect_seq(page: Page, seq: int) -> None:
    """Wait until the page is at a position."""
    expect(page.locator(ROOT)).to_have_attribute("data-seq", str(seq))


def kpi(page: Page, name: str) -> Locator:
    """Return the value of a card."""
    return page.locator(f"#kpis [data-name={name}] p")


def test_a_bootstrap_shows_cards_charts_and_lists_under_their_declared_titles(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    expect(page.locator("#kpis h3")).to_have_text(["Page views", "Visitors", "Bytes sent", "Errors", "Error rate"])
    expect(page.locator("#kpis p")).to_have_text(["1,234", "321", "2.747 GB", "22", "1.78%"])
    expect(page.locator("#charts svg").first).to_have_attribute(
        "aria-label", "Page views by day: 13 points, highest 22, latest 22 (Nov 22)"
    )
    expect(page.locator("#panel .row").first).to_have_text("/pricing5")
    page.get_by_role("tab", name="Engagement").click()
    expect(page.locator("#panel .measure")).to_have_text("3.84")


def test_pointing_at_a_bar_tells_its_value_also_after_it_moved(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    chart = page.locator("#charts [data-name=pageviews_by_hour] .chart")
    expect(chart.locator(".bar")).to_have_count(3)
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 60)
    expect(chart.locator(".tip")).to_have_text("5Sun 05:00")
    fake.change({"charts": {"pageviews_by_hour": {"points": {"2026-11-22T05:00Z": {"value": 6}}}}})
    expect(chart.locator(".tip")).to_have_text("6Sun 05:00")


def test_the_token_leaves_the_address_bar_and_a_reload_still_opens_the_view(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake, dashboard="web", days=7)
    assert page.url == f"{fake.base}/dashboard#dashboard=web&days=7"
    page.reload()
    expect_state(page, "live")
    assert fake.requests("bootstrap")[-1]["view"] == {"dashboard": "web", "days": 7}


def test_without_credentials_a_form_asks_for_them(page: Page, fake: FakeTidemark) -> None:
    page.goto(f"{fake.base}/dashboard")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("WebSocket address").fill(fake.websocket_url)
    page.get_by_role("button", name="Open").click()
    expect_state(page, "live")
    expect(page.locator("#workspace")).to_have_text("demo")


def test_a_link_cannot_send_a_stored_token_to_another_address(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    page.goto("about:blank")
    page.goto(f"{fake.base}/dashboard#ws=ws://127.0.0.1:9/stolen")
    expect_state(page, "live")


def test_a_delta_moves_a_number_and_the_position(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    fake.change({"kpis": {"pageviews": 1235}, "tabs.overview": {"top_paths": {"rows": {"/docs": None}}}})
    expect(kpi(page, "pageviews")).to_have_text("1,235")
    expect(page.locator("#panel .row .name")).to_have_text(["/pricing"])
    expect_seq(page, 18)
    expect(page.locator(ROOT)).to_have_attribute("data-deltas", "1")
    assert len(fake.requests("bootstrap")) == 1


def test_a_delta_that_comes_twice_is_applied_once(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    fake.change({"kpis": {"pageviews": 1235}})
    fake.push(fake.log[0] | {"view": {"dashboard": "web", "days": 30}})
    fake.change({"kpis": {"pageviews": 1236}})
    expect_seq(page, 19)
    expect(page.locator(ROOT)).to_have_attribute("data-deltas", "2")
    assert len(fake.requests("bootstrap")) == 1


def test_a_gap_bootstraps_again_and_only_what_differs_travels(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    held = fake.checksums()
    fake.change({"kpis": {"pageviews": 1300}}, is_sent=False)
    fake.change({"kpis": {"errors": 23}})
    expect(kpi(page, "pageviews")).to_have_text("1,300")
    expect_seq(page, 19)
    del held["full"]
    assert [request.get("have") for request in fake.requests("bootstrap")] == [None, held]


def test_a_new_epoch_bootstraps_again(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    fake.epoch = "e2"
    fake.change({"kpis": {"pageviews": 7}})
    expect(kpi(page, "pageviews")).to_have_text("7")
    expect(page.locator(ROOT)).to_have_attribute("data-epoch", "e2")
    assert len(fake.requests("bootstrap")) == 2


def test_a_wrong_checksum_bootstraps_again(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    fake.change({"kpis": {"pageviews": 1235}}, is_corrupt=True)
    expect(kpi(page, "pageviews")).to_have_text("1,235")
    expect(page.locator(ROOT)).to_have_attribute("data-deltas", "0")
    assert "have" in fake.requests("bootstrap")[1]


def test_a_lost_connection_comes_back_and_resumes_from_its_position(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    page.evaluate(
        "new MutationObserver(([m]) => window.seen = (window.seen ?? '') + m.target.dataset.state + ' ')"
        ".observe(document.documentElement, {attributeFilter: ['data-state']})"
    )
    fake.drop_connections()
    fake.change({"kpis": {"pageviews": 1235}}, is_sent=False)
    expect(kpi(page, "pageviews")).to_have_text("1,235")
    expect_state(page, "live")
    assert re.search("reconnecting|offline", page.evaluate("window.seen"))
    assert fake.requests("subscribe")[-1]["position"] == {"epoch": "e1", "seq": 17}
    assert len(fake.requests("bootstrap")) == 1


def test_missed_deltas_that_never_follow_are_made_up_for(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    fake.drop_connections()
    fake.dies_after_subscribed = True
    fake.change({"kpis": {"pageviews": 1235}}, is_sent=False)
    expect(kpi(page, "pageviews")).to_have_text("1,235", timeout=15_000)
    assert len(fake.requests("bootstrap")) == 2


def test_a_position_that_cannot_be_resumed_bootstraps_again(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    fake.epoch = "e2"
    fake.drop_connections()
    fake.change({"kpis": {"pageviews": 9}}, is_sent=False)
    expect(kpi(page, "pageviews")).to_have_text("9")
    expect_state(page, "live")


def test_another_view_is_watched_instead_and_coming_back_needs_no_bootstrap(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    page.get_by_role("button", name="7 days").click()
    expect_state(page, "live")
    page.get_by_role("button", name="30 days").click()
    expect_state(page, "live")
    assert [request["view"]["days"] for request in fake.requests("subscribe")] == [30, 7, 30]
    assert [request["view"]["days"] for request in fake.requests("unsubscribe")] == [30, 7]
    assert [request["view"]["days"] for request in fake.requests("bootstrap")] == [30, 7]


def test_an_empty_workspace_shows_zeros_and_says_that_there_is_no_data(page: Page, fake: FakeTidemark) -> None:
    fake.sections = {
        "kpis": {"pageviews": 0},
        "charts": {"pageviews_by_day": {"grain": "day", "points": {"2026-11-22": {"order": 1795305600, "value": 0}}}},
        "tabs.overview": {"top_paths": {"error": 0, "rows": {}}},
    }
    opened(page, fake)
    expect(kpi(page, "pageviews")).to_have_text("0")
    expect(page.get_by_text("No data yet")).to_have_count(2)


def test_hostile_keys_stay_text(page: Page, fake: FakeTidemark) -> None:
    names = ["<img src=x onerror=window.hacked=1>", "constructor", "__proto__", '"><script>window.hacked=1</script>']
    rows = {name: {"order": order, "value": 9 - order} for order, name in enumerate(names[:2])}
    fake.sections["tabs.overview"]["top_paths"]["rows"] = rows
    opened(page, fake)
    added = {name: {"order": order, "value": 9 - order} for order, name in enumerate(names) if order > 1}
    fake.change({"tabs.overview": {"top_paths": {"rows": added | {"constructor": {"value": 8}}}}})
    expect_seq(page, 18)
    expect(page.locator("#panel .row .name")).to_have_text(names)
    expect(page.locator("#panel .row .value")).to_have_text(["9", "8", "7", "6"])
    assert page.evaluate("[window.hacked, {}.value, document.images.length]") == [None, None, 0]
    assert len(fake.requests("bootstrap")) == 1


def test_an_error_of_the_server_is_shown_with_its_code_and_request(page: Page, fake: FakeTidemark) -> None:
    fake.errors["subscribe"] = {"code": "too_many_views", "message": "32 views are watched", "request_id": "r-1"}
    page.goto(fake.url())
    expect(page.get_by_role("alert")).to_have_text("too_many_views32 views are watched (request r-1)")
    expect_state(page, "error")


def test_a_passing_error_is_retried_until_it_works(page: Page, fake: FakeTidemark) -> None:
    fake.errors["bootstrap"] = {"code": "unavailable", "message": "The store does not answer"}
    page.goto(fake.url())
    expect(page.get_by_role("alert")).to_contain_text("unavailable")
    fake.errors.clear()
    expect_state(page, "live")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_refused_token_says_why_and_asks_for_another(page: Page, fake: FakeTidemark) -> None:
    fake.is_refusing = True
    page.goto(fake.url())
    expect(page.get_by_role("alert")).to_have_text("token_expiredThe token expired at 2026-11-22T10:00:00Z")
    expect(page.get_by_label("Token")).to_be_focused()
    assert page.evaluate("sessionStorage.length") == 0


def test_undeclared_names_are_made_readable(page: Page, fake: FakeTidemark) -> None:
    fake.dashboards = []
    opened(page, fake)
    expect(page.locator("#kpis h3").first).to_have_text("Pageviews")
    expect(page.get_by_role("tab")).to_have_text(["Overview", "Engagement"])


def test_tabs_are_reached_by_the_arrow_keys(page: Page, fake: FakeTidemark) -> None:
    opened(page, fake)
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Engagement")).to_be_focused()
    expect(page.locator("#panel .measure")).to_be_visible()


def test_nothing_overflows_on_a_phone(page: Page, fake: FakeTidemark) -> None:
    fake.sections["tabs.overview"]["top_paths"]["rows"]["/" + "long" * 60] = {"order": 2, "value": 1}
    page.set_viewport_size({"width": 360, "height": 740})
    opened(page, fake)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
