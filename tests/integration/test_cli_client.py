"""The protocol client over real sockets: whatever the server and the network do, a viewer ends with the exact state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest

from tests.cli_live import VIEW, LiveServer
from tidemark.domain.snapshot import checksums_of
from tidemark_cli import client
from tidemark_cli.client import DisconnectedError, RefusedError, ServerError, open_connection
from tidemark_cli.follow import Kind, Pace, follow
from tidemark_cli.replica import MalformedError, Position, Replica

Scenario = Callable[[LiveServer], Coroutine[Any, Any, None]]
QUICK = Pace(backoff_base_seconds=0.01, backoff_cap_seconds=0.02)


def state(pageviews: int) -> dict[str, Any]:
    days = {f"2026-11-{day:02}": {"order": day, "value": day * pageviews} for day in range(1, 23)}
    return {
        "kpis": {"pageviews": pageviews},
        "charts": {"by_day": {"grain": "day", "points": days}},
        "tabs.overview": {},
    }


def live(scenario: Scenario) -> None:
    async def play() -> None:
        server = LiveServer(state(0))
        async with server.running(), asyncio.timeout(20):
            await scenario(server)

    asyncio.run(play())


class Viewer:
    """A follower whose updates a test awaits."""

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self.kinds: list[Kind] = []

    async def until(self, server: LiveServer) -> None:
        """Wait until the replica is where the server is, and check that it is the same."""
        while self.replica.position != Position(server.epoch, server.seq):
            await asyncio.sleep(0.005)
        assert self.replica.sections == server.states[-1]
        assert self.replica.checksums == checksums_of(server.states[-1])


@asynccontextmanager
async def viewer(server: LiveServer, pace: Pace = QUICK) -> AsyncIterator[Viewer]:
    made = Viewer(Replica())

    async def run() -> None:
        async with aclosing(follow(server.http_url, "good", VIEW, made.replica, pace)) as updates:
            async for update in updates:
                made.kinds.append(update.kind)

    task = asyncio.create_task(run())
    try:
        while not server.viewers:
            await asyncio.sleep(0.005)
            if task.done():
                await task
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_connection_does_every_action() -> None:
    async def scenario(server: LiveServer) -> None:
        async with open_connection(server.url, server.ticket()) as connection:
            assembly = await connection.bootstrap(VIEW)
            assert assembly.sections == state(0)
            subscribed = await connection.subscribe(VIEW, Position("e1", 0))
            assert (subscribed.position, subscribed.recovered) == (Position("e1", 0), True)
            await server.commit(state(1))
            assert (await connection.delta())["seq"] == 1
            assert (await connection.track([{"event_id": "a", "type": "page"}])).accepted == ("a",)
            await connection.ping()
            await connection.unsubscribe(VIEW)
            assert not server.viewers
            with pytest.raises(ServerError, match=r"no action dance \[unknown_action\]"):
                await connection.send({"action": "dance"})
            assert connection.received_bytes > 1000
        with pytest.raises(DisconnectedError):
            await connection.ping()

    live(scenario)


def test_answers_find_their_questions_when_many_are_open() -> None:
    async def scenario(server: LiveServer) -> None:
        async with open_connection(server.url, server.ticket()) as connection:
            names = [f"event-{number}" for number in range(50)]
            acks = await asyncio.gather(*(connection.track([{"event_id": name, "type": "page"}]) for name in names))
            assert [ack.accepted for ack in acks] == [(name,) for name in names]

    live(scenario)


def test_large_sections_come_in_parts() -> None:
    async def scenario(server: LiveServer) -> None:
        server.part_characters = 37
        async with viewer(server) as watching:
            await watching.until(server)

    live(scenario)


def test_deltas_keep_a_viewer_exact_and_doubled_ones_do_nothing() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server) as watching:
            for number in range(1, 20):
                await server.commit(state(number))
                await server.push(server.delta(max(1, number - 3)))
            await watching.until(server)
            assert watching.kinds.count(Kind.DELTA) == 19
            assert len(server.actions("bootstrap")) == 1

    live(scenario)


def test_a_gap_is_closed_by_what_differs() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server) as watching:
            await server.commit({**state(0), "kpis": {"pageviews": 1}}, push=False)
            await server.commit({**state(0), "kpis": {"pageviews": 2}})
            await watching.until(server)
            (again,) = server.actions("reconcile")
            assert again["position"] == {"epoch": "e1", "seq": 0}
            assert again["have"] == {name: value for name, value in checksums_of(state(0)).items() if name != "full"}

    live(scenario)


def test_a_new_epoch_is_a_gap() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server) as watching:
            server.epoch = "e2"
            await server.commit(state(1))
            await watching.until(server)

    live(scenario)


def test_a_delta_whose_result_differs_is_mended() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server) as watching:
            await server.commit(state(1), push=False)
            await server.push({**server.delta(1), "patch": {"kpis": {"pageviews": 99}}})
            while not server.actions("reconcile"):
                await asyncio.sleep(0.005)
            await watching.until(server)

    live(scenario)


def test_a_viewer_that_was_away_recovers_by_its_position() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server) as watching:
            await server.commit(state(1))
            await watching.until(server)
            async with server.away():
                for number in range(2, 52):
                    await server.commit(state(number), push=False)
            await watching.until(server)
            assert Kind.DISCONNECTED in watching.kinds
            assert len(server.actions("bootstrap")) == 1
            assert watching.kinds.count(Kind.DELTA) == 51

    live(scenario)


def test_missed_deltas_that_never_follow_are_made_up_for() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server, replace(QUICK, catch_up_seconds=0.05)) as watching:
            async with server.away():
                server.dies_after_subscribed = True
                await server.commit(state(1), push=False)
            await watching.until(server)
            assert len(server.actions("reconcile")) == 1

    live(scenario)


def test_a_viewer_that_was_away_for_too_long_reconciles() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server) as watching:
            async with server.away():
                for number in range(1, 9):
                    await server.commit(state(number), push=False)
                server.oldest_delta = 8
            await watching.until(server)
            assert len(server.actions("reconcile")) == 1

    live(scenario)


def test_a_push_that_got_lost_is_found_while_connected() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server, replace(QUICK, sync_seconds=0.05)) as watching:
            await server.commit(state(1), push=False)
            await watching.until(server)
            assert Kind.DISCONNECTED not in watching.kinds
            assert len(server.actions("bootstrap")) == 1

    live(scenario)


def test_a_subscription_that_was_lost_is_made_again() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server, replace(QUICK, sync_seconds=0.05)) as watching:
            server.viewers.clear()
            await server.commit(state(1))
            await watching.until(server)
            while not server.viewers:
                await asyncio.sleep(0.005)
            await server.commit(state(2))
            await watching.until(server)
            assert Kind.DISCONNECTED not in watching.kinds

    live(scenario)


def test_a_recovery_that_does_not_end_exact_is_mended() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server) as watching:
            async with server.away():
                watching.replica.sections = state(9)
                watching.replica.checksums = checksums_of(state(9))
            while not server.actions("reconcile"):
                await asyncio.sleep(0.005)
            while watching.kinds[-1] is not Kind.SNAPSHOT:
                await asyncio.sleep(0.005)
            await watching.until(server)

    live(scenario)


def test_a_server_that_comes_back_late_is_waited_for() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server) as watching:
            async with server.away():
                while watching.kinds.count(Kind.DISCONNECTED) < 4:
                    await asyncio.sleep(0.005)
                await server.commit(state(1), push=False)
            await watching.until(server)

    live(scenario)


def test_a_connection_is_kept_awake_and_renewed_before_it_ends() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server, Pace(sync_seconds=0.02, renew_seconds=0.2)) as watching:
            while len(server.actions("subscribe")) < 3:
                await asyncio.sleep(0.005)
            await server.commit(state(1))
            await watching.until(server)
            assert len(server.actions("reconcile")) > 3
            assert len(server.actions("bootstrap")) == 1
            assert Kind.DISCONNECTED not in watching.kinds

    live(scenario)


def test_a_credential_that_is_refused_is_not_tried_again() -> None:
    async def scenario(server: LiveServer) -> None:
        with pytest.raises(RefusedError, match="403"):
            async with open_connection(server.url, "bad"):
                pass
        async with viewer(server):
            updates = follow(server.http_url, "good", VIEW, Replica(), QUICK)
            assert (await anext(updates)).kind is Kind.SNAPSHOT
            server.refusal = HTTPStatus.UNAUTHORIZED
            await server.drop()
            with pytest.raises(RefusedError, match="401"):
                async for _ in updates:
                    pass

    live(scenario)


def test_every_connection_has_a_ticket_of_its_own_and_the_token_stands_in_no_address() -> None:
    async def scenario(server: LiveServer) -> None:
        async with viewer(server) as watching:
            for number in (1, 2):
                async with server.away():
                    server.ticket_answers = [(HTTPStatus.SERVICE_UNAVAILABLE, b""), (HTTPStatus.TOO_MANY_REQUESTS, b"")]
                    await server.commit(state(number), push=False)
                await watching.until(server)
                assert server.ticket_answers == []
        assert len(server.addresses) >= 3
        assert len(set(server.addresses)) == len(server.addresses)
        assert all(address.startswith("/live?token=ticket-") for address in server.addresses)

    live(scenario)


def test_a_token_that_is_refused_or_an_answer_that_is_no_ticket_ends_it() -> None:
    async def scenario(server: LiveServer) -> None:
        with pytest.raises(RefusedError, match="401"):
            await anext(follow(server.http_url, "expired", VIEW, Replica(), QUICK))
        for status, body in (
            (HTTPStatus.OK, b"[]"),
            (HTTPStatus.OK, b'{"websocket_url":7,"ticket":"t"}'),
            (HTTPStatus.OK, b'{"websocket_url":"ws://127.0.0.1:9","ticket":7}'),
            (HTTPStatus.NOT_FOUND, b"<html>"),
        ):
            server.ticket_answers = [(status, body)]
            with pytest.raises(ServerError, match="not as Tidemark does"):
                await anext(follow(server.http_url, "good", VIEW, Replica(), QUICK))
        assert server.addresses == []

    live(scenario)


def test_nobody_there_at_first_is_an_error() -> None:
    async def scenario(_: LiveServer) -> None:
        with pytest.raises(DisconnectedError, match="no ticket from"):
            await anext(follow("http://127.0.0.1:9", "good", VIEW, Replica(), QUICK))
        with pytest.raises(DisconnectedError, match="no connection to"):
            async with open_connection("ws://127.0.0.1:9/live", "any"):
                pass

    live(scenario)


def test_an_error_of_the_server_is_raised_and_one_that_may_pass_is_waited_out() -> None:
    async def scenario(server: LiveServer) -> None:
        server.errors = [{"code": "unknown_dashboard", "message": "no dashboard web"}]
        with pytest.raises(ServerError, match="no dashboard web"):
            await anext(follow(server.http_url, "good", VIEW, Replica(), QUICK))
        async with viewer(server) as watching:
            async with server.away():
                server.errors = [{"code": "throttled", "message": "later", "request_id": "r"}]
                await server.commit(state(1), push=False)
            await watching.until(server)

    live(scenario)


def test_a_snapshot_that_never_fits_its_checksums_is_an_error() -> None:
    async def scenario(server: LiveServer) -> None:
        server.wrong_snapshots = 1
        async with viewer(server) as watching:
            await watching.until(server)
        server.wrong_snapshots = 2
        with pytest.raises(MalformedError):
            await anext(follow(server.http_url, "good", VIEW, Replica(), QUICK))

    live(scenario)


def test_silence_ends_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.05)

    async def scenario(server: LiveServer) -> None:
        server.silent = {"ping"}
        async with open_connection(server.url, server.ticket()) as connection:
            with pytest.raises(DisconnectedError, match="no answer to ping"):
                await connection.ping()

    live(scenario)


def test_the_gateways_own_error_reaches_whoever_waits() -> None:
    async def scenario(server: LiveServer) -> None:
        server.silent = {"ping"}
        async with open_connection(server.url, server.ticket()) as connection:
            await connection.subscribe(VIEW)
            waiting = asyncio.create_task(connection.ping())
            while not server.actions("ping"):
                await asyncio.sleep(0.005)
            await server.push({"message": "Internal server error", "connectionId": "c", "requestId": "r"})
            with pytest.raises(ServerError, match=r"Internal server error \[internal\] \(request r\)"):
                await waiting

    live(scenario)
