"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.cli_stack import run
from tests.support.deployed import World
from tests.support.operated import WORKSPACE, Operated
from tests.support.persons import ann_and_bob
from tests.support.stack import Stack, running_stack


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack of a test module; every world in it is a workspace of its own."""
    with running_stack() as started:
        yield started


@pytest.fixture
def world(stack: Stack) -> Iterator[World]:
    """A fresh workspace."""
    with World(stack) as made:
        yield made


@pytest.fixture
def rollup(tables: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Operated:
    """A workspace as its operator sees it, with the handlers that fold and recompute."""
    made = Operated(tables, monkeypatch)
    run("workspace", "create", WORKSPACE, "--dashboards", "web,classroom")
    return made


@pytest.fixture
def told(rollup: Operated) -> Operated:
    """The same with events of two persons, in hours that are closed."""
    return ann_and_bob(rollup)
