"""One local AWS with a small stack for all tests of the launcher."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.deploy import ACCESS_KEY, REGION, SECRET_KEY
from local.emulator import Emulator, free_port

TEMPLATE = Path(__file__).parent / "template.yaml"
STACK: dict[str, Any] = {
    "StackName": "shims",
    "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    "Parameters": [{"ParameterKey": "PythonRuntime", "ParameterValue": f"python3.{sys.version_info.minor}"}],
}


@dataclass(frozen=True)
class LocalAws:
    """A running emulator and the outputs of the stack on it."""

    emulator: Emulator
    outputs: dict[str, str]

    def client(self, service: str) -> Any:
        return client(self.emulator, service)

    def update(self, template: str) -> None:
        """Have the stack become what a changed template says."""
        cloudformation = self.client("cloudformation")
        cloudformation.update_stack(TemplateBody=template, **STACK)
        cloudformation.get_waiter("stack_update_complete").wait(StackName="shims", WaiterConfig={"Delay": 1})

    def http_url(self, output: str) -> str:
        return f"{self.emulator.endpoint_url}/_aws/execute-api/{self.outputs[output]}"


def client(emulator: Emulator, service: str) -> Any:
    config = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1})
    session = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=REGION)
    return session.client(service, endpoint_url=emulator.endpoint_url, config=config)


def deploy(emulator: Emulator) -> dict[str, str]:
    cloudformation = client(emulator, "cloudformation")
    cloudformation.create_stack(TemplateBody=TEMPLATE.read_text(), **STACK)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="shims", WaiterConfig={"Delay": 1})
    described = cloudformation.describe_stacks(StackName="shims")["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    emulator = Emulator(tmp_path_factory.mktemp("local-aws"), free_port(), persist=True)
    emulator.start()
    try:
        yield LocalAws(emulator, deploy(emulator))
    finally:
        emulator.stop()
