"""Fixtures of the browser tests: Chromium, a tab, and a fake Tidemark."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.fake_tidemark import FakeTidemark


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
def page(browser: Browser) -> Iterator[Page]:
    """A fresh tab that fails the test on an uncaught error of the page."""
    context = browser.new_context(locale="en-US", timezone_id="UTC")
    context.set_default_timeout(10_000)
    errors: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


@pytest.fixture
def fake() -> Iterator[FakeTidemark]:
    """A fake Tidemark that holds the small `web` view of web.json."""
    data = json.loads((Path(__file__).parent / "web.json").read_text("utf-8"))
    server = FakeTidemark(data["sections"], data["dashboards"])
    yield server
    server.stop()
