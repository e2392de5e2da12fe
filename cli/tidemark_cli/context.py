"""What every command shares: the stack it speaks to, the consoles, the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from tidemark.domain import credentials
from tidemark_cli.errors import UsageError
from tidemark_cli.signing import parse_ttl, require_signing_keys

if TYPE_CHECKING:
    from tidemark_cli.admin import Admin
    from tidemark_cli.rollup.operation import Operation
    from tidemark_cli.stack import Stack

out = Console(highlight=False, emoji=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


@dataclass
class Settings:
    """The options before the command."""

    stack_name: str | None = None
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None

    @cached_property
    def stack(self) -> Stack:
        """The stack, looked for when a command first needs it."""
        from tidemark_cli.stack import find_stack  # boto3 takes most of a second, which `--help` need not wait for

        return find_stack(self.stack_name, self.region, self.profile, self.endpoint_url)

    @cached_property
    def admin(self) -> Admin:
        """The write side of the stack's Directory."""
        from tidemark_cli.admin import Admin

        return Admin(self.stack.dynamodb, self.stack.directory_table)

    @cached_property
    def rollup(self) -> Operation:
        """What an operator does with the stack's rollup."""
        from tidemark_cli.rollup.operation import Operation

        return Operation.of(self.stack)

    def workspace(self, given: str | None, how: str = "name one with --workspace") -> str:
        """Return the workspace that was named, or else the one that the local run made."""
        workspace = given or self.stack.local.workspace
        if workspace is None:
            raise UsageError("no workspace given", how)
        return workspace

    def token(self, workspace: str, role: credentials.TokenRole, ttl: str, user: str | None = None) -> str:
        """Issue a token for a workspace that exists, and for a user of it if one is named."""
        if user is not None and not credentials.is_user(user):
            raise UsageError(f"a user is named by 1 to {credentials.MAX_USER_CHARACTERS} characters")
        self.admin.workspace(workspace)
        keys = require_signing_keys(self.stack.secretsmanager, self.stack.token_secret_arn)
        return credentials.issue_token(
            workspace,
            role,
            kid=keys.current,
            secret=keys.keys[keys.current],
            issued_at=now(),
            lifetime=parse_ttl(ttl),
            user=user,
        )


def settings_of(context: typer.Context) -> Settings:
    """Return the settings that the application made."""
    settings = context.find_object(Settings)
    if settings is None:
        raise TypeError("the command runs outside of its application")
    return settings


def now() -> datetime:
    """Return the time; commands read it once and pass it on."""
    return datetime.now(UTC)
