"""The deployed stack, once for all tests that need one, and workspaces on it; tests/conftest.py shares them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator

import pytest

from local.emulator import HOST, Emulator
from tests.e2e.deployment import Deployment, deployed, until
from tests.e2e.tenant import Tenant, new_tenant


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
def make_tenant(deployment: Deployment) -> Iterator[Callable[..., Tenant]]:
    """Make workspaces, with other settings where they are given."""
    made: list[Tenant] = []

    def make(**settings: object) -> Tenant:
        made.append(new_tenant(deployment, **settings))
        return made[-1]

    yield make
    for tenant in made:
        tenant.http.close()


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    """A new workspace with both dashboards."""
    return make_tenant()
