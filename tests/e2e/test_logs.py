"""What the deployed functions have logged, in this test and in all before it; comes last."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.e2e.deployment import Deployment, until
from tests.e2e.tenant import WEB, Tenant, run

TIMED_OUT = "Unavailable: a dependency did not answer"
"""How a call to the local AWS ends on a busy machine. It is redelivered, and nobody's mistake."""
Line = dict[str, Any]


def structured(lines: list[tuple[str, str]]) -> Iterator[Line]:
    """The lines that the application has written."""
    for _, line in lines:
        if line.startswith("{"):
            yield json.loads(line)


def invocations(lines: list[tuple[str, str]]) -> Iterator[str]:
    """What each invocation has written, as one text."""
    gathered: dict[str, list[str]] = {}
    for group, line in lines:
        if line.startswith("START ") and group in gathered:
            yield "\n".join(gathered.pop(group))
        gathered.setdefault(group, []).append(line)
    yield from ("\n".join(block) for block in gathered.values())


def test_every_request_is_logged_on_receipt(deployment: Deployment, tenant: Tenant) -> None:
    actions: list[Line] = [
        {"action": "bootstrap", "view": WEB},
        {"action": "subscribe", "view": WEB},
        {"action": "reconcile", "view": WEB},
        {"action": "track", "events": [tenant.page_view()]},
        {"action": "unsubscribe", "view": WEB},
        {"action": "ping"},
    ]

    async def talk() -> None:
        async with tenant.connect() as connection:
            for action in actions:
                await connection.send(action)

    accepted = tenant.send([tenant.page_view()])
    read = tenant.get("snapshot")
    run(talk())

    def found() -> list[Line]:
        return [line for line in structured(deployment.log_lines()) if line.get("workspace") == tenant.name]

    def is_complete(lines: list[Line]) -> bool:
        return sum(line["message"] == "received" for line in lines) >= len(actions)

    lines = until(found, is_complete)
    by_id = {line["request_id"]: line["message"] for line in lines if "request_id" in line}
    assert by_id[accepted.headers["x-request-id"]] == "events received"
    assert by_id[read.headers["x-request-id"]] == "snapshot requested"
    received = [line for line in lines if line["message"] == "received"]
    assert Counter(line["route"] for line in received) == Counter(action["action"] for action in actions)
    assert len({line["request_id"] for line in received}) == len(actions)
    assert "connected" in {line["message"] for line in lines}


def test_nothing_went_wrong_in_the_whole_run(deployment: Deployment) -> None:
    failures = [
        text
        for text in invocations(deployment.log_lines())
        if ("Traceback" in text or '"level":"ERROR"' in text) and TIMED_OUT not in text
    ]
    assert failures == []


def test_no_credential_is_in_any_log(deployment: Deployment) -> None:
    assert deployment.credentials
    text = "\n".join(line for _, line in deployment.log_lines())
    assert text
    assert [credential for credential in deployment.credentials if credential in text] == []
    keys = json.loads(
        deployment.stack.secretsmanager.get_secret_value(SecretId=deployment.stack.token_secret_arn)["SecretString"]
    )
    assert [kid for kid, secret in keys.items() if kid != "current" and secret in text] == []
