"""Scenarios in which a connection's lease and its subscriptions could part: each end of one meets the other.

With every guard in its place, no subscription is ever left without a lease.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from tests.support.calls import Call
from tests.support.clients import Viewer
from tests.support.deployed import World
from tests.support.races import VIEW, calls

BOTH = (False, True)
"""Whether the connection has a subscription to the view before."""


def a_connection_ends_while_it_subscribes(world: World) -> None:
    """Whichever call of `subscribe` the whole `$disconnect` comes before."""

    def subscribe(viewer: Viewer, reached: Callable[[Call], bool]) -> bool:
        interleaving = world.meanwhile(reached, viewer.leave)
        _subscribe_again(world, viewer)
        return interleaving.done

    _before_each_call(world, "ws_subscribe", subscribe)


def a_subscription_comes_while_its_connection_ends(world: World) -> None:
    """Whichever call of `$disconnect` the whole `subscribe` comes before."""

    def leave(viewer: Viewer, reached: Callable[[Call], bool]) -> bool:
        interleaving = world.meanwhile(reached, lambda: _subscribe_again(world, viewer))
        viewer.leave()
        return interleaving.done

    _before_each_call(world, "ws_disconnect", leave)


def a_view_is_subscribed_to_while_it_is_unsubscribed_from(world: World) -> None:
    """Whichever call of `unsubscribe` the whole `subscribe` comes before."""

    def unsubscribe(viewer: Viewer, reached: Callable[[Call], bool]) -> bool:
        interleaving = world.meanwhile(reached, lambda: _subscribe_again(world, viewer))
        viewer.unsubscribe()
        return interleaving.done

    _before_each_call(world, "ws_unsubscribe", unsubscribe)


def _before_each_call(world: World, handler: str, act: Callable[[Viewer, Callable[[Call], bool]], bool]) -> None:
    """Act once for each call of a handler, until it makes no more; check the leases every time."""
    for subscribed in BOTH:
        for number in count(1):
            viewer = Viewer(world)
            if subscribed:
                viewer.follow()
            else:
                viewer.bootstrap()
            reached = act(viewer, calls(handler, "any", nth=number))
            check_leases(world)
            if viewer.connected:
                viewer.leave()
            world.stack.calls.interleavings.clear()
            if not reached:
                break


def _subscribe_again(world: World, viewer: Viewer) -> None:
    assert viewer.connection
    world.send(viewer.connection, {"action": "subscribe", "id": "1", "view": viewer.view})


def check_leases(world: World) -> None:
    """Every subscription stands in a lease, so that the end of its connection removes it; no watch is for nobody."""
    subscriptions = world.stack.items("ConnectionsTable", f"{world.workspace}#{VIEW.key}")
    watches = world.stack.items("ConnectionsTable", f"W#{world.workspace}")
    assert subscriptions or not watches, "a view is kept up for nobody"
    for subscription in subscriptions:
        leases = world.stack.items("ConnectionsTable", f"C#{subscription['sk']}")
        listed = {view for lease in leases for view in lease.get("views", ())}
        assert VIEW.key in listed, "a subscription is left without a lease"
