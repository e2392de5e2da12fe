"""`tidemark workspace`: create, list, show, shards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from tidemark_cli.admin import new_workspace
from tidemark_cli.context import now, out, settings_of
from tidemark_cli.errors import CliError

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
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing if it exists.")] = False,
) -> None:
    """Create a workspace."""
    chosen = [dashboard.strip() for dashboard in dashboards.split(",") if dashboard.strip()]
    settings = new_workspace(
        name, name=title, timezone=timezone, dashboards=chosen, retention_days=retention_days, now=now()
    )
    if settings_of(context).admin.create_workspace(settings):
        out.print(f"created workspace {name} ({timezone}; {', '.join(chosen)}; {retention_days} days)")
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
    table.add_row("write keys", f"{len(live)} in use")
    table.add_row("created", settings.created_at)
    out.print(table)


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


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
