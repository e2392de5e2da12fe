"""From errors to answers: the one table of status codes, and one form for every error."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tidemark.domain.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    RequestTooLarge,
    Throttled,
    TidemarkError,
    TooManyViews,
    Unauthorized,
    Unavailable,
    Undeliverable,
    UnknownDashboard,
    WrongState,
)
from tidemark.observability import logger

STATUS: dict[type[TidemarkError], int] = {
    InvalidRequest: 400,
    UnknownDashboard: 404,
    NotFound: 404,
    RequestTooLarge: 413,
    Unauthorized: 401,
    Forbidden: 403,
    Undeliverable: 409,
    WrongState: 409,
    TooManyViews: 429,
    Throttled: 429,
    Unavailable: 503,
}
"""The status of an error is that of its class or of the nearest base that stands here; of any other it is 500."""

_ROUTING = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
}
_RETRY_AFTER_SECONDS = 5
PROBLEM = "application/problem+json"
"""The media type of RFC 9457, for those who accept it; Segment's SDKs ask for none."""


def status_of(error: TidemarkError) -> int:
    """Return the HTTP status of `error`."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def error_response(error: TidemarkError, request_id: str, extra: dict[str, Any] | None = None) -> JSONResponse:
    """Return the answer to a request that failed with `error`, with what `extra` adds to its body."""
    status = status_of(error)
    if status == 500:
        return internal_error(request_id)
    headers: dict[str, str] = {}
    if status in (429, 503):
        headers["Retry-After"] = str(error.retry_after_seconds or _RETRY_AFTER_SECONDS)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = {**error.as_dict(), "request_id": request_id, **_problem(status, error.message), **(extra or {})}
    return JSONResponse(body, status, headers)


def internal_error(request_id: str) -> JSONResponse:
    """Return the answer to a request that met a defect: nothing of it but where to find it."""
    message = "an error of ours; the request id finds it in the log"
    body = {"code": "internal", "message": message, "request_id": request_id, **_problem(500, message)}
    return JSONResponse(body, 500)


def install(app: FastAPI) -> None:
    """Make `app` answer every error in the one form."""
    app.add_exception_handler(TidemarkError, _on_tidemark_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_tidemark_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TidemarkError)  # noqa: S101 - registered for this class
    return _logged(request, error_response(error, request.state.request_id), error)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or None
    invalid = InvalidRequest(str(first["msg"]), field=field)
    return _logged(request, error_response(invalid, request.state.request_id), invalid)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    """Answer what routing and FastAPI's own security schemes refuse."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    code = _ROUTING.get(error.status_code, "invalid_request" if error.status_code < 500 else "internal")
    message = str(error.detail)
    body = {"code": code, "message": message, "request_id": request.state.request_id}
    body |= _problem(error.status_code, message)
    return _logged(request, JSONResponse(body, error.status_code, error.headers), TidemarkError(message, code=code))


def _problem(status: int, message: str) -> dict[str, Any]:
    """Return the members that RFC 9457 names; `about:blank` says that the status, and here `code`, is the type."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": message}


def _logged(request: Request, response: JSONResponse, error: TidemarkError) -> JSONResponse:
    if PROBLEM in request.headers.get("accept", ""):
        response.headers["Content-Type"] = PROBLEM
    log = logger().info if response.status_code < 429 else logger().warning
    if response.status_code == 500:
        # A domain error that no status stands for has no business here: the trace tells where it came from.
        logger().error("request failed", request_id=request.state.request_id, exc_info=error)
        return response
    log(
        "request refused",
        request_id=request.state.request_id,
        method=request.method,
        path=request.url.path,
        status=response.status_code,
        code=error.code,
        reason=error.message,
    )
    return response
