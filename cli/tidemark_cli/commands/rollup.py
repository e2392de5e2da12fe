"""`tidemark rollup`: status, redrive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from tidemark.domain.data_health import lag_seconds, rollup_state
from tidemark.services.record import PastClosing, Record
from tidemark_cli.context import err, now, out, settings_of
from tidemark_cli.errors import UsageError
from tidemark_cli.rollup.dead_letters import Depth
from tidemark_cli.rollup.failures import Backlog, Redriven, backlog, redrive
from tidemark_cli.screen import counted, printable

MAX_TOLD = 20
STATES = {
    "ok": "ok: every run came, nothing is left over",
    "degraded": "degraded: a run was missed, or hours have failed, or hours of earlier runs are not closed yet",
    "down": "down: two runs or more were missed; is the schedule of CronRollupFunction enabled, and does it start?",
    "unknown": "it has not run yet; it does at minute 5 of every hour",
}

app = typer.Typer(no_args_is_help=True, help="The hourly rollup: it recomputes every closed hour from the log.")


@app.command()
def status(
    context: typer.Context,
    runs: Annotated[int, typer.Option(min=1, max=168, help="How many of the last runs to show.")] = 6,
) -> None:
    """Show the last runs, what is left to be done, what has failed and why, and the queue."""
    operation, time = settings_of(context).rollup, now()
    last = operation.record.runs(runs)
    found = backlog(operation.agenda, operation.record, time)
    oldest = min((each.slot for each in found), default=None)
    state = rollup_state(last[0].slot if last else None, oldest, int(time.timestamp()))
    failed = sum(len(each.failed) for each in found)
    out.print(STATES["degraded" if failed and state == "ok" else state])
    if last:
        out.print(f"the last run was due {_duration(lag_seconds(last[0].slot, int(time.timestamp())))} ago")
        table = _table("run (UTC)", "began", "queued", "closed", "failed", "events", "drift", "slowest")
        for run in last:
            table.add_row(_run_at(run.slot), _time(run.at), f"{run.periods:,}", *_row(operation.record, run.slot))
        out.print(table)
    _show_backlog(found)
    queue, dead = operation.dead_letters.depths()
    out.print(f"queue: {_told(queue)}")
    out.print(f"dead letters: {dead.waiting + dead.in_work:,}")
    if dead.waiting or failed:
        out.print("next: `tidemark rollup redrive --all`, when their cause is gone")


@app.command("redrive")
def redrive_command(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Of every workspace.")] = False,
    workspace: Annotated[str | None, typer.Option(help="Of this workspace alone.")] = None,
) -> None:
    """Queue again what has failed, and delete its dead letters.

    The hourly run does so too; this does it at once. It is harmless to repeat: an hour that is closed twice ends the
    same.
    """
    if everything == (workspace is not None):
        raise UsageError("of which workspace?", "give --workspace NAME, or --all")
    settings = settings_of(context)
    if workspace is not None:
        settings.admin.workspace(workspace)
    operation = settings.rollup
    done = redrive(operation.agenda, operation.record, operation.queue, operation.dead_letters, now(), workspace)
    _tell(done)


def _tell(done: Redriven) -> None:
    if not (done.sent or done.views or done.done_since):
        out.print("nothing to do: nothing has failed")
    if done.sent:
        out.print(f"{counted(len(done.sent), 'period')} queued again; `tidemark rollup status` tells how it goes")
    if done.views:
        out.print(f"{counted(done.views, 'view')} queued to be rendered again")
    if done.done_since:
        out.print(f"{counted(done.done_since, 'dead letter')} deleted, which asked for what was done since")
    if done.left:
        out.print(f"{counted(done.left, 'dead letter')} of other workspaces left alone")
    if done.unreadable:
        err.print(f"{counted(done.unreadable, 'dead letter')} left alone that cannot be read as a job of the rollup")


def _row(record: Record, slot: str) -> tuple[str, str, str, str, str]:
    """Return the cells of a run's row: hours closed and failed, events, drift, the longest time an hour took."""
    closings = list(record.closings(slot))
    closed = [closing for closing in closings if not closing.has_failed]
    return (
        f"{len(closed):,}",
        f"{len(closings) - len(closed):,}",
        f"{sum(closing.events for closing in closed):,}",
        f"{sum(closing.drift for closing in closed):,}",
        f"{max((closing.milliseconds for closing in closed), default=0) / 1000:.1f} s",
    )


def _show_backlog(found: Sequence[Backlog]) -> None:
    if not found:
        out.print("backlog: none")
        return
    table = _table("due since (UTC)", "periods", "workspaces", "failed")
    for each in found:
        table.add_row(_run_at(each.slot), f"{each.due:,}", f"{each.workspaces:,}", f"{len(each.failed):,}")
    out.print(table)
    failed = [closing for each in found for closing in each.failed]
    for closing in failed[:MAX_TOLD]:
        out.print(printable(_failure(closing)), markup=False)
    if len(failed) > MAX_TOLD:
        out.print(f"and {len(failed) - MAX_TOLD:,} more")


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column(first, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _run_at(slot: str) -> str:
    return f"{slot[:10]} {slot[11:]}:05"


def _failure(closing: PastClosing) -> str:
    tried = f"{closing.attempts} attempts, the last at {_time(closing.at)}"
    return f"failed: {closing.workspace} {closing.period} ({tried}): {closing.error}"


def _told(depth: Depth) -> str:
    return f"{depth.waiting:,} jobs wait, {depth.in_work:,} are being done, {depth.delayed:,} are delayed"


def _time(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%H:%M:%S")


def _duration(seconds: int) -> str:
    minutes = max(0, seconds) // 60
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
