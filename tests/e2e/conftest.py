"""What the tests of this folder share beyond the deployed stack."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.deployment import Deployment
from tests.e2e.moves import Move, moving
from tests.e2e.tenant import Tenant, new_tenant

HERE = Path(__file__).parent
LAST = ("test_another_timezone", "test_restart", "test_logs")
"""Modules that come after all others: one looks at what takes long, one kills the local AWS, the last one judges what
the whole run has logged."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the last modules last among the items of this folder; the others stay where they are."""
    places = [place for place, item in enumerate(items) if HERE in item.path.parents]
    ordered = sorted(
        (items[place] for place in places), key=lambda item: [item.path.stem == stem for stem in reversed(LAST)]
    )
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


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


@pytest.fixture(scope="session", autouse=True)
def move(request: pytest.FixtureRequest, deployment: Deployment) -> Iterator[Move | None]:
    """A workspace that moves from the beginning on, since that has two minutes to wait; None if no test asks for it."""
    if not any(LAST[0] == item.path.stem for item in request.session.items):
        yield None
        return
    with moving(deployment) as begun:
        yield begun
