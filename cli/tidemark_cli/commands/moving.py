"""A move to a timezone with other hours, step by step: wait, file anew, recompute, state that it is done."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tidemark.aws.days import DynamoDays
from tidemark.aws.directory import FRESH_SECONDS, DynamoDirectory
from tidemark.aws.session_index import DynamoSessionIndex
from tidemark.domain.closing import EVERY_DAY, slot_at
from tidemark.services.ports import Workspace
from tidemark_cli.changes import has_other_hours
from tidemark_cli.commands.backfill import follow, progress_bar
from tidemark_cli.context import Settings, err, now
from tidemark_cli.errors import CliError, UsageError
from tidemark_cli.refiling.archive import RefiledArchive
from tidemark_cli.refiling.operation import Refiling, Tables
from tidemark_cli.rollup.backfill import Sent
from tidemark_cli.screen import counted

if TYPE_CHECKING:
    from rich.progress import Progress

WAIT_SECONDS = FRESH_SECONDS + 60
"""After the change functions may know the settings from before for a minute, and a request that began by then may store
for 25 s more (the timeout in template.yaml)."""
STEP_SECONDS = 1.0
pause = time.sleep


def refiling_of(settings: Settings, workspace: Workspace) -> Refiling:
    """Return what files a workspace's log anew, by the settings given."""
    stack, operation = settings.stack, settings.rollup
    directory = DynamoDirectory(stack.directory_table, workspace.retention_days)
    archive = RefiledArchive(stack.archive_bucket, workspace.workspace, directory, operation.event_log)
    return Refiling(
        workspace,
        Tables(
            operation.agenda,
            operation.cells,
            DynamoDays(stack.cells_table),
            DynamoSessionIndex(stack.work_table),
            operation.event_log,
            archive,
        ),
    )


def planned_move(
    settings: Settings, before: Workspace, after: Workspace, from_log: bool, time_now: datetime
) -> tuple[Workspace, bool]:
    """Return the settings to store where a timezone is asked for, and whether the log is to be filed anew by it.

    Raises `UsageError` while a move to another one is not finished, and if the history cannot be cut by the new hours,
    unless `from_log` lets it begin where it can.
    """
    if before.former_timezone and after.timezone != before.timezone:
        raise UsageError(f"the move of {before.workspace} to {before.timezone} is not finished", told_again(before))
    if after.timezone != before.timezone:
        if not has_other_hours(before, after.timezone, settings.rollup.agenda, time_now):
            return after, False
        after = replace(after, former_timezone=before.timezone, moved_at=int(time_now.timestamp()))
    refiling = refiling_of(settings, after)
    if not after.former_timezone and not refiling.is_left(time_now):
        return after, False
    first = refiling.first_whole_day(time_now)
    if first is None:
        return after, True
    if not from_log:
        raise UsageError(
            f"the log no longer has all events of days before {first}, and cells cannot be cut by other hours",
            f"--history-from-log lets the history begin with {first}",
        )
    return replace(after, history_from=first.isoformat()), True


def finish_move(settings: Settings, workspace: Workspace) -> int:
    """File anew what is filed by other hours, and have it recomputed; return how many hours were.

    Whenever it is interrupted, the same again finishes it. Raises `CliError` if hours could not be recomputed.
    """
    refiling = refiling_of(settings, workspace)
    with progress_bar() as progress:
        _wait(progress, workspace)
        _sweep(progress, refiling)
        recomputed = _recompute(progress, settings, refiling)
        while _sweep(progress, refiling):  # what the fold has noted meanwhile
            recomputed = _recompute(progress, settings, refiling)
    if workspace.former_timezone:
        _state_done(settings, workspace)
    return recomputed


def told_again(workspace: Workspace) -> str:
    """Return how to finish a move that is not."""
    return f"`tidemark workspace set {workspace.workspace} --timezone {workspace.timezone}` finishes it"


def _wait(progress: Progress, workspace: Workspace) -> None:
    """Wait until no function files by the settings from before."""
    task = progress.add_task("waiting for requests under way", total=WAIT_SECONDS)
    ends = datetime.fromtimestamp(workspace.moved_at, now().tzinfo) + timedelta(seconds=WAIT_SECONDS)
    while (left := (ends - now()).total_seconds()) > 0:
        progress.update(task, completed=WAIT_SECONDS - left)
        pause(min(left, STEP_SECONDS))
    progress.update(task, completed=WAIT_SECONDS)


def _sweep(progress: Progress, refiling: Refiling) -> bool:
    hours = refiling.hours(now())
    task = progress.add_task("filing anew", total=len(hours))
    return refiling.sweep(hours, now(), lambda: progress.update(task, advance=1))


def _recompute(progress: Progress, settings: Settings, refiling: Refiling) -> int:
    operation = settings.rollup
    task = progress.add_task("recomputing", total=None)
    sent = Sent(operation.queue, lambda count: progress.update(task, total=count))
    run = refiling.recompute(operation.record, sent, now())
    if not sent.periods:
        return 0
    follow(run, lambda at: progress.update(task, completed=at.total - at.left))
    failed = run.look().failed
    if failed:
        raise CliError(
            f"{counted(len(failed), 'hour')} could not be recomputed, like {failed[0].period}: {failed[0].error}",
            "the same command again tries them once more",
        )
    return len(sent.periods)


def _state_done(settings: Settings, workspace: Workspace) -> None:
    """Take the mark off, and have every day built, and the watched views rendered, once more."""
    operation = settings.rollup
    current = settings.admin.workspace(workspace.workspace)
    if (current.timezone, current.moved_at) != (workspace.timezone, workspace.moved_at):
        err.print("somebody else has finished it")
        return
    due, put = operation.agenda.scheduling(current.workspace, EVERY_DAY, slot_at(int(now().timestamp())))
    settings.admin.set_settings(current, replace(current, former_timezone="", moved_at=0), [put])
    operation.queue.send([due])  # should this fail, the next run finds it
