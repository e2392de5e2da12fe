"""Viewers over real WebSockets: what they hold is, after every delta, exactly what the server has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.e2e.deployment import PATIENCE_SECONDS
from tests.e2e.tenant import WEB, Tenant, bootstrapped, run
from tidemark_cli.client import Connection
from tidemark_cli.replica import Position, Replica, Verdict

AWAY_DELTAS = 50


class Viewer:
    """A connection that keeps a replica of the view `web`, checking every delta's checksums."""

    def __init__(self, connection: Connection, replica: Replica) -> None:
        self.connection = connection
        self.replica = replica
        self.applied = 0

    @property
    def seq(self) -> int:
        assert self.replica.position is not None
        return self.replica.position.seq

    async def next(self) -> None:
        """Apply the next delta that is new."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (verdict := self.replica.receive(await self.connection.delta())) is Verdict.DUPLICATE:
                pass
        assert verdict is Verdict.APPLIED
        self.applied += 1

    async def until_at(self, seq: int) -> None:
        """Apply deltas up to a position."""
        while self.seq < seq:
            await self.next()

    async def until_pageviews(self, total: int) -> None:
        """Apply deltas until so many page views are shown."""
        while self.replica.sections["kpis"]["pageviews"] < total:
            await self.next()


@asynccontextmanager
async def viewing(tenant: Tenant) -> AsyncIterator[Viewer]:
    """Bootstrap and subscribe from there."""
    async with tenant.connect() as connection:
        replica = await bootstrapped(connection, WEB)
        subscribed = await connection.subscribe(WEB, replica.position)
        if not subscribed.recovered:
            replica = await bootstrapped(connection, WEB)
        yield Viewer(connection, replica)


async def expect_what_a_newcomer_gets(tenant: Tenant, *viewers: Viewer) -> None:
    """Compare with a bootstrap from nothing; an hour that ends just now moves all of them on."""
    async with tenant.connect() as connection:
        fresh = await bootstrapped(connection, WEB)
        assert fresh.position is not None
        for viewer in viewers:
            await viewer.until_at(fresh.position.seq)
            assert viewer.replica.position == fresh.position
            assert viewer.replica.checksums == fresh.checksums
            assert viewer.replica.sections == fresh.sections


def test_every_delta_leads_two_viewers_to_what_a_bootstrap_gives(tenant: Tenant) -> None:
    async def produce_over_http() -> None:
        for size in (1, 40, 7, 100, 3, 60, 1, 88):
            await asyncio.to_thread(tenant.send, [tenant.page_view(status=404)])
            await asyncio.to_thread(tenant.send, [tenant.page_view(path=f"/{size}/{n}") for n in range(size)])

    async def produce_over_websocket() -> None:
        async with tenant.connect(tenant.write_key) as connection:
            for size in (5, 50, 1, 20, 24):
                events = [tenant.page_view(method="POST") for _ in range(size)]
                ack = await connection.track(events)
                assert (list(ack.accepted), ack.rejected) == ([event["event_id"] for event in events], ())

    async def scenario() -> None:
        tenant.send([tenant.page_view()])
        async with viewing(tenant) as first, viewing(tenant) as second:
            watching = [asyncio.create_task(viewer.until_pageviews(1 + 308 + 100)) for viewer in (first, second)]
            await asyncio.gather(produce_over_http(), produce_over_websocket(), *watching)
            assert first.replica.sections["kpis"]["pageviews"] == 1 + 308 + 100
            assert min(first.applied, second.applied) > 5
            await expect_what_a_newcomer_gets(tenant, first, second)

    run(scenario())


def test_a_viewer_that_was_away_for_fifty_deltas_gets_them_all(tenant: Tenant) -> None:
    async def scenario() -> None:
        async with viewing(tenant) as stayed:
            async with viewing(tenant) as left:
                tenant.send([tenant.page_view()])
                await left.next()
            await stayed.until_at(left.seq)

            for _ in range(AWAY_DELTAS):
                await asyncio.to_thread(tenant.send, [tenant.page_view()])
                await stayed.next()

            async with tenant.connect() as connection:
                back = Viewer(connection, left.replica)
                subscribed = await connection.subscribe(WEB, back.replica.position)
                assert subscribed.recovered
                assert subscribed.position == stayed.replica.position
                await back.until_at(subscribed.position.seq)
                assert back.applied < AWAY_DELTAS / 4, "few messages carry them all"
                assert back.replica.checksums == stayed.replica.checksums
                await expect_what_a_newcomer_gets(tenant, back, stayed)

    run(scenario())


def test_a_position_of_another_epoch_or_beyond_the_head_is_not_recovered(tenant: Tenant) -> None:
    async def scenario() -> None:
        tenant.send([tenant.page_view()])
        async with viewing(tenant) as viewer:
            position = viewer.replica.position
            assert position is not None
            for wrong in (Position("another", position.seq), Position(position.epoch, position.seq + 100)):
                subscribed = await viewer.connection.subscribe(WEB, wrong)
                assert not subscribed.recovered
                assert subscribed.position == position
            assert (await viewer.connection.subscribe(WEB, position)).recovered

    run(scenario())


def test_a_bootstrap_sends_only_the_sections_that_a_client_lacks(tenant: Tenant) -> None:
    async def scenario() -> None:
        tenant.send([tenant.page_view()])
        async with viewing(tenant) as viewer:
            have = viewer.replica.have()
            before = viewer.connection.received_bytes
            assembly = await viewer.connection.bootstrap(WEB, have)
            assert assembly.head["sections"] == []
            assert viewer.connection.received_bytes - before <= 1024
            assembly = await viewer.connection.bootstrap(WEB, {**have, "kpis": "0" * 64})
            assert assembly.head["sections"] == ["kpis"]

    run(scenario())
