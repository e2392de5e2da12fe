"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.deployed import World
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
