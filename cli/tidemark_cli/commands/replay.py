"""`tidemark replay`: send the events of a file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

import httpx
import typer

from tidemark.domain import credentials
from tidemark.services.ports import Workspace
from tidemark_cli.commands.replay_report import Report
from tidemark_cli.context import Settings, err, now, out, settings_of
from tidemark_cli.errors import CliError, UsageError
from tidemark_cli.replay.checkpoint import Checkpoint
from tidemark_cli.replay.plan import Plan, Timing, make_plan
from tidemark_cli.replay.run import Replay
from tidemark_cli.replay.sender import Sender
from tidemark_cli.replay.source import open_source
from tidemark_cli.workspaces import new_workspace, shipped_dashboards

KEY_LABEL = "replay"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the events go."""

    workspace: Workspace
    http_url: str
    write_key: str
    fresh_key: bool = False
    """Whether the key was made a moment ago."""


def replay(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(help="NDJSON of native or Segment events, or a combined access log; .gz too; - is stdin.")
    ],
    workspace: Annotated[
        str | None, typer.Option(help="Where to (by default, the local run's demo workspace).")
    ] = None,
    create: Annotated[
        bool, typer.Option("--create", help="Make the workspace if it does not exist (UTC, all dashboards).")
    ] = False,
    key: Annotated[
        str | None, typer.Option(envvar="TIDEMARK_WRITE_KEY", help="The write key (by default, one just for this run).")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            help="Keep the pauses between the events, divided by this: 1 is real time, 60 makes an hour a minute. "
            "Reads the file into memory."
        ),
    ] = None,
    shift: Annotated[
        bool,
        typer.Option(
            "--shift",
            help="Move all timestamps so that the last event is now. A second such run counts again, at its own time.",
        ),
    ] = False,
    batch: Annotated[int, typer.Option(min=1, max=2500, help="Lines per request.")] = 100,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at a time.")] = 4,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin at the first line, also if an earlier run was interrupted.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first line that is refused.")] = False,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Print a link to the live page of the workspace first.")
    ] = False,
) -> None:
    """Send the events of a file into a workspace.

    Each event counts once, however often the file is replayed: events have ids, and lines of a log get one from their
    content. An interrupted replay continues where it was when the same command is given again. Lines that hold no event
    are reported and skipped.

    --speed keeps the spacing of the timestamps, --shift moves them all so that the last is now; with both, the past
    happens again, live.
    """
    settings = settings_of(context)
    timing = Timing(speed, shift)
    with open_source(file) as source:
        plan = make_plan(source, timing)
        with _target(settings, workspace, key, create) as target:
            checkpoint = Checkpoint.open(_identity(plan, target), now(), restart=restart)
            _announce(plan, target, checkpoint)
            if dashboard:
                token = settings.token(target.workspace.workspace, "read", "1d")
                fragment = {"token": token, "ws": settings.stack.websocket_url, "workspace": target.workspace.workspace}
                out.print(f"live page: {target.http_url}/dashboard#{urlencode(fragment)}")
            _run(plan, target, checkpoint, batch, concurrency, strict)


def _run(plan: Plan, target: Target, checkpoint: Checkpoint, batch: int, concurrency: int, strict: bool) -> None:
    started = time.monotonic()
    with Report(plan.lines, checkpoint.resumed_lines) as report:

        async def send() -> None:
            limits = httpx.Limits(max_connections=concurrency)
            async with httpx.AsyncClient(limits=limits) as client:
                sender = Sender(client, target.http_url, target.write_key, report.retried, fresh_key=target.fresh_key)
                await Replay(plan, sender, checkpoint, report, batch, concurrency, strict).run()

        try:
            asyncio.run(send())
        except KeyboardInterrupt:
            err.print(
                f"interrupted after {checkpoint.totals.lines:,} of {plan.lines:,} lines; the same command continues"
            )
            raise
        except CliError:
            err.print(f"stopped after {checkpoint.totals.lines:,} of {plan.lines:,} lines; the same command continues")
            raise
    report.summarise(checkpoint.totals, time.monotonic() - started)


@contextmanager
def _target(settings: Settings, name: str | None, key: str | None, create: bool) -> Iterator[Target]:
    """Find the workspace and a key for it; one that was made for this run is revoked after it."""
    stack, admin = settings.stack, settings.admin
    if key is not None:
        owner = admin.workspace_of_key(credentials.hash_write_key(key))
        if owner is None:
            raise CliError("the write key is unknown or revoked", "`tidemark key create` makes one")
        if name not in (None, owner):
            raise UsageError(f"the write key opens workspace {owner}, not {name}")
        yield Target(admin.workspace(owner), stack.http_url, key)
        return
    workspace = settings.workspace(name)
    if create:
        admin.create_workspace(
            new_workspace(workspace, timezone="UTC", dashboards=shipped_dashboards(), retention_days=30, now=now())
        )
    found = admin.workspace(workspace)
    if stack.local.write_key and workspace == stack.local.workspace:
        yield Target(found, stack.http_url, stack.local.write_key)
        return
    key_id, write_key = admin.create_key(workspace, KEY_LABEL, now())
    try:
        yield Target(found, stack.http_url, write_key, fresh_key=True)
    finally:
        admin.revoke_key(workspace, key_id, now())


def _identity(plan: Plan, target: Target) -> str:
    """Name what a checkpoint is for; a workspace that was deleted and made again is another."""
    settings = target.workspace
    options = (plan.timing.speed is not None, plan.timing.shift)
    return repr((plan.digest, target.http_url, settings.workspace, settings.created_at, options))


def _announce(plan: Plan, target: Target, checkpoint: Checkpoint) -> None:
    out.print(
        f"{plan.source.name}: {plan.lines:,} lines of {plan.form} → "
        f"workspace {target.workspace.workspace} at {target.http_url}"
    )
    if plan.first is not None and plan.last is not None:
        shift = plan.shift_at(checkpoint.start)
        span = f"{plan.first:%Y-%m-%d %H:%M:%S} … {plan.last:%Y-%m-%d %H:%M:%S} UTC"
        moved = f", moved to {plan.first + shift:%Y-%m-%d %H:%M:%S} … {plan.last + shift:%Y-%m-%d %H:%M:%S} UTC"
        pace = f", {plan.timing.speed:g} times as fast as it was" if plan.timing.speed else ""
        out.print(span + (moved if shift else "") + pace)
    if checkpoint.resumed_lines:
        out.print(f"continues after {checkpoint.resumed_lines:,} lines (--restart begins again)")
