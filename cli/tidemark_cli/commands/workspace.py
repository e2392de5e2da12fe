"""`tidemark workspace`: create, list, show, set, shards, members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from tidemark.services.ports import Workspace
from tidemark_cli.admin import DIRECTORY_CACHE_SECONDS
from tidemark_cli.context import now, out, settings_of
from tidemark_cli.errors import CliError, UsageError
from tidemark_cli.members import find_members, names_in, without
from tidemark_cli.workspaces import new_workspace

app = typer.Typer(no_args_is_help=True, help="Make and inspect workspaces: each has its own data, keys and tokens.")

Name = Annotated[str, typer.Argument(help="The workspace's id: lower-case letters, digits, hyphens.")]


@app.command()
def create(
    context: typer.Context,
    name: Name,
    title: Annotated[str, typer.Option(help="A name for people (by default, the id).")] = "",
    timezone: Annotated[
        str, typer.Option(help="Where its days begin, like Europe/Berlin. It cannot change later.")
    ] = "UTC",
    dashboards: Annotated[
        str, typer.Option(help="Which dashboards it has, separated by commas.")
    ] = "web,meetings,lifecycle",
    retention_days: Annotated[int, typer.Option(help="For how many days events are kept.")] = 30,
    members: Annotated[
        str, typer.Option(help="For a district: the workspaces whose hours it reads together, separated by commas.")
    ] = "",
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing if it exists.")] = False,
) -> None:
    """Create a workspace."""
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
    table.add_row("timezone", settings.timezone)
    table.add_row("dashboards", ", ".join(settings.dashboards))
    table.add_row("retention", f"{settings.retention_days} days")
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
    timezone: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Change the settings of a workspace; what is not named stays as it is.

    A change is seen within a minute. The timezone cannot change: hours and days are named by it, in the log too.
    """
    if timezone is not None:
        raise UsageError(
            "the timezone of a workspace cannot change: its hours are named by it, in the log too",
            f"make another workspace: `tidemark workspace create NAME --timezone {timezone}`",
        )
    admin, added, removed = settings_of(context).admin, names_in(add_dashboards), names_in(remove_dashboards)
    before, time_now = admin.workspace(name), now()
    for strange in (each for each in removed if each not in before.dashboards or each in added):
        raise UsageError(f"dashboard {strange} cannot be removed", f"{name} has {', '.join(before.dashboards)}")
    checked = new_workspace(
        name,
        name=before.name if title is None else title,
        timezone=before.timezone,
        dashboards=[each for each in dict.fromkeys([*before.dashboards, *added]) if each not in removed],
        retention_days=before.retention_days if retention_days is None else retention_days,
        now=time_now,
    )
    changed = replace(before, name=checked.name, dashboards=checked.dashboards, retention_days=checked.retention_days)
    if changed == before:
        out.print(f"workspace {name} is so already: nothing to change")
        return
    admin.set_settings(before, changed)
    out.print(
        f"workspace {name} ({changed.timezone}; {', '.join(changed.dashboards)}; {changed.retention_days} days), "
        f"seen everywhere within {DIRECTORY_CACHE_SECONDS} s"
    )
    _tell_consequences(before, changed)


def _tell_consequences(before: Workspace, changed: Workspace) -> None:
    """Say what a change of settings does not do by itself."""
    enabled = [each for each in changed.dashboards if each not in before.dashboards]
    disabled = [each for each in before.dashboards if each not in changed.dashboards]
    if enabled:
        out.print(f"{', '.join(enabled)}: no history until, in a minute:")
        out.print(f"next: tidemark backfill {changed.workspace} --last {before.retention_days}d")
    if disabled:
        out.print(
            f"{', '.join(disabled)}: its history stays; enabled again, it lacks the time between until a backfill"
        )
    if changed.retention_days != before.retention_days:
        out.print("the retention holds for events from now on; what is stored keeps the end that it was given")


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
