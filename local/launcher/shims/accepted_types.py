"""Resource types that mean nothing locally.

MiniStack refuses a template with a resource type that it does not know. These only steer deployments or alarms on
AWS, or declare what MiniStack does anyway, so that the same template may carry them. Each can go when MiniStack knows
its type.
"""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import provisioners

TYPES = (
    "AWS::ApiGatewayV2::RouteResponse",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
)


def create(logical_id: str, _properties: Any, stack: str) -> tuple[str, dict[str, Any]]:
    """Accept the resource under a made-up physical id."""
    return f"{stack}-{logical_id}", {}


def update(physical_id: str, _old: Any, _new: Any, _stack: str) -> tuple[str, dict[str, Any]]:
    """Accept the change."""
    return physical_id, {}


def delete(_physical_id: str, _properties: Any) -> None:
    """Accept the removal."""


def install() -> None:
    """Register the types that MiniStack does not know."""
    for resource_type in TYPES:
        handlers = {"create": create, "update": update, "delete": delete}
        provisioners._RESOURCE_HANDLERS.setdefault(resource_type, handlers)
