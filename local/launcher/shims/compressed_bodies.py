"""Compressed request bodies of an HTTP API, byte for byte.

MiniStack decides by the content type alone whether a function gets a body as text: gzip that is labelled
`application/json`, as Segment's SDKs send it, is decoded as UTF-8 and destroyed. AWS never hands on a broken body: one
with a content encoding comes in base64, or decompressed (the function takes both). Can go when a body of gzip with that
label reaches a function with `isBase64Encoded`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway

_encoded: ContextVar[bool] = ContextVar("_encoded", default=False)


def has_content_encoding(headers: Mapping[str, str]) -> bool:
    """Return whether the body is in another encoding than its content type's."""
    return headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")


def install() -> None:
    """Have an encoded body count as binary, for as long as its request is being handed on."""
    invoke: Callable[..., Any] = apigateway._invoke_lambda_proxy
    is_text: Callable[[str | None], bool] = apigateway._v2_request_body_is_text

    async def invoke_with_encoding(
        integration: Any, api: str, stage: str, path: str, method: str, headers: Any, *rest: Any, **named: Any
    ) -> Any:
        token = _encoded.set(has_content_encoding(headers))
        try:
            return await invoke(integration, api, stage, path, method, headers, *rest, **named)
        finally:
            _encoded.reset(token)

    apigateway._invoke_lambda_proxy = invoke_with_encoding
    apigateway._v2_request_body_is_text = lambda content_type: not _encoded.get() and is_text(content_type)
