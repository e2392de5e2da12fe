"""`tidemark dead-letters`: list, redrive."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemark.domain.pipeline_query import MAX_ROWS
from tidemark_cli.admin_api import AdminApi, Answer, admin_api, line
from tidemark_cli.commands.pipeline_options import AsJson, Everywhere, Limit, Workspace, workspace_of
from tidemark_cli.context import Settings, err, out, settings_of
from tidemark_cli.errors import UsageError
from tidemark_cli.pipeline_screen import jobs_table
from tidemark_cli.screen import counted

app = typer.Typer(no_args_is_help=True, help="Analysis jobs that have failed for good, and why.")


@app.command("list")
def list_dead_letters(
    context: typer.Context,
    workspace: Workspace = None,
    everywhere: Everywhere = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, those that failed first before others."""
    settings = settings_of(context)
    name = workspace_of(settings, workspace, everywhere)
    found = list(admin_api(settings).entries("dead-letters", "dead_letters", limit, workspace=name))
    if as_json:
        for letter in found:
            typer.echo(line(letter))
        return
    out.print(jobs_table(found) if found else "no dead letters")


@app.command()
def redrive(
    context: typer.Context,
    batches: Annotated[list[str] | None, typer.Argument(metavar="[BATCH]...", help="Which ones.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All: of every workspace, or of --workspace.")] = False,
    workspace: Workspace = None,
) -> None:
    """Have dead letters tried again, with five attempts each. Look first why they failed, or they fail again."""
    if everything == bool(batches):
        raise UsageError("which ones?", "name batches, or give --all")
    settings = settings_of(context)
    api = admin_api(settings)
    done, skipped = _all(api, workspace) if everything else _named(settings, api, batches or [], workspace)
    out.print(f"{counted(done, 'job')} queued again" if done else "nothing was queued again")
    for each in skipped:
        err.print(f"left alone: {each['workspace_id']} {each['batch_id']} [{each['code']}]", markup=False)


def _named(settings: Settings, api: AdminApi, batches: list[str], workspace: str | None) -> tuple[int, list[Answer]]:
    name, done, skipped = settings.workspace(workspace), 0, list[Answer]()
    for start in range(0, len(batches), MAX_ROWS):
        body = {"jobs": batches[start : start + MAX_ROWS]}
        answer = api.post("dead-letters/redrive", body, workspace=name)
        done += len(answer["redriven"])
        skipped += answer["skipped"]
    return done, skipped


def _all(api: AdminApi, workspace: str | None) -> tuple[int, list[Answer]]:
    """Redrive a hundred at a time whatever had failed when this began, so that nothing is redriven twice."""
    done, skipped, body = 0, list[Answer](), {"all": True}
    while True:
        answer = api.post("dead-letters/redrive", body, workspace=workspace)
        done += len(answer["redriven"])
        skipped += answer["skipped"]
        if not answer["more"]:
            return done, skipped
        body = {"all": True, "failed_before": answer["failed_before"]}
