"""The commands by name. Each is imported when it is called: boto3, httpx and websockets take a second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.main import get_group

PLACES: Mapping[str, tuple[str, str]] = {
    "workspace": ("workspace", "app"),
    "key": ("key", "app"),
    "secret": ("token", "secret_app"),
    "token": ("token", "token"),
    "notify": ("notify", "notify"),
    "replay": ("replay", "replay"),
    "import": ("import_history", "import_history"),
    "watch": ("watch", "watch"),
    "backfill": ("backfill", "backfill"),
    "erase": ("erase", "erase"),
    "rollup": ("rollup", "app"),
    "batches": ("batches", "app"),
    "jobs": ("jobs", "app"),
    "dead-letters": ("dead_letters", "app"),
    "breaker": ("breaker", "app"),
    "insights": ("insights", "app"),
}
"""The module of `tidemark_cli.commands` and what it calls the command: a function, or an application of several."""


class Commands(Mapping[str, Any]):
    """The commands, in the order in which help lists them; to get one is to import it."""

    def __getitem__(self, name: str) -> Any:
        module, attribute = PLACES[name]
        found = getattr(import_module(f"tidemark_cli.commands.{module}"), attribute)
        parent = typer.Typer()
        if isinstance(found, typer.Typer):
            parent.add_typer(found, name=name)
        else:
            parent.command(name)(found)
        return get_group(parent).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)
