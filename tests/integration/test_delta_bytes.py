"""What a delta weighs on the wire: made by a real refresh, pushed by the real broadcast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.clients import Producer, Viewer
from tests.support.data import page
from tests.support.deployed import World
from tests.support.stack import Stack
from tidemark import wire
from tidemark.domain.definitions import load

MAX_BYTES = 400
FRAME_HEADER_BYTES = 4
"""Of a frame that a server sends with 126 to 65,535 bytes (RFC 6455, section 5.2)."""
EARLIER = 1234
"""Page views before: numbers on a dashboard have digits."""
THIRTY_DAYS = {"dashboard": "web", "days": 30}
MEASURES = """
name: web
measures:
  pageviews: {kind: count, events: [page]}
  bytes_sent: {kind: sum, unit: bytes, events: [page], field: properties.bytes}
  errors: {kind: count, events: [page], where: {properties.status: {gte: 400}}}
  top_paths: {kind: top, events: [page], field: properties.path, limit: 10}
"""
SHOWN = {
    "one": "kpis: [pageviews, bytes_sent, errors]",
    "two": "kpis: [pageviews, bytes_sent]\ncharts: {pageviews_by_hour: {measure: pageviews, grain: hour, last: 48}}",
    "three": """
kpis: [pageviews]
charts: {pageviews_by_hour: {measure: pageviews, grain: hour, last: 48}}
tabs: {overview: [top_paths]}
""",
}


def numbers(patch: Any) -> int:
    """Return how many values a patch sets."""
    return sum(map(numbers, patch.values())) if isinstance(patch, Mapping) else 1


@pytest.mark.parametrize("sections", SHOWN)
def test_a_delta_that_changes_three_numbers_is_small(stack: Stack, sections: str) -> None:
    definition = load(MEASURES + SHOWN[sections], "small.yaml")
    visit: dict[str, Any] = {"path": "/projects/xdotool/", "status": 404, "bytes": 1_234_567}
    with World(stack, definitions={"web": definition}) as world:
        viewer = Viewer(world, THIRTY_DAYS)
        viewer.follow()
        Producer(world).send([page(world.now, **visit) for _ in range(EARLIER)])
        world.deliver()
        viewer.follow()
        Producer(world).send([page(world.now, **visit)])
        world.deliver()
        deltas = [message for message in viewer.drain() if message["type"] == "delta"]
        (delta,) = deltas
        patch = delta["patch"]
        assert (numbers(patch), len(patch)) == (3, list(SHOWN).index(sections) + 1)
        assert delta["checksums"].keys() == {"full"}
        assert len(wire.encode(delta)) + FRAME_HEADER_BYTES <= MAX_BYTES
