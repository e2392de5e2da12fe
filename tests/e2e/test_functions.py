"""Every function of the stack answers its sample event, with the permissions that it has there."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

import pytest

from local.paths import ROOT
from tests.e2e.deployment import Deployment
from tests.e2e.tenant import Tenant, new_tenant
from tidemark.aws.items import encode
from tidemark.domain.credentials import hash_write_key

EVENTS = ROOT / "events"
FIRST = ("WsConnectFunction", "WsSubscribeFunction")
"""The samples tell one story: what is subscribed was connected, and is disconnected last."""
NAMES = sorted(
    (path.stem for path in EVENTS.glob("*.json")),
    key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name == "WsDisconnectFunction"),
)


@pytest.fixture(scope="module")
def demo(deployment: Deployment) -> Iterator[Tenant]:
    """A workspace in the place of `demo`, with the write key of the samples."""
    tenant = new_tenant(deployment)
    [key] = sample_keys()
    place = {"pk": f"KEY#{hash_write_key(key)}", "sk": "KEY"}
    item = encode({**place, "workspace": tenant.name, "key_id": "sample"})
    table = deployment.stack.directory_table
    deployment.client("dynamodb").put_item(TableName=table, Item=item)
    yield tenant
    deployment.client("dynamodb").delete_item(TableName=table, Key=encode(place))
    tenant.http.close()


def sample_keys() -> set[str]:
    """The write keys that stand in the samples."""
    text = "".join((EVENTS / f"{name}.json").read_text("utf-8") for name in NAMES)
    basic = [base64.b64decode(found).decode() for found in re.findall(r"Basic ([\w+/=]+)", text)]
    return set(re.findall(r"tmk_[\w-]{32}", "".join([text, *basic])))


def test_every_function_has_a_sample(deployment: Deployment) -> None:
    functions = {name for name in deployment.resources if name.endswith("Function")}
    assert functions == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_function_answers_its_sample(deployment: Deployment, demo: Tenant, name: str) -> None:
    sample = (EVENTS / f"{name}.json").read_text("utf-8")
    payload = re.sub(r'(?<=")demo(?=["#])', demo.name, sample)
    invoked = deployment.client("lambda").invoke(FunctionName=deployment.resources[name], Payload=payload.encode())
    answer = json.loads(invoked["Payload"].read())
    assert "FunctionError" not in invoked, answer
    if name == "WsAuthorizeFunction":
        assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"
        assert answer["context"]["workspace"] == demo.name
    elif name == "HttpApiFunction":
        assert (answer["statusCode"], json.loads(answer["body"])["rejected"]) == (200, [])
    elif name.startswith("Queue"):
        assert answer == {"batchItemFailures": []}
    elif name.startswith("Ws"):
        assert answer["statusCode"] == 200
