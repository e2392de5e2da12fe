"""PyPI's SDKs of Segment and RudderStack, unmodified, as a site uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rudderstack.analytics.client
import segment.analytics.client

from tests.e2e.tenant import Tenant

Sdk = Callable[..., Any]
SDKS: dict[str, Sdk] = {"segment": segment.analytics.client.Client, "rudder": rudderstack.analytics.client.Client}
EVENTS = 300
PAGES = 200
MEETINGS = EVENTS - PAGES


@contextmanager
def client_of(sdk: Sdk, tenant: Tenant, **options: Any) -> Iterator[Any]:
    """A client pointed at the deployed HTTP API; at the end it has delivered everything, and reported no failure."""
    failures: list[Exception] = []
    client = sdk(
        tenant.write_key,
        host=tenant.deployment.stack.http_url,
        on_error=lambda error, items: failures.append(error),
        timeout=60,
        **options,
    )
    yield client
    client.flush()
    client.join()
    assert failures == []


def record(client: Any, numbers: range) -> None:
    """Record events: of every three, two page views and a meeting."""
    for number in numbers:
        if number % 3:
            properties = {"path": f"/{number % 7}", "status": 200, "bytes": number}
            client.page(anonymous_id=f"visitor-{number % 11}", name="Docs", properties=properties)
        else:
            client.track("user-1", "meeting_completed", {"duration_minutes": 30, "title": "Zoë"})


def expect_each_once(tenant: Tenant) -> None:
    """Wait until all is folded, then expect exactly the events of `record(client, range(EVENTS))`."""
    tenant.drain()
    web = tenant.snapshot()
    assert web["kpis"]["pageviews"] == PAGES
    assert web["kpis"]["bytes_sent"] == sum(number for number in range(EVENTS) if number % 3)
    assert web["kpis"]["visitors"] == 11
    assert sum(point["value"] for point in web["charts"]["pageviews_by_day"]["points"].values()) == PAGES
    assert tenant.kpi("total_meetings", "meetings") == MEETINGS
