"""`reconcile`: a client learns where it stands, and gets what differs and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

import tidemark.observability
from tests.support.checks import check_viewer, check_world
from tests.support.clients import Client, Producer, Viewer, refusal
from tests.support.data import LARGE, long_paths, pages
from tests.support.deployed import World
from tests.support.stack import Stack
from tidemark.services.watching import LEASE_SECONDS


def reconcile(viewer: Viewer, **fields: Any) -> list[dict[str, Any]]:
    """Send a `reconcile` with what a viewer has, or with other fields, and return all answers."""
    assert viewer.connection
    message = {
        "action": "reconcile",
        "id": "r",
        "view": viewer.view,
        "position": viewer.position,
        "have": viewer.have(),
    }
    sent = {name: value for name, value in (message | fields).items() if value is not None}
    viewer.world.send(viewer.connection, sent)
    return viewer.world.stack.connections.take(viewer.connection)


@pytest.fixture
def viewer(world: World) -> Viewer:
    """A viewer that has followed its view to a few numbers."""
    made = Viewer(world)
    made.follow()
    Producer(world).send(pages(world.now, 3))
    world.deliver()
    made.follow()
    return made


def test_a_client_that_has_everything_gets_nothing_but_that_word(viewer: Viewer) -> None:
    (answer,) = reconcile(viewer)
    assert answer == {
        "type": "reconciled",
        "id": "r",
        "workspace_id": viewer.world.workspace,
        "view": viewer.view,
        "position": viewer.position,
        "verdict": "current",
        "subscribed": True,
        "checksums": {"full": answer["checksums"]["full"]},
        "sections": [],
        "generated_at": "2026-11-22T10:30:00.000Z",
    }
    assert len(json.dumps(answer)) < 512
    with_full = reconcile(viewer, have=viewer.have() | answer["checksums"])
    assert with_full == [answer], "`full` is not a section"


def test_a_client_that_missed_a_push_gets_what_differs(viewer: Viewer) -> None:
    world = viewer.world
    Producer(world).send(pages(world.now, 1))
    world.fold()  # the push is lost
    head, *sections = reconcile(viewer)
    assert (head["verdict"], head["subscribed"]) == ("behind", True)
    assert head["position"]["seq"] == (viewer.position or {})["seq"] + 1
    assert [section["section"] for section in sections] == head["sections"]
    assert set(head["sections"]) < set(viewer.sections), "more than what differs has travelled"
    assert set(head["checksums"]) == {*viewer.sections, "full"}
    assert viewer.reconcile() == "behind"
    check_viewer(world, viewer)
    world.deliver()
    viewer.drain()
    assert viewer.reconcile() == "current"
    check_world(world, viewer)


class Log:
    """A logger that keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[tuple[str, dict[str, Any]]] = []

    def warning(self, message: str, extra: dict[str, Any]) -> None:
        self.warnings.append((message, extra))

    def info(self, message: str, **_: Any) -> None:
        """Forget it."""


def test_a_client_whose_sections_do_not_fit_its_position_is_mended_and_logged(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    monkeypatch.setattr(tidemark.observability, "logger", lambda: log)
    viewer.sections["kpis"] = {"pageviews": 99}
    head, section = reconcile(viewer)
    assert (head["verdict"], head["sections"]) == ("diverged", ["kpis"])
    assert section["data"]["pageviews"] == 3
    ((message, extra),) = log.warnings
    assert message == "diverged"
    position = viewer.position or {}
    assert {name: extra[name] for name in ("workspace", "view", "position", "sections")} == {
        "workspace": viewer.world.workspace,
        "view": "web:2",
        "position": f"{position['epoch']}:{position['seq']}",
        "sections": ("kpis",),
    }
    assert viewer.reconcile() == "diverged"
    check_viewer(viewer.world, viewer)


def test_a_section_that_is_no_more_is_told_by_the_checksums(viewer: Viewer) -> None:
    (head,) = reconcile(viewer, have=viewer.have() | {"tabs.old": "0" * 64})
    assert (head["verdict"], head["sections"]) == ("diverged", [])
    assert set(head["checksums"]) == {*viewer.sections, "full"}


@pytest.mark.parametrize("fields", [{"have": None}, {"have": {}}, {"position": None, "have": None}])
def test_a_client_that_names_no_section_gets_them_all_and_is_not_blamed(viewer: Viewer, fields: dict[str, Any]) -> None:
    head, *sections = reconcile(viewer, **fields)
    assert head["verdict"] == "behind"
    assert {section["section"] for section in sections} == set(viewer.sections)


@pytest.mark.parametrize("position", [None, {"epoch": "another", "seq": 2}, {"seq": 1}])
def test_another_position_with_the_right_sections_costs_no_section(
    viewer: Viewer, position: dict[str, Any] | None
) -> None:
    given = position and {**(viewer.position or {}), **position}
    (head,) = reconcile(viewer, position=given)
    assert (head["verdict"], head["sections"], set(head["checksums"])) == ("behind", [], {"full"})


def test_a_window_slides_with_the_clock_though_nothing_happens(viewer: Viewer) -> None:
    world = viewer.world
    world.now += timedelta(hours=1)
    assert viewer.reconcile() == "behind"
    check_viewer(world, viewer)
    assert viewer.reconcile() == "current"


def test_only_a_subscription_that_lives_and_is_this_connections_own_counts(viewer: Viewer) -> None:
    world = viewer.world
    other = Viewer(world)
    other.connect()
    other.bootstrap()
    assert reconcile(other)[0]["subscribed"] is False, "the subscription of another connection was taken for its own"
    other.subscribe()
    assert reconcile(other)[0]["subscribed"] is True
    assert reconcile(other, view={"dashboard": "web", "days": 3}, have=None)[0]["subscribed"] is False
    other.unsubscribe()
    assert reconcile(other)[0]["subscribed"] is False
    world.now += timedelta(seconds=LEASE_SECONDS)
    assert reconcile(viewer)[0]["subscribed"] is False, "a subscription that is over was taken for one"


def test_a_connection_whose_subscription_is_gone_comes_back_exact(viewer: Viewer) -> None:
    world = viewer.world
    key = {"pk": {"S": f"{world.workspace}#web:2"}, "sk": {"S": viewer.connection}}
    world.stack.dynamodb.delete_item(TableName="ConnectionsTable", Key=key)
    Producer(world).send(pages(world.now, 1))
    world.deliver()
    assert viewer.drain() == []
    assert viewer.reconcile() == "behind"
    assert not viewer.subscribed
    check_world(world, viewer)


def test_a_view_with_a_fixed_end_is_reconciled_like_any(world: World) -> None:
    Producer(world).send(pages(world.now, 2, 26 * 60))
    world.deliver()
    viewer = Viewer(world, {"dashboard": "web", "days": 2, "to": "2026-11-21"})
    viewer.bootstrap()
    assert viewer.reconcile() == "current"
    Producer(world).send(pages(world.now, 1, 26 * 60))
    world.deliver()
    assert viewer.reconcile() == "behind"
    assert not viewer.subscribed
    check_viewer(world, viewer)


def test_the_workspace_is_checked_anew(viewer: Viewer) -> None:
    world = viewer.world
    world.settings(dashboards=["meetings"])
    world.restart("ws_reconcile")
    assert refusal(viewer, action="reconcile", id="1", view=viewer.view) == "unknown_dashboard"
    key = {"pk": {"S": f"WORKSPACE#{world.workspace}"}, "sk": {"S": "SETTINGS"}}
    world.stack.dynamodb.delete_item(TableName="DirectoryTable", Key=key)
    world.restart("ws_reconcile")
    assert refusal(viewer, action="reconcile", id="1", view=viewer.view) == "forbidden"
    writer = Client(world, world.write_key)
    writer.connect()
    assert refusal(writer, action="reconcile", id="1", view=viewer.view) == "forbidden"


def test_a_large_section_travels_in_parts(stack: Stack) -> None:
    with World(stack, definitions=LARGE) as world:
        viewer = Viewer(world)
        viewer.follow()
        Producer(world).send(long_paths(world.now))
        world.deliver()
        viewer.drain()
        _, *sections = reconcile(viewer)
        assert max(section["parts"] for section in sections) > 1
        assert viewer.reconcile() == "behind"
        check_world(world, viewer)


def test_folds_that_run_during_a_reconcile_are_never_missed(world: World) -> None:
    """Whatever call another process folds and pushes in front of."""
    for number in range(1, 30):
        viewer = Viewer(world)
        viewer.follow()
        seen: list[Any] = []

        def reached(call: Any, seen: list[Any] = seen, number: int = number) -> bool:
            if call.handler == "ws_reconcile":
                seen.append(call)
            return len(seen) == number

        def fold() -> None:
            Producer(world).send(pages(world.now, 1))
            world.deliver()

        interleaving = world.meanwhile(reached, fold)
        viewer.reconcile()
        viewer.drain()
        check_viewer(world, viewer)
        viewer.leave()
        world.stack.calls.interleavings.clear()
        if not interleaving.done:
            return
    raise AssertionError("the handler makes more calls than this test follows")
