"""`tidemark token` and `tidemark secret rotate`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tidemark_cli.context import err, now, out, settings_of
from tidemark_cli.signing import rotate

secret_app = typer.Typer(no_args_is_help=True, help="The secret that signs tokens.")


class Role(StrEnum):
    """What a token may do."""

    READ = "read"
    ADMIN = "admin"


def token(
    context: typer.Context,
    workspace: Annotated[str, typer.Argument(help="The workspace that the token opens.")],
    role: Annotated[Role, typer.Option(help="read: views, and sending events; admin: everything.")],
    ttl: Annotated[str, typer.Option(help="For how long, like 90s, 15m, 12h, 30d.")] = "30d",
    user: Annotated[str | None, typer.Option(help="Whom it stands for: that user's messages come to it.")] = None,
) -> None:
    """Issue a token for reading a workspace. It cannot be revoked alone: rotate the secret twice for that."""
    typer.echo(settings_of(context).token(workspace, role.value, ttl, user))
    err.print(f"{role} token for workspace {workspace}, good for {ttl}")


@secret_app.command("rotate")
def rotate_secret(context: typer.Context) -> None:
    """Sign new tokens with a new key.

    Tokens of the previous key stay good, those of older keys end: rotating twice ends all that were issued before.
    """
    stack = settings_of(context).stack
    current, previous = rotate(stack.secretsmanager, stack.token_secret_arn, now())
    out.print(
        f"tokens are signed with key {current} from now on" + (f"; {previous} is still accepted" if previous else "")
    )


@secret_app.callback()
def secret() -> None:
    """The secret that signs tokens."""
