"""`tidemark key`: create, list, revoke."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from tidemark_cli.admin import DIRECTORY_CACHE_SECONDS
from tidemark_cli.context import err, now, out, settings_of

app = typer.Typer(no_args_is_help=True, help="Write keys: whoever has one sends events, and reads nothing.")

Workspace = Annotated[str, typer.Argument(help="The workspace that the key opens.")]


@app.command()
def create(
    context: typer.Context,
    workspace: Workspace,
    label: Annotated[str, typer.Option(help="What it is for, to tell keys apart.")] = "",
) -> None:
    """Make a write key and print it, once: only its hash is stored."""
    key_id, key = settings_of(context).admin.create_key(workspace, label, now())
    typer.echo(key)
    err.print(f"key {key_id} of workspace {workspace}; it is not shown again")


@app.command("list")
def list_keys(context: typer.Context, workspace: Workspace) -> None:
    """List the write keys of a workspace."""
    admin = settings_of(context).admin
    admin.workspace(workspace)
    table = Table("key id", "label", "created", "revoked")
    for key in admin.keys(workspace):
        table.add_row(key.key_id, key.label, key.created_at, key.revoked_at or "")
    out.print(table if table.row_count else f"no keys yet: `tidemark key create {workspace}` makes one")


@app.command()
def revoke(
    context: typer.Context,
    workspace: Workspace,
    key_id: Annotated[str, typer.Argument(help="As `tidemark key list` shows it.")],
) -> None:
    """Revoke a write key, for good."""
    revoked_at = settings_of(context).admin.revoke_key(workspace, key_id, now())
    out.print(f"key {key_id} of workspace {workspace} is revoked since {revoked_at}")
    out.print(f"it may still be accepted for up to {DIRECTORY_CACHE_SECONDS} s, where the directory is cached")
