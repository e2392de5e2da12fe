"""The invariants, as checks of a world at rest. Each raises AssertionError and says what does not hold.

They trust nothing that a handler has computed: the log is read from its table and counted here, cells and heads are
read apart and rendered with the pure core, and all three have to agree with what viewers hold.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.template import ROOT
from tidemark.aws.snapshots import unpack
from tidemark.domain import cells, chunks
from tidemark.domain.fold import Fold
from tidemark.domain.insight_section import StoredInsight, section_of
from tidemark.domain.insights import from_json
from tidemark.domain.snapshot import checksums_of, frame_of, render
from tidemark.domain.views import View, window_at_hour

if TYPE_CHECKING:
    from tests.support.clients import Viewer
    from tests.support.connections import Response
    from tests.support.deployed import World

_INTERNAL = re.compile(
    r"Traceback|botocore|boto3|Exception|Error\(|arn:|Table|dynamodb|\.py|/functions/|conditional|as the test wishes",
    re.IGNORECASE,
)


def _documented_codes() -> set[str]:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    return set(re.findall(r"`([a-z_]+)`", text))


CODES = _documented_codes()


def check_error(body: Mapping[str, Any]) -> None:
    """An error has a documented code and a message, and tells nothing of the inside."""
    assert body["code"] in CODES, f"the code {body['code']!r} stands in no documentation"
    assert body["message"]
    assert not _INTERNAL.search(json.dumps(body)), f"an error tells internals: {body}"


def check_response(response: Response) -> None:
    """A response is a success, or the gateway's own 500, or an error in the one form."""
    if response.status == 200:
        return
    assert 400 <= response.status < 600, f"{response.status} is no status that we answer with"
    body = response.json()
    if set(body) == {"message"}:  # API Gateway's own words, after Lambda raised
        assert response.status == 500
        return
    check_error(body)
    if response.status in (429, 503):
        assert {name.lower(): value for name, value in response.headers.items()}["retry-after"].isdigit()


def log_of(world: World) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the events in the log by (hour, id), the first chunk of an id first."""
    world.poll()
    events: dict[tuple[str, str], dict[str, Any]] = {}
    for pk in sorted(world.chunk_partitions):
        hour = pk.split("#")[1]
        for item in world.stack.items("EventsTable", pk):
            for event in chunks.decode(item["events"]):
                events.setdefault((hour, event["event_id"]), event)
    return events


def check_log(world: World) -> None:
    """Whatever was acknowledged is in the log."""
    lost = world.acked - {event_id for _, event_id in log_of(world)}
    assert not lost, f"acknowledged and not stored: {sorted(lost)}"


def sections_of_log(world: World, view: View, hour: str) -> dict[str, Any]:
    """Return what a view shows, from the log alone."""
    dashboards = world.definitions
    fold = Fold([dashboards[name] for name in world.dashboards if name in dashboards])
    by_hour: dict[str, list[dict[str, Any]]] = {}
    for (event_hour, _), event in log_of(world).items():
        by_hour.setdefault(event_hour, []).append(event)
    found = ((event_hour, cells.compact(fold(events))) for event_hour, events in by_hour.items())
    return _render(world, view, hour, found)


def sections_of_cells(world: World, view: View, hour: str) -> dict[str, Any]:
    """Return what a view shows, from the cells as they are stored."""
    found = []
    for pk in {pk.rpartition("#")[0] for pk in world.chunk_partitions}:
        for item in world.stack.items("CellsTable", pk):
            if "#" not in item["sk"]:
                found.append((pk.partition("#")[2], cells.decode(item["state"])))
    return _render(world, view, hour, found)


def check_counted_once(world: World, view: View) -> None:
    """Every event in the log is counted once in the cells; the web dashboard is also recounted by hand."""
    hour = world.hour
    of_log, of_cells = sections_of_log(world, view, hour), sections_of_cells(world, view, hour)
    assert of_cells == of_log, f"cells and log differ: {of_cells['kpis']} against {of_log['kpis']}"
    if {"pageviews", "visitors", "bytes_sent", "errors"} <= of_cells["kpis"].keys():
        _check_by_hand(world, view, of_cells)


def check_head(world: World, view: View) -> None:
    """The head of a view, if it is kept up, shows what the cells hold."""
    heads = [
        item for item in world.stack.items("SnapshotsTable", f"{world.workspace}#{view.key}") if item["sk"] == "HEAD"
    ]
    assert heads, "there is no head"
    expected = checksums_of(sections_of_cells(world, view, heads[0]["hour"]))
    body = unpack(heads[0]["snapshot"])
    assert body["checksums"] == expected, f"the head is not what the cells hold: {body['sections'].get('kpis')}"


def check_delta_log(world: World, view: View) -> None:
    """The delta log has no gap, and ends where the head is."""
    items = world.stack.items("SnapshotsTable", f"{world.workspace}#{view.key}")
    deltas = [item for item in items if item["sk"].startswith("D#")]
    heads = [item for item in items if item["sk"] == "HEAD"]
    seqs = [delta["seq"] for delta in deltas]
    assert seqs == list(range(1, len(seqs) + 1)), f"the delta log has a gap: {seqs}"
    assert all(delta["base"] == delta["seq"] - 1 for delta in deltas), "a delta does not stand on its predecessor"
    epochs = [delta["epoch"] for delta in deltas]
    changes = sum(one != other for one, other in pairwise(epochs))
    assert len(set(epochs)) == changes + bool(epochs), f"an epoch comes back: {epochs}"
    if heads:
        assert [(heads[0]["epoch"], heads[0]["seq"])] == [(d["epoch"], d["seq"]) for d in deltas[-1:]], (
            "the head is not at the end of the delta log"
        )


def check_viewer(world: World, viewer: Viewer) -> None:
    """A viewer holds exactly what the cells do."""
    view = View.parse(viewer.view)
    expected = sections_of_cells(world, view, world.hour)
    assert viewer.sections == expected, (
        f"a viewer is not exact: {viewer.sections.get('kpis')} against {expected.get('kpis')} at {viewer.position}"
    )


def check_world(world: World, *viewers: Viewer) -> None:
    """Bring the world to rest, then check every invariant."""
    world.settle(*viewers)
    check_log(world)
    assert not world.stack.connections.broken_frames
    for view in {View.parse(viewer.view) for viewer in viewers}:
        check_counted_once(world, view)
        check_head(world, view)
        check_delta_log(world, view)
    for viewer in viewers:
        check_viewer(world, viewer)


def _render(world: World, view: View, hour: str, found: Any) -> dict[str, Any]:
    dashboard = world.definitions[view.dashboard]
    window = window_at_hour(view, hour, world.timezone, dashboard.trailing_hours)
    insights = _insights(world, dashboard.insights, window.hours[-1] if view.to else "9")
    return dict(render(dashboard, window, frame_of(dashboard, window, found), insights))


def _insights(world: World, count: int, last_hour: str) -> dict[str, Any]:
    """Return the section of the last insights of hours up to `last_hour`, from the batches as they are stored."""
    told = [
        StoredInsight(item["sk"], item["finished_at"], from_json(json.loads(zlib.decompress(item["insight"]))))
        for item in world.stack.items("WorkTable", f"B#{world.workspace}")
        if item.get("job") == "SUCCESS" and item["sk"].partition(".")[0] <= last_hour
    ]
    return section_of(told[::-1][:count])


def _check_by_hand(world: World, view: View, sections: Mapping[str, Any]) -> None:
    zone = ZoneInfo(world.timezone)
    last = view.to or world.now.astimezone(zone).date()
    shown = [
        event
        for event in log_of(world).values()
        if event["type"] == "page"
        and 0 <= (last - datetime.fromisoformat(event["timestamp"]).astimezone(zone).date()).days < view.days
    ]
    properties = [event["properties"] for event in shown]
    kpis = sections["kpis"]
    assert kpis["pageviews"] == len(shown)
    assert kpis["bytes_sent"] == sum(found["bytes"] for found in properties)
    assert kpis["errors"] == sum(found["status"] >= 400 for found in properties)
    assert kpis["visitors"] == len({event["anonymous_id"] for event in shown})
    rows = sections["tabs.overview"]["top_paths"]["rows"]
    assert {path: row["value"] for path, row in rows.items()} == Counter(found["path"] for found in properties)
