"""Build template.yaml with `sam build` and put it on the local AWS with `sam deploy`, as it is put on AWS."""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from local.errors import LocalError
from local.paths import BUILD, ROOT, VENV

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

STACK = "tidemark"
REGION = "us-east-1"
ACCESS_KEY = SECRET_KEY = "test"  # noqa: S105  # the emulator knows no other
"""The root user of the emulator."""


def build(directory: Path = BUILD) -> Path:
    """Build every function and the layer for this machine's Python and processor; return the built template.

    One build at a time may run in the parent of `directory`, where the cache is.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    sam(
        "build",
        *("--build-dir", str(directory), "--cache-dir", str(directory.parent / "cache"), "--cached", "--parallel"),
        *("--parameter-overrides", " ".join(machine_parameters())),
    )
    return directory / "template.yaml"


def deploy(port: int, template: Path, parameters: Sequence[str] = ()) -> dict[str, str]:
    """Deploy a built template to the local AWS on this port; return the stack's outputs.

    `parameters` are those of template.yaml that are to be changed, each as NAME=VALUE; others keep their last value.
    Raises `LocalError` for one that there is not.
    """
    require_parameters(parameters)
    endpoint_url = f"http://127.0.0.1:{port}"
    overrides = [*machine_parameters(), *parameters, f"ExecuteApiBase={endpoint_url}/_aws/execute-api"]
    sam(
        "deploy",
        *("--template-file", str(template), "--no-progressbar"),
        *("--parameter-overrides", " ".join(overrides)),
        endpoint_url=endpoint_url,
    )
    session = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=REGION)
    client: CloudFormationClient = session.client("cloudformation", endpoint_url=endpoint_url)
    described = client.describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def require_parameters(parameters: Sequence[str]) -> None:
    """Raise `LocalError` unless each is a parameter with a value: of one that it does not know SAM says nothing."""
    declared = (ROOT / "template.yaml").read_text().partition("\nParameters:\n")[2].partition("\n\n")[0]
    names = re.findall(r"^  (\w+):$", declared, re.MULTILINE)
    for given in parameters:
        name, _, value = given.partition("=")
        if name not in names or not value:
            raise LocalError(f"{given!r} is not like NAME=VALUE with one of {', '.join(names)}")


def machine_parameters() -> list[str]:
    """Return the parameters that follow from this machine: functions run on it, and its pip fetches their wheels."""
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    return [f"PythonRuntime=python3.{sys.version_info.minor}", f"Architecture={architecture}"]


def sam(command: str, *arguments: str, endpoint_url: str | None = None) -> None:
    """Run the SAM CLI with the `local` settings of samconfig.toml; raises `LocalError` with its output if it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        # sam build needs a Python of the runtime's version with pip: ours.
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
    }
    if endpoint_url:
        environment["AWS_ENDPOINT_URL"] = endpoint_url
    process = subprocess.Popen(
        [VENV / "bin" / "sam", command, "--config-file", ROOT / "samconfig.toml", "--config-env", "local", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that an interruption ends its children as well
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        raise LocalError(f"sam {command} failed:\n{output}")
