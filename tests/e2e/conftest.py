"""The deployed stack, once for all tests of this folder, and a new workspace for each."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.emulator import HOST, Emulator
from tests.browser.conftest import browser, page
from tests.e2e.deployment import Deployment, deployed, until
from tests.e2e.tenant import Tenant, new_tenant

__all__ = ["browser", "page"]
HERE = Path(__file__).parent
LAST = ("test_restart", "test_logs")
"""Modules that come after all others: one kills the local AWS, the other judges what the whole run has logged."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the last modules last among the items of this folder; the others stay where they are."""
    places = [place for place, item in enumerate(items) if HERE in item.path.parents]
    ordered = sorted(
        (items[place] for place in places), key=lambda item: [item.path.stem == stem for stem in reversed(LAST)]
    )
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployed stack; if it was started here, nothing of it is left at the end."""
    with deployed(tmp_path_factory.mktemp("local-aws")) as system:
        yield system
        group = system.emulator.pid() if system.emulator else None
    if system.emulator:
        assert group is not None, "the local AWS died on the way"
        expect_nothing_left(system.emulator, group)


def expect_nothing_left(emulator: Emulator, group: int) -> None:
    """Fail if a process of the emulator's group is alive, or its port answers."""
    assert emulator.pid() is None

    def is_gone() -> bool:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        return False

    until(is_gone, bool, seconds=10)
    with socket.socket() as probe:
        assert probe.connect_ex((HOST, emulator.port)) != 0


@pytest.fixture
def tenant(deployment: Deployment) -> Iterator[Tenant]:
    """A new workspace with both dashboards."""
    made = new_tenant(deployment)
    yield made
    made.http.close()


@pytest.fixture
def make_tenant(deployment: Deployment) -> Iterator[Callable[..., Tenant]]:
    """Make further workspaces, with other settings where they are given."""
    made: list[Tenant] = []

    def make(**settings: object) -> Tenant:
        made.append(new_tenant(deployment, **settings))
        return made[-1]

    yield make
    for tenant in made:
        tenant.http.close()


@pytest.fixture(scope="session", autouse=True)
def revoked(deployment: Deployment) -> Iterator[tuple[Tenant, float]]:
    """A workspace whose key was used, and then revoked when the tests began: (workspace, monotonic time).

    A revocation is seen within a minute. Made this early, the test of it has little left to wait.
    """
    made = new_tenant(deployment)
    made.send([made.page_view()])
    deployment.admin.revoke_key(made.name, made.key_id, datetime.now(UTC))
    yield made, time.monotonic()
    made.http.close()
