"""The reserved concurrency of a function that a template declares.

MiniStack ignores `ReservedConcurrentExecutions` in templates. CloudFormation sets it, and Lambda throttles beyond it.
Can go when GetFunctionConcurrency of a deployed function answers the declared number.
"""

from __future__ import annotations

from typing import Any

from ministack.services import lambda_svc

from local.launcher.shims.after_provisioning import after_provisioning


def keep_reserved_concurrency(function: str, properties: dict[str, Any]) -> None:
    """Store the declared number where PutFunctionConcurrency would."""
    reserved = properties.get("ReservedConcurrentExecutions")
    if reserved is not None:
        lambda_svc._put_function_concurrency(function, {"ReservedConcurrentExecutions": int(reserved)})


def install() -> None:
    """Apply the number after a function is created or updated."""
    after_provisioning("AWS::Lambda::Function", keep_reserved_concurrency)
