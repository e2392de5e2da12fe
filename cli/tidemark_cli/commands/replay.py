"""`tidemark replay`: send the events of a file."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Annotated
from urllib.parse import urlencode

import typer

from tidemark_cli.commands.sending import Batch, Concurrency, File, Manner, Restart, ToWorkspace, send, told_resumption
from tidemark_cli.commands.target import Target, checkpoint_of, target_of, target_of_key
from tidemark_cli.context import Settings, now, out, settings_of
from tidemark_cli.replay.checkpoint import Checkpoint
from tidemark_cli.replay.plan import Plan, Timing, make_plan
from tidemark_cli.replay.source import open_source
from tidemark_cli.workspaces import new_workspace, shipped_dashboards

KEY_LABEL = "replay"


def replay(
    context: typer.Context,
    file: File,
    workspace: ToWorkspace = None,
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
    batch: Batch = 100,
    concurrency: Concurrency = 4,
    restart: Restart = False,
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
    happens again, live. For history that is to stay where it is there is `tidemark import`.
    """
    settings = settings_of(context)
    timing = Timing(speed, shift)
    with open_source(file) as source:
        plan = make_plan(source, timing)
        with _target(settings, workspace, key, create) as target:
            checkpoint = checkpoint_of(plan, target.workspace, target.http_url, restart=restart)
            _announce(plan, target, checkpoint)
            if dashboard:
                token = settings.token(target.workspace.workspace, "read", "1d")
                fragment = {"token": token, "ws": settings.stack.websocket_url, "workspace": target.workspace.workspace}
                out.print(f"live page: {target.http_url}/dashboard#{urlencode(fragment)}")
            send(plan, target, checkpoint, Manner(batch, concurrency, strict))


def _target(settings: Settings, name: str | None, key: str | None, create: bool) -> AbstractContextManager[Target]:
    if key is not None:
        return target_of_key(settings, key, name)
    workspace = settings.workspace(name)
    if create:
        settings.admin.create_workspace(
            new_workspace(workspace, timezone="UTC", dashboards=shipped_dashboards(), retention_days=30, now=now())
        )
    return target_of(settings, settings.admin.workspace(workspace), KEY_LABEL)


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
    if told := told_resumption(checkpoint):
        out.print(told)
