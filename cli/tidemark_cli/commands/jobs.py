"""`tidemark jobs`: list, cancel."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tidemark_cli.admin_api import admin_api
from tidemark_cli.commands.pipeline_options import AsJson, BatchId, Everywhere, Limit, Workspace, tell, workspace_of
from tidemark_cli.context import out, settings_of
from tidemark_cli.pipeline_screen import jobs_table

app = typer.Typer(no_args_is_help=True, help="Analysis jobs: each is that of a batch, and has its id.")


class State(StrEnum):
    """Where a job stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


@app.command("list")
def list_jobs(
    context: typer.Context,
    workspace: Workspace = None,
    everywhere: Everywhere = False,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest hour of events first."""
    settings = settings_of(context)
    name = workspace_of(settings, workspace, everywhere)
    found = admin_api(settings).entries("jobs", "jobs", limit, workspace=name, state=state)
    tell(found, as_json, jobs_table, "no jobs")


@app.command()
def cancel(context: typer.Context, batch: BatchId, workspace: Workspace = None) -> None:
    """End a job that waits or runs. `tidemark batches analyse` begins it anew."""
    settings = settings_of(context)
    answer = admin_api(settings).post(f"jobs/{batch}/cancel", workspace=settings.workspace(workspace))
    out.print(f"job {answer['batch']['batch_id']} {'is cancelled' if answer['changed'] else 'had ended already'}")
