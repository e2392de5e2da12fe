"""The browser SDK against the deployed stack over a wire that loses, repeats, delays, swaps, cuts and closes."""

from __future__ import annotations

import os
import random
import time

from benchmarks.support.crowd import Crowd, holding
from tests.e2e.bad_wire import MISCHIEF, bad_wire
from tests.e2e.deployment import until
from tests.e2e.tenant import Tenant

VIEW = {"dashboard": "web", "days": 7}
VIEWERS = 6
BAD_SECONDS = 25
SETTLE_SECONDS = 120
"""An answer that never comes is waited for 20 s, and the request that follows may meet the same."""


def test_viewers_over_a_bad_wire_never_show_a_wrong_number_and_end_exact(tenant: Tenant) -> None:
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 2**31)
    print(f"SEED={seed}")
    stack = tenant.deployment.stack
    with bad_wire(stack.websocket_url, seed) as (wire, via):
        crowd = Crowd(stack.http_url, tenant.name, tenant.read_token, VIEW, VIEWERS, via)
        try:
            begun = time.monotonic()
            while time.monotonic() < begun + BAD_SECONDS or not all(wire.done[what] > 1 for what in MISCHIEF):
                assert time.monotonic() < begun + SETTLE_SECONDS, f"not everything was tried: {wire.done}"
                tenant.send([tenant.page_view() for _ in range(3)])
                time.sleep(0.2)
            wire.honest.set()

            def exact() -> int:
                report = crowd.tell("report")
                assert report["wrong"] == 0
                return holding(report, tenant.snapshot())

            until(exact, lambda count: count == VIEWERS, seconds=SETTLE_SECONDS)
        finally:
            crowd.close()
