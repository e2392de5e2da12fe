"""What several shims share: a step after CloudFormation has created or updated a resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import provisioners


def after_provisioning(resource_type: str, step: Callable[[str, dict[str, Any]], None]) -> None:
    """Call `step(physical id, properties)` after each creation and update of a resource of this type."""
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    create, update = handlers["create"], handlers["update"]

    def create_then(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        result = create(logical_id, properties, stack)
        step(result[0], properties)
        return result

    def update_then(physical_id: str, old: Any, new: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        result = update(physical_id, old, new, *args, **kwargs)
        step(result[0], new)
        return result

    handlers.update(create=create_then, update=update_then)
