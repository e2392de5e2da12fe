"""`tidemark import`: bring events of the past in, at the time at which they happened."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from tidemark.services.ports import Workspace
from tidemark_cli.commands.backfill import progress_bar
from tidemark_cli.commands.sending import Batch, Concurrency, File, Manner, Restart, ToWorkspace, send, told_resumption
from tidemark_cli.commands.target import checkpoint_of, target_of
from tidemark_cli.context import now, out, settings_of
from tidemark_cli.errors import CliError
from tidemark_cli.replay.plan import Timing, make_plan
from tidemark_cli.replay.source import open_source
from tidemark_cli.replay.survey import Survey, ended_hours, survey
from tidemark_cli.screen import counted, printable

KEY_LABEL = "import"


def import_history(
    context: typer.Context,
    file: File,
    workspace: ToWorkspace = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read the file as the server would, tell every bad line; send nothing.")
    ] = False,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Events a second at most (by default, as fast as the server takes).")
    ] = None,
    batch: Batch = 500,
    concurrency: Concurrency = 4,
    restart: Restart = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Send nothing if any line would be refused; tell them all.")
    ] = False,
    into_ended_hours: Annotated[
        bool,
        typer.Option(
            "--into-ended-hours", help="Also into hours that count events which the log has no longer: see below."
        ),
    ] = False,
) -> None:
    """Bring events of the past into a workspace: each counts in the hour in which it happened, and once.

    The file is read first, as the server will read it; lines that hold no valid event with a time are told and skipped.
    An import that was interrupted continues where it was when the same command is given again. What comes twice counts
    once as long as the log has it, which is for the workspace's retention, from the import on. An hour whose events
    have left the log no longer knows them; a file with such hours is not sent unless --into-ended-hours says that none
    of its events are in them.
    """
    settings, time = settings_of(context), now()
    found = settings.admin.workspace(settings.workspace(workspace))
    with open_source(file) as source:
        plan = make_plan(source, Timing(required=True))
        checkpoint = checkpoint_of(plan, found, settings.stack.http_url, restart=restart or dry_run)
        out.print(f"{source.name}: {plan.lines:,} lines of {plan.form} → workspace {found.workspace}")
        if told := told_resumption(checkpoint):
            out.print(told)
        told_all = dry_run or strict
        with progress_bar() as progress:
            task = progress.add_task("reading", total=plan.lines)
            held = survey(
                plan,
                found,
                time,
                checkpoint.resumed_lines,
                _tell if told_all else _leave_to_sending,
                lambda read: progress.update(task, completed=read),
            )
            progress.update(task, completed=plan.lines)
        _describe(held, found)
        _refuse_lost_days(held, found, time)
        if not into_ended_hours:
            _refuse_ended_hours(ended_hours(held.hours, found, settings.rollup.agenda, settings.rollup.cells, time))
        if held.refused and told_all:
            raise CliError(f"{counted(held.refused.total(), 'line')} would be refused", "nothing was sent")
        if dry_run:
            return
        with target_of(settings, found, KEY_LABEL) as target:
            send(plan, target, checkpoint, Manner(batch, concurrency, strict, rate))
    _say_what_comes(held, found)


def _tell(number: int, code: str, message: str) -> None:
    out.print(printable(f"line {number}: {message} [{code}]"), markup=False)


def _leave_to_sending(number: int, code: str, message: str) -> None:
    """Say nothing: the line is told when its turn has come."""


def _describe(held: Survey, workspace: Workspace) -> None:
    table = Table(show_header=False, box=None)
    table.add_row("events", f"{held.events:,}")
    if held.first is not None and held.last is not None:
        table.add_row("from", f"{held.first:%Y-%m-%d %H:%M:%S} UTC")
        table.add_row("to", f"{held.last:%Y-%m-%d %H:%M:%S} UTC")
    table.add_row("hours", f"{len(held.hours):,} of {workspace.timezone}")
    table.add_row("refused", f"{counted(held.refused.total(), 'line')}")
    for code, count in sorted(held.refused.items()):
        table.add_row("", f"{count:,} {code}")
    table.add_row("kept in the log", counted(workspace.retention_days, "day"))
    out.print(table)


def _refuse_lost_days(held: Survey, workspace: Workspace, time: datetime) -> None:
    lost = sum(workspace.has_ended(hour, time) for hour in held.hours)
    if lost:
        raise CliError(
            f"{counted(lost, 'hour')} of the file lie before {workspace.kept_from(time)}, "
            f"from when on workspace {workspace.workspace} keeps history: nothing would show them",
            f"`tidemark workspace set {workspace.workspace} --history-days` has it keep more",
        )


def _refuse_ended_hours(ended: list[str]) -> None:
    if ended:
        raise CliError(
            f"{counted(len(ended), 'hour')} of the file, from {ended[0]} to {ended[-1]}, "
            "had events that the log has no longer",
            "if they may be in the file they would count twice; if not, --into-ended-hours",
        )


def _say_what_comes(held: Survey, workspace: Workspace) -> None:
    if held.first is None or held.last is None:
        return
    zone = ZoneInfo(workspace.timezone)
    days = f"--from {held.first.astimezone(zone).date()} --to {held.last.astimezone(zone).date()}"
    out.print(f"shown already; final after minute 5, or now: `tidemark backfill {workspace.workspace} {days}`")
