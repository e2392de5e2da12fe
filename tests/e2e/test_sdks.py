"""PyPI's analytics SDKs against the deployed HTTP API: every event is counted once."""

from __future__ import annotations

import pytest

from tests.e2e.sdks import EVENTS, SDKS, client_of, expect_each_once, record
from tests.e2e.tenant import Tenant


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("gzip", [False, True])
def test_every_event_of_an_sdk_is_counted_once(tenant: Tenant, sdk: str, gzip: bool) -> None:
    with client_of(SDKS[sdk], tenant, gzip=gzip) as client:
        record(client, range(EVENTS))
    expect_each_once(tenant)
