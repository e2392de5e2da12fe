"""What a viewer does: bootstrap, subscribe, apply deltas, reconcile, and come back by position after a loss."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tidemark_cli.backoff import full_jitter_seconds
from tidemark_cli.client import Connection, DisconnectedError, ServerError, Subscribed
from tidemark_cli.replica import MalformedError, Message, Replica, Verdict
from tidemark_cli.ticket import open_with_ticket

RETRYABLE = frozenset({"throttled", "unavailable", "internal"})


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a viewer waits, in seconds."""

    sync_seconds: float = 30
    """After so long without a delta the viewer reconciles: a push that got lost is found, and the connection kept awake
    (API Gateway ends one after 10 minutes without a message)."""
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
    reason: str = ""
    retry_seconds: float = 0


async def follow(
    http_url: str, token: str, view: Mapping[str, Any], replica: Replica, pace: Pace | None = None
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
            async with open_with_ticket(http_url, token) as connection:
                async for update in _Session(connection, view, replica, pace).run():
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


class _Session:
    """A view over one connection."""

    def __init__(self, connection: Connection, view: Mapping[str, Any], replica: Replica, pace: Pace) -> None:
        self._connection = connection
        self._view = view
        self._replica = replica
        self._pace = pace
        self._clock = asyncio.get_running_loop().time
        self._sync_at = 0.0
        self._awaited: Subscribed | None = None
        """A recovery that is not complete: its deltas are on their way."""
        self._behind_at = math.inf

    async def run(self) -> AsyncGenerator[Update]:
        """Follow until it is time to renew the connection."""
        renew_at = self._clock() + self._pace.renew_seconds * random.uniform(0.9, 1)  # noqa: S311 - no secret
        if self._replica.position is None:
            yield await bootstrap(self._connection, self._view, self._replica)
        yield await self._subscribe()
        while (now := self._clock()) < renew_at:
            if now >= min(self._behind_at, self._sync_at):
                for update in await self._reconcile():
                    yield update
            try:
                async with asyncio.timeout_at(min(self._sync_at, renew_at, self._behind_at)):
                    delta = await self._connection.delta()
            except TimeoutError:
                continue
            if delta["view"] == dict(self._view):
                for update in await self._receive(delta):
                    yield update

    async def _subscribe(self) -> Update:
        subscribed = await self._connection.subscribe(self._view, self._replica.position)
        self._verified()
        if not subscribed.recovered:
            changed = await self._reconcile(just_subscribed=True)
            return changed[0] if changed else Update(Kind.RESUMED)
        self._awaited, self._behind_at = subscribed, self._clock() + self._pace.catch_up_seconds
        changed = await self._catch_up()
        return changed[0] if changed else Update(Kind.RESUMED)

    async def _receive(self, delta: Message) -> list[Update]:
        match self._replica.receive(delta):
            case Verdict.APPLIED:
                self._verified()
                return [Update(Kind.DELTA), *await self._catch_up()]
            case Verdict.MISSED | Verdict.MISMATCH:
                return await self._reconcile()
        return []

    async def _catch_up(self) -> list[Update]:
        """Check a recovery once its last delta is here."""
        position, awaited = self._replica.position, self._awaited
        if awaited is None or position is None or position.seq < awaited.position.seq:
            return []
        self._awaited, self._behind_at = None, math.inf
        if position == awaited.position and not self._replica.agrees({"full": awaited.full}):
            return await self._reconcile()
        return []

    async def _reconcile(self, *, just_subscribed: bool = False) -> list[Update]:
        """Find out where the view stands, take what differs, and subscribe again if there is no subscription."""
        self._awaited, self._behind_at = None, math.inf
        before = self._replica.position, self._replica.checksums
        found = await self._connection.reconcile(self._view, self._replica.position, self._replica.have())
        if not self._replica.install(found.assembly):
            await bootstrap(self._connection, self._view, self._replica)
        self._verified()
        changed = (self._replica.position, self._replica.checksums) != before
        updates = [Update(Kind.SNAPSHOT)] if changed else []
        if not found.subscribed:
            if just_subscribed:
                raise DisconnectedError("the subscription did not last")
            updates.append(await self._subscribe())
        return updates

    def _verified(self) -> None:
        self._sync_at = self._clock() + self._pace.sync_seconds
