"""What axe, and a ruler, find wrong with a page; and the ways in which a reader's screen may show it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Literal

from playwright.sync_api import Page, ViewportSize

from local.dashboard import NODE_MODULES
from tests.browser.board import Board

AXE = (NODE_MODULES / "axe-core" / "axe.min.js").read_text("utf-8")
SIZES: dict[str, ViewportSize] = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 360, "height": 740}}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
END_ANIMATIONS = """for (const animation of document.getAnimations()) {
  if (Number.isFinite(animation.effect.getComputedTiming().endTime)) animation.finish();
}"""
OVERFLOW = """Math.max(document.documentElement.scrollWidth - innerWidth,
  ...[...document.querySelectorAll(".card")].map((card) => -card.getBoundingClientRect().left))"""
NEXT_FRAME = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
"""Charts follow the size of the screen with the next frame."""


def violations(page: Page) -> list[Any]:
    """What axe finds wrong with the page as it is now."""
    page.evaluate(END_ANIMATIONS)
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(({ violations }) => violations)")
    return [(rule["id"], rule["help"], [node["html"] for node in rule["nodes"]]) for rule in found]


def overflow(page: Page) -> int:
    """By how many pixels the page, or a card on it, is wider than the screen: to the left one cannot even scroll."""
    wide: int = page.evaluate(OVERFLOW)
    return wide


def looks(page: Page) -> Iterator[str]:
    """Show the page on a desk and on a phone, each in light and in dark colours; yield the name of each look."""
    for (size, viewport), scheme in product(SIZES.items(), SCHEMES):
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(NEXT_FRAME)
        yield f"{size}-{scheme}"


def expect_accessible(board: Board, state: str, name: str) -> None:
    """Fail if axe finds anything, or the page is wider than the screen, in any look; the page stays in its state."""
    for look in looks(board.page):
        board.expect_state(state)
        faults = violations(board.page)  # which also ends what moves, before the picture
        board.screenshot(f"{name}-{look}")
        assert (look, faults) == (look, [])
        assert (look, max(0, overflow(board.page))) == (look, 0)
        board.expect_state(state)
