"""What the commands of the pipeline share: their options, what these come to, and how a list is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated

import typer
from rich.table import Table

from tidemark_cli.admin_api import Answer, line
from tidemark_cli.context import Settings, out
from tidemark_cli.errors import UsageError

Workspace = Annotated[str | None, typer.Option(help="Whose; by default that of `make up`.")]
Everywhere = Annotated[bool, typer.Option("--all", help="Of every workspace.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print each as one line of JSON.")]
BatchId = Annotated[str, typer.Argument(metavar="BATCH", help="Its id, like 2026-11-22T10:00Z.00.000003.")]


def workspace_of(settings: Settings, workspace: str | None, everywhere: bool) -> str | None:
    """Return the workspace that is meant, None for every one."""
    if everywhere and workspace is not None:
        raise UsageError("of which workspace?", "give --workspace NAME or --all, not both")
    return None if everywhere else settings.workspace(workspace, "name one with --workspace, or give --all")


def tell(entries: Iterable[Answer], as_json: bool, table: Callable[[list[Answer]], Table], nothing: str) -> None:
    """Print each entry as a line of JSON, or all of them as a table; `nothing` if there is none."""
    found = list(entries)
    if as_json:
        for entry in found:
            typer.echo(line(entry))
        return
    out.print(table(found) if found else nothing)
