"""The local AWS is killed while SDKs send; comes last but one, for a deployed stack cannot be killed."""

from __future__ import annotations

import os

import pytest

from tests.e2e.deployment import OUTPUTS_VARIABLE, Deployment, until
from tests.e2e.sdks import EVENTS, SDKS, client_of, expect_each_once, record
from tests.e2e.tenant import Tenant

OURS = [] if os.environ.get(OUTPUTS_VARIABLE) else list(SDKS)
"""Only an emulator that the tests have started is theirs to kill."""


@pytest.mark.parametrize("sdk", OURS)
def test_every_event_is_counted_once_when_the_backend_is_killed_in_the_middle(
    deployment: Deployment, tenant: Tenant, sdk: str
) -> None:
    emulator = deployment.emulator
    assert emulator is not None
    tenant.drain()
    emulator.checkpoint()
    deployment.keep_logs()  # they end with the emulator, and reading them takes longer than the SDK does
    with client_of(SDKS[sdk], tenant, upload_size=10) as client:
        record(client, range(EVENTS // 2))
        until(client.queue.qsize, lambda waiting: waiting < EVENTS // 3)
        emulator.kill()
        assert client.queue.unfinished_tasks > 0
        record(client, range(EVENTS // 2, EVENTS))
        emulator.start()
    expect_each_once(tenant)
