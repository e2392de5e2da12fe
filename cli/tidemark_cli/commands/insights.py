"""`tidemark insights`: list, show."""

from __future__ import annotations

import typer

from tidemark_cli.admin_api import admin_api, line
from tidemark_cli.commands.pipeline_options import AsJson, BatchId, Limit, Workspace, tell
from tidemark_cli.context import out, settings_of
from tidemark_cli.errors import CliError
from tidemark_cli.pipeline_screen import insight_lines, insights_table

app = typer.Typer(no_args_is_help=True, help="What the analysis of batches has found.")


@app.command("list")
def list_insights(
    context: typer.Context, workspace: Workspace = None, limit: Limit = 20, as_json: AsJson = False
) -> None:
    """List insights, the newest hour of events first."""
    settings = settings_of(context)
    name = settings.workspace(workspace)
    found = admin_api(settings).entries("insights", "insights", limit, workspace=name)
    tell(found, as_json, insights_table, "no insights yet")


@app.command()
def show(context: typer.Context, batch: BatchId, workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Show an insight with the figures behind each claim. `tidemark batches events` has the events behind it."""
    settings = settings_of(context)
    found = admin_api(settings).get(f"batches/{batch}", workspace=settings.workspace(workspace))
    if "insight" not in found:
        raise CliError(f"batch {batch} has no insight yet", f"its state is {found['state']}")
    if as_json:
        typer.echo(line(found["insight"]))
        return
    for text in insight_lines(found["insight"]):
        out.print(text, markup=False)
