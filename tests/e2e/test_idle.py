"""Nobody pays for a view that nobody watches."""

from __future__ import annotations

import asyncio

from tests.e2e.deployment import Deployment, until
from tests.e2e.tenant import WEB, Tenant, bootstrapped, next_change, run


def test_events_of_an_unwatched_workspace_write_no_snapshot(deployment: Deployment, tenant: Tenant) -> None:
    tenant.send([tenant.page_view() for _ in range(20)])
    until(lambda: deployment.items("CellsTable", f"{tenant.name}#"), bool)
    tenant.send([tenant.page_view() for _ in range(20)])
    until(lambda: len(deployment.items("CellsTable", f"{tenant.name}#")), lambda items: items >= 3)
    assert deployment.items("SnapshotsTable", f"{tenant.name}#") == []


def test_a_view_that_was_left_is_written_no_more(deployment: Deployment, tenant: Tenant) -> None:
    async def watch() -> None:
        async with tenant.connect() as connection:
            replica = await bootstrapped(connection, WEB)
            await connection.subscribe(WEB, replica.position)
            await asyncio.to_thread(tenant.send, [tenant.page_view()])
            assert (await next_change(connection))["patch"]["kpis"]["pageviews"] == 1
            await connection.unsubscribe(WEB)

    run(watch())
    view = f"{tenant.name}#web:7"
    assert deployment.items("ConnectionsTable", view) == []
    before = deployment.items("SnapshotsTable", view)
    tenant.send([tenant.page_view()])
    tenant.drain()
    assert deployment.items("SnapshotsTable", view) == before
