"""What a viewer does: bootstrap, subscribe, apply deltas, and come back by position after a lost connection."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tidemark_cli.backoff import full_jitter_seconds
from tidemark_cli.client import Connection, DisconnectedError, ServerError, open_connection
from tidemark_cli.replica import MalformedError, Message, Replica, Verdict

RETRYABLE = frozenset({"throttled", "unavailable", "internal"})


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a viewer waits, in seconds."""

    ping_seconds: float = 240
    """API Gateway ends a connection after 10 minutes without a message."""
    renew_seconds: float = 110 * 60
    """API Gateway ends a connection after 2 hours. Up to a tenth earlier, so that clients do not renew all at once."""
    catch_up_seconds: float = 5
    """The missed deltas follow `subscribed` at once; a server that dies between leaves a gap that shows nowhere."""
    backoff_base_seconds: float = 0.5
    backoff_cap_seconds: float = 30


class Kind(Enum):
    """What an update is about."""

    SNAPSHOT = "snapshot"
    RESUMED = "resumed"
    DELTA = "delta"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Update:
    """Something has happened to the replica, or to the connection."""

    kind: Kind
    delta: Message | None = None
    reason: str = ""
    retry_seconds: float = 0


async def follow(
    url: str, token: str, view: Mapping[str, Any], replica: Replica, pace: Pace | None = None
) -> AsyncGenerator[Update]:
    """Keep `replica` equal to the server's view, and tell of every change, for ever.

    Raises `RefusedError` when the credential is not (or no longer) accepted, `ServerError` for what trying again does
    not mend, and `DisconnectedError` if even the first connection fails; later ones are tried again with full jitter.
    """
    pace = pace or Pace()
    attempt, connected = 0, False
    while True:
        reason = ""
        try:
            async with open_connection(url, token) as connection:
                async for update in _session(connection, view, replica, pace):
                    attempt, connected = 0, True
                    yield update
                continue
        except DisconnectedError as error:
            if not connected:
                raise
            reason = str(error)
        except ServerError as error:
            if not connected or error.code not in RETRYABLE:
                raise
            reason = str(error)
        pause = full_jitter_seconds(
            attempt, base_seconds=pace.backoff_base_seconds, cap_seconds=pace.backoff_cap_seconds
        )
        attempt += 1
        yield Update(Kind.DISCONNECTED, reason=reason, retry_seconds=pause)
        await asyncio.sleep(pause)


async def bootstrap(connection: Connection, view: Mapping[str, Any], replica: Replica) -> Update:
    """Bring the replica to a fresh snapshot; raises `MalformedError` if its checksums do not hold."""
    if not replica.install(await connection.bootstrap(view, replica.have())):
        replica.sections, replica.checksums = {}, {}
        if not replica.install(await connection.bootstrap(view)):
            raise MalformedError("the checksums of the snapshot do not fit its sections")
    return Update(Kind.SNAPSHOT)


async def _session(
    connection: Connection, view: Mapping[str, Any], replica: Replica, pace: Pace
) -> AsyncGenerator[Update]:
    """Follow over one connection, until it is time to renew it."""
    clock = asyncio.get_running_loop().time
    renew_at = clock() + pace.renew_seconds * random.uniform(0.9, 1)  # noqa: S311 - jitter is no secret
    ping_at = clock() + pace.ping_seconds
    if replica.position is None:
        yield await bootstrap(connection, view, replica)
    subscribed = await connection.subscribe(view, replica.position)
    yield Update(Kind.RESUMED) if subscribed.recovered else await bootstrap(connection, view, replica)
    behind_at = clock() + pace.catch_up_seconds if subscribed.recovered else math.inf
    while clock() < renew_at:
        if clock() >= behind_at:
            behind_at = math.inf
            if replica.position is None or replica.position.seq < subscribed.position.seq:
                yield await bootstrap(connection, view, replica)
        if clock() >= ping_at:
            await connection.ping()
            ping_at = clock() + pace.ping_seconds
        try:
            async with asyncio.timeout_at(min(ping_at, renew_at, behind_at)):
                delta = await connection.delta()
        except TimeoutError:
            continue
        if delta["view"] != dict(view):
            continue
        match replica.receive(delta):
            case Verdict.APPLIED:
                yield Update(Kind.DELTA, delta)
            case Verdict.MISSED | Verdict.MISMATCH:
                yield await bootstrap(connection, view, replica)
