"""Where the events of a file go: a workspace, the address of its stack, and a write key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tidemark.domain import credentials
from tidemark.services.ports import Workspace
from tidemark_cli.context import Settings, now
from tidemark_cli.errors import CliError, UsageError
from tidemark_cli.replay.checkpoint import Checkpoint
from tidemark_cli.replay.plan import Plan


@dataclass(frozen=True, slots=True)
class Target:
    """Where the events go."""

    workspace: Workspace
    http_url: str
    write_key: str
    fresh_key: bool = False
    """Whether the key was made a moment ago."""


@contextmanager
def target_of_key(settings: Settings, key: str, name: str | None) -> Iterator[Target]:
    """Provide the workspace that a write key opens; raises `UsageError` if another one was named."""
    owner = settings.admin.workspace_of_key(credentials.hash_write_key(key))
    if owner is None:
        raise CliError("the write key is unknown or revoked", "`tidemark key create` makes one")
    if name not in (None, owner):
        raise UsageError(f"the write key opens workspace {owner}, not {name}")
    yield Target(settings.admin.workspace(owner), settings.stack.http_url, key)


@contextmanager
def target_of(settings: Settings, workspace: Workspace, label: str) -> Iterator[Target]:
    """Provide a workspace with the local run's key, or with one made for this run and revoked after it."""
    stack, admin, name = settings.stack, settings.admin, workspace.workspace
    if stack.local.write_key and name == stack.local.workspace:
        yield Target(workspace, stack.http_url, stack.local.write_key)
        return
    key_id, write_key = admin.create_key(name, label, now())
    try:
        yield Target(workspace, stack.http_url, write_key, fresh_key=True)
    finally:
        admin.revoke_key(name, key_id, now())


def checkpoint_of(plan: Plan, workspace: Workspace, http_url: str, *, restart: bool) -> Checkpoint:
    """Return how far the plan has come there; a workspace that was deleted and made again is another."""
    timing = plan.timing
    options = (timing.speed is not None, timing.shift, timing.required)
    identity = repr((plan.digest, http_url, workspace.workspace, workspace.created_at, options))
    return Checkpoint.open(identity, now(), restart=restart)
