"""`tidemark breaker`: show, trip, reset."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemark_cli.admin_api import admin_api, line
from tidemark_cli.commands.pipeline_options import AsJson
from tidemark_cli.context import out, settings_of
from tidemark_cli.pipeline_screen import at, breakers_table

app = typer.Typer(no_args_is_help=True, help="The circuit breakers around the providers of analyses.")

Provider = Annotated[str | None, typer.Argument(help="Whose; by default that of the provider in use.")]


@app.command()
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the breaker of each provider."""
    found = admin_api(settings_of(context)).get("breaker")["breakers"]
    if as_json:
        for breaker in found:
            typer.echo(line(breaker))
        return
    out.print(breakers_table(found))


@app.command()
def trip(context: typer.Context, provider: Provider = None) -> None:
    """Open a breaker for as long as five failures would: jobs wait meanwhile, and use up no attempt."""
    _move(context, "trip", provider)


@app.command()
def reset(context: typer.Context, provider: Provider = None) -> None:
    """Close a breaker: what waits goes on."""
    _move(context, "reset", provider)


def _move(context: typer.Context, action: str, provider: str | None) -> None:
    answer = admin_api(settings_of(context)).post(f"breaker/{action}", {"provider": provider} if provider else {})
    breaker = answer["breaker"]
    until = f" until {at(breaker['until'])}" if "until" in breaker else ""
    already = "" if answer["changed"] else ", as it was"
    out.print(f"the breaker of {breaker['provider']} is {breaker['state']}{until}{already}")
