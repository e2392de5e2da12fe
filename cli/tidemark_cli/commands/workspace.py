"""`tidemark workspace`: create, list, show, set, shards, members."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.table import Table

from tidemark.domain.closing import EVERY_DAY, slot_at
from tidemark.domain.workspace import (
    DEFAULT_BATCH_EVENTS,
    DEFAULT_BATCH_SECONDS,
    DEFAULT_RECOVERY_HOURS,
    NEVER_ANALYSED,
    Workspace,
)
from tidemark_cli.admin import DIRECTORY_CACHE_SECONDS
from tidemark_cli.changes import changed
from tidemark_cli.context import Settings, err, now, out, settings_of
from tidemark_cli.errors import CliError, UsageError
from tidemark_cli.members import find_members, names_in, without
from tidemark_cli.screen import counted
from tidemark_cli.workspaces import new_workspace

app = typer.Typer(no_args_is_help=True, help="Make and inspect workspaces: each has its own data, keys and tokens.")

Name = Annotated[str, typer.Argument(help="The workspace's id: lower-case letters, digits, hyphens.")]

HISTORY_HELP = "For how many days what is shown is kept, at least 31; 0 keeps it for ever."
RECOVERY_HELP = "For how many hours a client can catch up by deltas, 1 to 168."
BATCH_EVENTS_HELP = "How many events are analysed together, 10 to 1000; 0 turns analysis off."
BATCH_SECONDS_HELP = "After how many seconds a batch is analysed that does not fill, 10 to 86400."
ANALYSED_FROM_HELP = "The first day, like 2026-11-22, whose events are analysed; empty: every day's."


@app.command()
def create(
    context: typer.Context,
    name: Name,
    title: Annotated[str, typer.Option(help="A name for people (by default, the id).")] = "",
    timezone: Annotated[
        str, typer.Option(help="Where its days begin, like Europe/Berlin. Another one later moves all history.")
    ] = "UTC",
    dashboards: Annotated[
        str, typer.Option(help="Which dashboards it has, separated by commas.")
    ] = "web,meetings,lifecycle",
    retention_days: Annotated[int, typer.Option(help="For how many days events are kept.")] = 30,
    history_days: Annotated[int, typer.Option(help=HISTORY_HELP)] = 0,
    recovery_hours: Annotated[int, typer.Option(help=RECOVERY_HELP)] = DEFAULT_RECOVERY_HOURS,
    batch_events: Annotated[int, typer.Option(help=BATCH_EVENTS_HELP)] = DEFAULT_BATCH_EVENTS,
    batch_seconds: Annotated[int, typer.Option(help=BATCH_SECONDS_HELP)] = DEFAULT_BATCH_SECONDS,
    analysed_from: Annotated[str, typer.Option(help=ANALYSED_FROM_HELP)] = "",
    members: Annotated[
        str, typer.Option(help="For a district: the workspaces whose hours it reads together, separated by commas.")
    ] = "",
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing if it exists.")] = False,
) -> None:
    """Create a workspace."""
    if name in NEVER_ANALYSED:
        raise UsageError(f"{name} is a name of Tidemark's own", "the deployed stack makes that workspace by itself")
    chosen = [dashboard.strip() for dashboard in dashboards.split(",") if dashboard.strip()]
    admin, named = settings_of(context).admin, names_in(members)
    settings = new_workspace(
        name,
        name=title,
        timezone=timezone,
        dashboards=chosen,
        retention_days=retention_days,
        now=now(),
        members=named,
        history_days=history_days or None,
        recovery_hours=recovery_hours,
        batch_events=batch_events,
        batch_seconds=batch_seconds,
        analysed_from=analysed_from,
    )
    found = find_members(admin, name, named)
    if admin.create_workspace(settings):
        out.print(f"created workspace {name} ({timezone}; {', '.join(chosen)}; {retention_days} days)")
        _tell_members(settings, found)
        out.print(f"next: tidemark key create {name}")
    elif if_missing:
        out.print(f"workspace {name} exists")
    else:
        raise CliError(f"workspace {name} exists already", "--if-missing makes that no error")


@app.command("list")
def list_workspaces(context: typer.Context) -> None:
    """List the workspaces."""
    table = Table("workspace", "name", "timezone", "dashboards", "created")
    for each in sorted(settings_of(context).admin.workspaces(), key=lambda workspace: workspace.workspace):
        table.add_row(each.workspace, each.name, each.timezone, ", ".join(each.dashboards), each.created_at)
    out.print(table if table.row_count else "no workspaces yet: `tidemark workspace create NAME` makes one")


@app.command()
def show(context: typer.Context, name: Name) -> None:
    """Show a workspace's settings and keys."""
    admin = settings_of(context).admin
    settings, time = admin.workspace(name), now()
    live = [key for key in admin.keys(name) if key.revoked_at is None]
    table = Table(show_header=False, box=None)
    table.add_row("workspace", settings.workspace)
    table.add_row("name", settings.name)
    unfinished = f"; the move from {settings.former_timezone} is not finished" if settings.former_timezone else ""
    table.add_row("timezone", settings.timezone + unfinished)
    table.add_row("dashboards", ", ".join(settings.dashboards))
    table.add_row("events", f"{settings.retention_days} days")
    table.add_row("history", _history(settings, time))
    table.add_row("recovery", f"{settings.recovery_hours} hours")
    table.add_row("analysis", _analysis(settings))
    table.add_row("shards", str(settings.shards_at(int(time.timestamp()))))
    for start, count in settings.shards:
        if start > time.timestamp():
            table.add_row("", f"{count} for hours from {_instant(start)}")
    if settings.members:
        table.add_row("members", ", ".join(settings.members))
    table.add_row("write keys", f"{len(live)} in use")
    table.add_row("created", settings.created_at)
    out.print(table)


@app.command("set")
def set_(
    context: typer.Context,
    name: Name,
    title: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    retention_days: Annotated[int | None, typer.Option(help="For how many days events are kept.")] = None,
    add_dashboards: Annotated[str, typer.Option(help="Dashboards to enable, separated by commas.")] = "",
    remove_dashboards: Annotated[str, typer.Option(help="Dashboards to disable, separated by commas.")] = "",
    timezone: Annotated[str | None, typer.Option(help="Where its days begin, like Europe/Berlin.")] = None,
    history_from_log: Annotated[
        bool,
        typer.Option(
            "--history-from-log",
            help="With a timezone of other hours: let the history begin with the first day that the log has whole.",
        ),
    ] = False,
    history_days: Annotated[int | None, typer.Option(help=HISTORY_HELP)] = None,
    recovery_hours: Annotated[int | None, typer.Option(help=RECOVERY_HELP)] = None,
    batch_events: Annotated[int | None, typer.Option(help=BATCH_EVENTS_HELP)] = None,
    batch_seconds: Annotated[int | None, typer.Option(help=BATCH_SECONDS_HELP)] = None,
    analysed_from: Annotated[str | None, typer.Option(help=ANALYSED_FROM_HELP)] = None,
) -> None:
    """Change the settings of a workspace; what is not named stays as it is.

    A change is seen within a minute. With another timezone, or another length of the history, every day is built anew
    by the next run of the rollup; what is shown is right before that, too. Watched views change at once.

    Where the timezone is apart by a part of an hour, all that the log has is filed anew first: that takes as long as a
    backfill, and a view fills up meanwhile. Interrupted, the same command again finishes it.
    """
    admin, added, removed = settings_of(context).admin, names_in(add_dashboards), names_in(remove_dashboards)
    before, time_now = admin.workspace(name), now()
    for strange in (each for each in removed if each not in before.dashboards or each in added):
        raise UsageError(f"dashboard {strange} cannot be removed", f"{name} has {', '.join(before.dashboards)}")
    checked = new_workspace(
        name,
        name=before.name if title is None else title,
        timezone=timezone or before.timezone,
        dashboards=[each for each in dict.fromkeys([*before.dashboards, *added]) if each not in removed],
        retention_days=before.retention_days if retention_days is None else retention_days,
        now=time_now,
        history_days=before.history_days if history_days is None else history_days or None,
        recovery_hours=before.recovery_hours if recovery_hours is None else recovery_hours,
        batch_events=before.batch_events if batch_events is None else batch_events,
        batch_seconds=before.batch_seconds if batch_seconds is None else batch_seconds,
        analysed_from=before.analysed_from if analysed_from is None else analysed_from,
    )
    settings, after, is_move = settings_of(context), changed(before, checked, time_now), False
    if timezone is not None:
        from tidemark_cli.commands.moving import planned_move  # DuckDB, which other changes need not wait for

        after, is_move = planned_move(settings, before, after, history_from_log, time_now)
    if after == before and not is_move:
        out.print(f"workspace {name} is so already: nothing to change")
        return
    if after != before:
        _store(settings, before, after, time_now)
    out.print(
        f"workspace {name} ({after.timezone}; {', '.join(after.dashboards)}; {after.retention_days} days), "
        f"seen everywhere within {DIRECTORY_CACHE_SECONDS} s"
    )
    _tell_consequences(before, after, time_now)
    if is_move:
        _move(settings, after)


def _store(settings: Settings, before: Workspace, after: Workspace, time_now: datetime) -> None:
    """Store settings; where they change the days, together with the mark by which the rollup builds these anew."""
    admin = settings.admin
    if (after.timezone, after.history_days) == (before.timezone, before.history_days):
        admin.set_settings(before, after)
        return
    operation = settings.rollup
    due, put = operation.agenda.scheduling(before.workspace, EVERY_DAY, slot_at(int(time_now.timestamp())))
    admin.set_settings(before, after, [put])
    operation.queue.send([due])  # should this fail, the next run finds it


def _move(settings: Settings, workspace: Workspace) -> None:
    from tidemark_cli.commands.moving import finish_move, told_again

    try:
        recomputed = finish_move(settings, workspace)
    except KeyboardInterrupt:
        err.print(f"interrupted: {told_again(workspace)}")
        raise
    out.print(f"its log is filed by the hours of {workspace.timezone}: {counted(recomputed, 'hour')} recomputed")


def _tell_consequences(before: Workspace, after: Workspace, time_now: datetime) -> None:
    """Say what a change of settings does, and what it does not do by itself."""
    enabled = [each for each in after.dashboards if each not in before.dashboards]
    disabled = [each for each in before.dashboards if each not in after.dashboards]
    if enabled:
        out.print(f"{', '.join(enabled)}: history is built by the run after somebody asks for it; or, in a minute:")
        out.print(f"next: tidemark backfill {after.workspace} --last {before.retention_days}d")
    if disabled:
        out.print(
            f"{', '.join(disabled)}: its history stays; enabled again, it lacks the time between until a backfill"
        )
    if after.retention_days != before.retention_days:
        out.print("the retention holds for events from now on; what is stored keeps the end that it was given")
    if after.timezone != before.timezone:
        out.print(f"its days are those of {after.timezone}; `tidemark rollup status` shows how they are built anew")
    if after.history_days != before.history_days:
        out.print(
            f"history: {_history(after, time_now)}; days before that are shown no more, and deleted by the next run"
        )


def _analysis(settings: Workspace) -> str:
    if not settings.is_analysed:
        return "off"
    begins = f", of days from {settings.analysed_from} on" if settings.analysed_from else ""
    return f"{settings.batch_events} events or {settings.batch_seconds} s" + begins


def _history(settings: Workspace, time_now: datetime) -> str:
    kept_from = settings.kept_from(time_now)
    begins = f", from {kept_from.isoformat()} on" if kept_from > date.min else ""
    return ("kept for ever" if settings.history_days is None else f"{settings.history_days} days") + begins


@app.command()
def shards(
    context: typer.Context,
    name: Name,
    count: Annotated[int, typer.Argument(help="A power of two, 1 to 64.")],
) -> None:
    """Spread the hours to come over more, or fewer, shards.

    It holds from the start of an hour at least two hours ahead: an hour's count must not change once it has events.
    """
    start = settings_of(context).admin.set_shards(name, count, now())
    if start is None:
        out.print(f"workspace {name} has {count} shards already, or will have")
    else:
        out.print(f"workspace {name}: {count} shards for hours from {_instant(int(start.timestamp()))}")


@app.command()
def members(
    context: typer.Context,
    name: Name,
    add: Annotated[str, typer.Option(help="Workspaces that become members, separated by commas.")] = "",
    remove: Annotated[str, typer.Option(help="Members that are none any more, separated by commas.")] = "",
) -> None:
    """Show or change the members of a district.

    Who has a token of the district then reads the hourly table of its members, together and each by itself, and nothing
    else of them. A change is seen within a minute.
    """
    admin = settings_of(context).admin
    settings, removed = admin.workspace(name), names_in(remove)
    strangers = [each for each in removed if each not in settings.members]
    if strangers:
        raise UsageError(f"{', '.join(strangers)} is no member of {name}")
    named = [each for each in dict.fromkeys([*settings.members, *names_in(add)]) if each not in removed]
    found = find_members(admin, name, named) if add else []
    if named != list(settings.members):
        admin.set_members(name, settings.members, named)
    out.print(f"workspace {name} has {len(named)} members" + (f": {', '.join(named)}" if named else ""))
    _tell_members(settings, found)


def _tell_members(settings: Workspace, members: Sequence[Workspace]) -> None:
    """Say what the district will not show."""
    for dashboard, lacking in without(settings.dashboards, members).items():
        out.print(f"note: {', '.join(lacking)} has no dashboard {dashboard} and is left out of its table")


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
