"""The routes that take events, with Segment's paths, bodies and answers."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from tidemark.domain.errors import InvalidRequest
from tidemark.domain.events import clock_shift
from tidemark.domain.segment import CALLS, with_context
from tidemark.http import schemas
from tidemark.http.authentication import header_credential
from tidemark.http.body import parse_object, read_body
from tidemark.http.context import Services, received_at_of, request_id_of, services_of
from tidemark.http.errors import error_response
from tidemark.observability import logger
from tidemark.services.authenticate import authenticate, open_workspace
from tidemark.services.ingest import Receipt, ingest

router = APIRouter(prefix="/v1", tags=["ingest"])


class Ingest:
    """What an ingest route does once FastAPI has gathered the parts of its request (a FastAPI dependency)."""

    def __init__(
        self,
        body: Annotated[bytes, Depends(read_body)],
        credential: Annotated[str | None, Depends(header_credential)],
        services: Annotated[Services, Depends(services_of)],
        request_id: Annotated[str, Depends(request_id_of)],
        received_at: Annotated[datetime, Depends(received_at_of)],
    ) -> None:
        self._body = body
        self._credential = credential
        self._services = services
        self._request_id = request_id
        self._received_at = received_at

    def run(self, call: str) -> JSONResponse:
        """Store the events of the request, which is a `batch` or the single call of that name, and answer."""
        parsed = None if self._credential else parse_object(self._body)
        principal = authenticate(
            self._credential or _write_key(parsed),
            directory=self._services.directory,
            token_keys=self._services.token_keys,
            now=self._received_at,
        )
        logger().info(
            "events received",
            request_id=self._request_id,
            workspace=principal.workspace,
            call=call,
            payload_bytes=len(self._body),
        )
        workspace = open_workspace(self._services.directory, principal, principal.workspace, "ingest")
        request = parsed if parsed is not None else parse_object(self._body)
        receipt = ingest(
            self._services.event_log,
            workspace,
            _batch(request) if call == "batch" else [request],
            received_at=self._received_at,
            new_id=_random_id,
            shift=clock_shift(request.get("sentAt"), self._received_at),
            call=None if call == "batch" else call,
        )
        return self._answer(receipt)

    def _answer(self, receipt: Receipt) -> JSONResponse:
        if receipt.failure is not None:
            # What is stored of the request stays stored; sending all of it again counts nothing twice.
            raise receipt.failure
        body = {
            "success": bool(receipt.accepted) or not receipt.rejected,
            "accepted": len(receipt.accepted),
            "rejected": [rejection.as_dict() for rejection in receipt.rejected],
        }
        if body["success"]:
            return JSONResponse(body)
        first = receipt.rejected[0]
        return error_response(
            InvalidRequest(first.message, code=first.code, field=first.field), self._request_id, extra=body
        )


def _write_key(parsed: dict[str, Any] | None) -> str | None:
    key = parsed.get("writeKey") if parsed else None
    return key if isinstance(key, str) else None


def _batch(request: dict[str, Any]) -> list[Any]:
    batch = request.get("batch")
    if not isinstance(batch, list):
        raise InvalidRequest("batch is a list of events", field="batch")
    shared = request.get("context")
    if not shared:
        return batch
    if not isinstance(shared, dict):
        raise InvalidRequest("context is an object", field="context")
    return [with_context(event, shared) if isinstance(event, dict) else event for event in batch]


def _random_id() -> str:
    return secrets.token_hex(16)


def _add(call: str, summary: str) -> None:
    """Add the route of one call; it runs in a thread, because it waits for DynamoDB."""

    def endpoint(request: Annotated[Ingest, Depends()]) -> JSONResponse:
        return request.run(call)

    router.add_api_route(
        f"/{call}",
        endpoint,
        methods=["POST"],
        name=call,
        summary=summary,
        response_model=schemas.Accepted,
        responses=schemas.errors(400, 401, 403, 413, 429, 503),
        openapi_extra={"requestBody": schemas.BATCH_BODY if call == "batch" else schemas.CALL_BODIES[call]},
    )


_add("batch", "Store a batch of events")
for _call in CALLS:
    _add(_call, f"Store one {_call} call")
