"""CORS settings from a template.

CloudFormation spells them `AllowOrigins`, the API `allowOrigins`. MiniStack stores them as the template spells them
and then does not find them: preflight requests are not answered. Can go when a preflight request to an API whose
template has a CorsConfiguration is answered with `access-control-allow-origin`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import provisioners

Json = dict[str, Any]


def lower_camel(settings: Json) -> Json:
    """Return the settings with the first letter of each key in lower case."""
    return {key[:1].lower() + key[1:]: value for key, value in settings.items()}


def with_api_spelling(properties: Json) -> Json:
    """Return an API's properties with the CORS settings as the API spells them."""
    if not properties.get("CorsConfiguration"):
        return properties
    return {**properties, "CorsConfiguration": lower_camel(properties["CorsConfiguration"])}


def install() -> None:
    """Respell the settings before MiniStack creates or updates an API."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    create: Callable[..., Any] = handlers["create"]
    update: Callable[..., Any] = handlers["update"]

    def create_api(logical_id: str, properties: Json, stack: str) -> Any:
        return create(logical_id, with_api_spelling(properties), stack)

    def update_api(physical_id: str, old: Json, new: Json, *place: str) -> Any:
        return update(physical_id, with_api_spelling(old), with_api_spelling(new), *place)

    handlers.update(create=create_api, update=update_api)
