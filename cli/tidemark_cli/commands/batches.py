"""`tidemark batches`: list, show, events, seal, analyse, restore."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tidemark_cli.admin_api import Answer, admin_api, line
from tidemark_cli.commands.pipeline_options import AsJson, BatchId, Everywhere, Limit, Workspace, tell, workspace_of
from tidemark_cli.context import out, settings_of
from tidemark_cli.pipeline_screen import batches_table, error, insight_lines
from tidemark_cli.screen import counted

app = typer.Typer(no_args_is_help=True, help="Batches of events, which are sealed when full or old, then analysed.")


class State(StrEnum):
    """Where a batch stands."""

    OPEN = "OPEN"
    SEALED = "SEALED"
    ANALYZED = "ANALYZED"


@app.command("list")
def list_batches(
    context: typer.Context,
    workspace: Workspace = None,
    everywhere: Everywhere = False,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List batches, the newest hour of events first."""
    settings = settings_of(context)
    name = workspace_of(settings, workspace, everywhere)
    found = admin_api(settings).entries("batches", "batches", limit, workspace=name, state=state)
    tell(found, as_json, batches_table, "no batches")


@app.command()
def show(context: typer.Context, batch: BatchId, workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Show a batch with its job and its insight."""
    settings = settings_of(context)
    found = admin_api(settings).get(f"batches/{batch}", workspace=settings.workspace(workspace))
    if as_json:
        typer.echo(line(found))
        return
    out.print(batches_table([found]))
    _tell_why(found)
    for text in insight_lines(found["insight"]) if "insight" in found else ():
        out.print(text, markup=False)


@app.command()
def events(context: typer.Context, batch: BatchId, workspace: Workspace = None, limit: Limit = 1000) -> None:
    """Print the events of a batch by time, each as one line of JSON."""
    settings = settings_of(context)
    found = admin_api(settings).entries(
        f"batches/{batch}/events", "events", limit, workspace=settings.workspace(workspace)
    )
    for event in found:
        typer.echo(line(event))


@app.command()
def seal(context: typer.Context, batch: BatchId, workspace: Workspace = None) -> None:
    """Seal an open batch, so that it is analysed now."""
    _do(context, batch, workspace, "seal", "sealed, and queued to be analysed", "is sealed already")


@app.command()
def analyse(context: typer.Context, batch: BatchId, workspace: Workspace = None) -> None:
    """Have a batch analysed again, whether its job went well or not."""
    _do(context, batch, workspace, "analyse", "queued to be analysed again", "waits for its analysis already")


@app.command()
def restore(context: typer.Context, batch: BatchId, workspace: Workspace = None) -> None:
    """Bring an analysed batch back that has expired, from cold storage."""
    _do(context, batch, workspace, "restore", "is back with its insight", "is there already")


def _do(context: typer.Context, batch: str, workspace: str | None, action: str, done: str, already: str) -> None:
    settings = settings_of(context)
    answer = admin_api(settings).post(f"batches/{batch}/{action}", workspace=settings.workspace(workspace))
    found = answer["batch"]
    told = f"{done} ({counted(found['events'], 'event')})" if answer["changed"] else already
    out.print(f"batch {found['batch_id']} {told}")


def _tell_why(found: Answer) -> None:
    job = found.get("job", {})
    if why := error(job):
        out.print(f"the last attempt failed: {why}", markup=False)
    for name in ("input", "trace"):
        for key, value in job.get(name, {}).items():
            out.print(f"  {key}: {value}", markup=False)
