"""Fixtures of the browser tests: Chromium, its contexts and tabs, and workspaces with something to look at."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from local.traffic import meeting, page_views, timestamp
from tests.browser.admin import BATCH_EVENTS, PROVIDER
from tests.browser.board import PATIENCE_MS, Board
from tests.e2e.deployment import Deployment
from tests.e2e.tenant import Tenant, new_tenant
from tidemark.domain.operations import operations_workspace
from tidemark.domain.workspace import OPERATIONS

DAYS = 14
"""Two periods of a week, so that there is something to compare with."""
ONE_IN = 8
"""So much less happens here than in `make run`."""
EXPECTED_ERRORS = ("net::ERR_", "Failed to load resource", "WebSocket connection to")
"""What Chromium itself writes to the console when a network or a server is away."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium from the system; for a module only: while it lives, nothing else can run an event loop."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        assert path, "the browser tests need Chromium: apt-get install chromium"
        launched = playwright.chromium.launch(executable_path=path, args=[*flags, "--disable-component-update"])
        yield launched
        launched.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make a browser with a profile of its own; the test fails on an uncaught error of any of its pages."""
    made: list[BrowserContext] = []
    errors: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(known in message.text for known in EXPECTED_ERRORS):
            errors.append(message.text)

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"locale": "en-US", "timezone_id": "UTC", **options})
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", on_console)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        made.append(context)
        return context

    expect.set_options(timeout=PATIENCE_MS)
    yield make
    for context in made:
        context.close()
    assert errors == []


@pytest.fixture
def context(new_context: Callable[..., BrowserContext]) -> BrowserContext:
    """One browser profile, in light colours."""
    return new_context(color_scheme="light")


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab of it."""
    return context.new_page()


@pytest.fixture(scope="session")
def site(deployment: Deployment) -> Iterator[Tenant]:
    """A workspace with two weeks of traffic, for tests that only look."""
    made = new_tenant(deployment)
    made.send(history(datetime.now(UTC)))
    made.drain()
    yield made
    made.http.close()


def history(now: datetime) -> list[dict[str, Any]]:
    """What has happened on a small site."""
    days = [now.date() - timedelta(days=ago) for ago in range(DAYS)]
    events = [event for day in days for event in islice(page_views(day), 0, None, ONE_IN)]
    events += [event for day in days for event in meeting(day)]
    events = [event for event in events if event["timestamp"] <= timestamp(now)]
    random.Random(1).shuffle(events)
    return events


@pytest.fixture
def board(page: Page, tenant: Tenant) -> Board:
    """The page of a new workspace, not opened yet."""
    return Board(page, tenant)


@pytest.fixture
def watched(make_tenant: Callable[..., Tenant]) -> Tenant:
    """A workspace of which ten events are a batch."""
    return make_tenant(batch_events=BATCH_EVENTS)


@pytest.fixture
def operator(deployment: Deployment) -> Iterator[Tenant]:
    """The workspace whose admins see all others; the breaker is closed before and after."""
    deployment.admin.create_workspace(operations_workspace(datetime.now(UTC)))
    made = Tenant(deployment, OPERATIONS, "", "")
    close_breaker(made)
    yield made
    close_breaker(made)
    made.http.close()


def close_breaker(operator: Tenant) -> None:
    headers = {"Authorization": f"Bearer {operator.token('admin')}"}
    answer = operator.http.post("/v1/admin/breaker/reset", json={"provider": PROVIDER}, headers=headers)
    assert answer.status_code == httpx.codes.OK, answer.text
