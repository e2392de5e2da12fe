"""What a local run leaves for `sam local invoke`: every variable that only a deployed stack can fill."""

from __future__ import annotations

import json
from pathlib import Path

from local.outputs import write_sam_environment
from tests.template import TEMPLATE, of_type

LOCAL_PARAMETERS = {"ANALYSIS_FAILURE_PERCENT", "JOB_LEASE_SECONDS", "JOB_PAUSE_SECONDS"}
"""Where the stack is local they are parameters, otherwise constants."""


def test_the_environment_holds_every_variable_that_names_something_of_the_stack(tmp_path: Path) -> None:
    functions = [TEMPLATE["Globals"]["Function"], *of_type("AWS::Serverless::Function").values()]
    wanted = {
        name
        for function in functions
        for name, value in function.get("Environment", {}).get("Variables", {}).items()
        if isinstance(value, dict) and value.get("Ref") not in {*TEMPLATE["Parameters"], "AWS::StackName"}
        if name not in LOCAL_PARAMETERS
    }
    stack = {name: f"ws://{name}" for name in TEMPLATE["Outputs"]}
    write_sam_environment("http://127.0.0.1:4566", stack, tmp_path / "sam-env.json")
    found = json.loads((tmp_path / "sam-env.json").read_text())["Parameters"]
    assert wanted == found.keys()
