"""`tidemark backfill`: recompute closed hours from the log."""

from __future__ import annotations

import time
from datetime import date
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from tidemark.services.ports import Workspace
from tidemark_cli.context import Settings, err, now, out, settings_of
from tidemark_cli.errors import CliError
from tidemark_cli.rollup import backfill as following
from tidemark_cli.rollup.backfill import Backfill, Sent
from tidemark_cli.rollup.days import chosen_days
from tidemark_cli.rollup.unnoted import Unnoted
from tidemark_cli.screen import counted, printable

POLL_SECONDS = 1.0
SHARE_OF_TIME = 4
"""After a look that took long the pause is so many times as long: looking at years of hours is not free."""
STALLED_SECONDS = 45 * 60
"""A job that fails is tried five times, every six minutes; when nothing has moved for longer, nobody works on it."""
MAX_TOLD = 10
pause = time.sleep


def backfill(
    context: typer.Context,
    workspace: Annotated[str | None, typer.Argument(help="Which (by default, the local run's demo workspace).")] = None,
    last: Annotated[str | None, typer.Option(help="The last days, today included, like 30d.")] = None,
    from_day: Annotated[
        str | None, typer.Option("--from", help="The first day, like 2026-11-01, in the workspace's timezone.")
    ] = None,
    to_day: Annotated[
        str | None, typer.Option("--to", help="The last day, itself included (by default, today).")
    ] = None,
    all_hours: Annotated[
        bool,
        typer.Option(
            "--all-hours",
            help="Look for events in every hour, also where none are known of: for when the Work table was lost.",
        ),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or leave once it is queued.")
    ] = True,
) -> None:
    """Recompute every closed hour with events of some days from the log, and their days.

    Live numbers go on meanwhile, and what is shown stays right at every moment. Running it again, also after Ctrl-C or
    beside another one, is harmless: each hour ends as what the log gives. Hours whose log has ended keep what they
    have.
    """
    settings, began = settings_of(context), time.monotonic()
    time_now = now()
    found = settings.admin.workspace(settings.workspace(workspace, "name it, as in `tidemark backfill NAME`"))
    first, end = chosen_days(last, from_day, to_day, time_now, found.timezone)
    out.print(f"workspace {found.workspace}: {first} to {end}, days of {found.timezone}")
    if all_hours:
        _look_for_hours(settings, found, first, end, int(time_now.timestamp()))
    operation = settings.rollup
    run = Backfill(found, first, end, operation.agenda, operation.record)
    with progress_bar() as progress:
        task = progress.add_task("queueing", total=None)
        sent = Sent(operation.queue, lambda count: progress.update(task, completed=count))
        try:
            queued = run.queue(operation.dispatch, sent, time_now)
        except KeyboardInterrupt:
            progress.stop()
            _say_goodbye(f"{counted(len(sent.periods), 'hour')} queued so far, which will be recomputed")
            raise
        if queued and wait:
            progress.update(task, description="recomputing", total=queued, completed=0)
            try:
                follow(run, lambda at: progress.update(task, completed=at.total - at.left))
            except KeyboardInterrupt:
                progress.stop()
                at = run.look()
                _say_goodbye(f"{len(at.closed):,} of {at.total:,} hours are recomputed; the rest is queued and goes on")
                raise
    if not queued:
        hint = "" if all_hours else "; --all-hours looks into every hour, should the Work table have been lost"
        out.print(f"nothing to do: no closed hour of these days is known to have events{hint}")
    elif not wait:
        out.print(f"{counted(queued, 'hour')} queued; `tidemark rollup status` tells how it goes")
    else:
        _summarise(found.workspace, run.look(), time.monotonic() - began)


def _look_for_hours(settings: Settings, workspace: Workspace, first: date, end: date, now_seconds: int) -> None:
    operation, noted = settings.rollup, 0
    with progress_bar() as progress:
        task = progress.add_task("looking for hours", total=(end - first).days + 1)
        unnoted = Unnoted(operation.agenda, operation.event_log, operation.cells)
        for _, found in unnoted.note(workspace, first, end, now_seconds):
            noted += found
            progress.update(task, advance=1)
    out.print(f"found {counted(noted, 'hour')} with events that were not known of")


def follow(run: Backfill, tell: following.Tell) -> None:
    """Look until nothing is left to be done; raises `CliError` when nothing has moved for long."""
    moved, left = time.monotonic(), -1
    while True:
        began = time.monotonic()
        at = run.look()
        tell(at)
        if not at.left:
            return
        if at.left != left:
            moved, left = time.monotonic(), at.left
        elif time.monotonic() - moved > STALLED_SECONDS:
            raise CliError(
                f"no hour was recomputed for {STALLED_SECONDS // 60} minutes; {at.left:,} are left",
                "`tidemark rollup status` shows the queue; they stay due, and the hourly run tries them again",
            )
        pause(max(POLL_SECONDS, SHARE_OF_TIME * (time.monotonic() - began)))


def _summarise(workspace: str, at: following.Progress, seconds: float) -> None:
    table = Table(show_header=False, box=None)
    table.add_row("hours", f"{len(at.closed):,} recomputed")
    kept = sum(closing.outcome == "kept" for closing in at.closed)
    if kept:
        table.add_row("", f"{kept:,} of them kept as they were: their log has ended, at least in part")
    if at.failed:
        table.add_row("", f"{len(at.failed):,} failed")
    table.add_row("events", f"{sum(closing.events for closing in at.closed):,}")
    drift = sum(closing.drift for closing in at.closed)
    table.add_row(
        "drift", f"{counted(drift, 'measure')} showed not what the log gives; now they do" if drift else "none"
    )
    table.add_row("time", f"{seconds:.1f} s")
    out.print(table)
    for closing in at.failed[:MAX_TOLD]:
        err.print(printable(f"{closing.period}: {closing.error} ({closing.attempts} attempts)"), markup=False)
    if len(at.failed) > MAX_TOLD:
        err.print(f"and {len(at.failed) - MAX_TOLD:,} more: `tidemark rollup status`")
    if at.failed:
        raise CliError(
            f"{counted(len(at.failed), 'hour')} could not be recomputed",
            f"what failed stays due; `tidemark rollup redrive --workspace {workspace}` tries it at once",
        )


def progress_bar() -> Progress:
    """Return the bar that shows how far a long command is."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
    )


def _say_goodbye(state: str) -> None:
    err.print(f"interrupted: {state}; the same command again is harmless")
