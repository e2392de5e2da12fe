"""The `tidemark` command."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from tidemark_cli import __version__
from tidemark_cli.command_table import Commands
from tidemark_cli.context import Settings, err
from tidemark_cli.errors import explain

GLOBAL_OPTIONS = frozenset({"--stack", "--region", "--profile", "--endpoint-url"})


class Group(TyperGroup):
    """Takes the global options after the command too, and tells expected failures in one line."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = Commands()

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # it is typer's
        """Return the names of the commands, without importing any."""
        return list(self.commands)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move global options to the front, where click looks for them."""
        return super().parse_args(ctx, hoisted(args))

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except Exception as error:
            told = explain(error)
            if told is None:
                raise
            err.print(f"[bold red]error:[/] {escape(str(told))}")
            raise typer.Exit(told.exit_code) from None


def hoisted(args: list[str]) -> list[str]:
    """Return the arguments with the global options first; what stands after `--` stays there."""
    front: list[str] = []
    rest: list[str] = []
    pending = iter(args)
    for arg in pending:
        if arg == "--":
            rest += [arg, *pending]
        elif arg in GLOBAL_OPTIONS:
            front += [arg, *([value] if (value := next(pending, None)) is not None else [])]
        elif arg.partition("=")[0] in GLOBAL_OPTIONS:
            front.append(arg)
        else:
            rest.append(arg)
    return front + rest


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Operate Tidemark: workspaces, write keys and tokens; send messages to users; replay events from a file; "
    "import history; watch a dashboard; recompute history, or erase a person from it; look after the hourly rollup and "
    "the analysis of batches.\n\n"
    "Without --stack, commands speak to the local stack of this directory (`make up` starts it).",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tidemark {__version__}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    stack: Annotated[str | None, typer.Option(envvar="TIDEMARK_STACK", help="A deployed CloudFormation stack.")] = None,
    region: Annotated[str | None, typer.Option(help="Its AWS region (by default, the profile's).")] = None,
    profile: Annotated[str | None, typer.Option(help="The AWS profile to use.")] = None,
    endpoint_url: Annotated[str | None, typer.Option(help="Where AWS is, for an emulator.")] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that every command shares; they may also stand after the command."""
    context.obj = Settings(stack, region, profile, endpoint_url)
