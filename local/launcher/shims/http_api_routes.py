"""The routes of an HTTP API that is defined by an OpenAPI body.

SAM turns an HttpApi with function events into `AWS::ApiGatewayV2::Api` with a `Body`. MiniStack drops the body: an
API without routes. API Gateway imports its paths, integrations, authorizers and CORS. Can go when the tests' HTTP API
answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

from local.launcher.shims.http_api_cors import lower_camel

Json = dict[str, Any]
ANY_METHOD = "x-amazon-apigateway-any-method"


def operations(body: Json) -> Iterator[tuple[str, Json]]:
    """Yield (route key, operation) for each operation of an OpenAPI body that has an integration."""
    for path, methods in (body.get("paths") or {}).items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and "x-amazon-apigateway-integration" in operation:
                verb = "ANY" if method == ANY_METHOD else method.upper()
                yield ("$default" if path == "$default" else f"{verb} {path}"), operation


def authorizer_of(name: str, scheme: Json) -> Json:
    """Translate a security scheme to the parameters of CreateAuthorizer."""
    declared = scheme["x-amazon-apigateway-authorizer"]
    source = declared.get("identitySource", "$request.header.Authorization")
    sources = source if isinstance(source, list) else [part.strip() for part in source.split(",")]
    authorizer: Json = {"name": name, "identitySource": sources}
    if declared.get("type") == "jwt":
        return {**authorizer, "authorizerType": "JWT", "jwtConfiguration": declared["jwtConfiguration"]}
    passed_on = ("authorizerUri", "authorizerPayloadFormatVersion", "enableSimpleResponses")
    ttl_seconds = int(declared.get("authorizerResultTtlInSeconds", 0))
    return {
        **authorizer,
        **{key: declared[key] for key in passed_on if key in declared},
        "authorizerType": "REQUEST",
        "authorizerResultTtlInSeconds": ttl_seconds,
    }


def created(response: tuple[int, Json, bytes]) -> Json:
    """Return what a management call made, or raise, which fails the deployment as it does on AWS."""
    status, _, payload = response
    answer: Json = json.loads(payload)
    if status >= 400:
        raise ValueError(f"API Gateway cannot import the body: {answer}")
    return answer


def import_body(api_id: str, body: Json) -> None:
    """Give the API the authorizers, integrations, routes and CORS configuration of an OpenAPI body."""
    authorizers: dict[str, Json] = {}
    for name, scheme in ((body.get("components") or {}).get("securitySchemes") or {}).items():
        if "x-amazon-apigateway-authorizer" in scheme:
            authorizers[name] = created(apigateway._create_authorizer(api_id, authorizer_of(name, scheme)))
    for route_key, operation in operations(body):
        declared = operation["x-amazon-apigateway-integration"]
        integration = created(
            apigateway._create_integration(
                api_id,
                {
                    "integrationType": "AWS_PROXY",
                    "integrationUri": declared["uri"],
                    "payloadFormatVersion": declared.get("payloadFormatVersion", "2.0"),
                },
            )
        )
        route: Json = {"routeKey": route_key, "target": f"integrations/{integration['integrationId']}"}
        for requirement in operation.get("security") or []:
            for name, scopes in requirement.items():
                if name in authorizers:
                    kind = "JWT" if authorizers[name]["authorizerType"] == "JWT" else "CUSTOM"
                    route["authorizerId"] = authorizers[name]["authorizerId"]
                    route["authorizationType"] = kind
                    route["authorizationScopes"] = scopes
        created(apigateway._create_route(api_id, route))
    if cors := body.get("x-amazon-apigateway-cors"):
        apigateway._apis[api_id]["corsConfiguration"] = lower_camel(cors)


def install() -> None:
    """Import the body after an API is created, and again when it has changed."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    create: Callable[..., Any] = handlers["create"]
    update: Callable[..., Any] = handlers["update"]

    def create_with_body(logical_id: str, properties: Json, stack: str) -> Any:
        result = create(logical_id, properties, stack)
        if isinstance(properties.get("Body"), dict):
            import_body(result[0], properties["Body"])
        return result

    def update_with_body(physical_id: str, old: Json, new: Json, *place: str) -> Any:
        result = update(physical_id, old, new, *place)
        if isinstance(new.get("Body"), dict):
            for store in (apigateway._routes, apigateway._integrations, apigateway._authorizers):
                store[result[0]] = {}
            import_body(result[0], new["Body"])
        return result

    handlers.update(create=create_with_body, update=update_with_body)
