"""WebSocket routes as ordinary invocations: parallel, logged, counted, and silent about what failed.

MiniStack sends every frame of a WebSocket function to one worker, one after the other, past the dispatcher that logs
and counts invocations, and answers a client with the text of the handler's exception. API Gateway invokes in
parallel, Lambda logs and counts, and the client sees `{"message": "Internal server error", ...}`. Can go when two
connections that call a route which sleeps 1 s are both answered after 1 s, and a handler that raises shows its client
nothing of the exception.
"""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc


class DispatchedWorker:
    """Stands where MiniStack expects a worker, and hands the event to the dispatcher that all other triggers use."""

    def __init__(self, config: dict[str, Any], code_zip: bytes) -> None:
        self._function: dict[str, Any] = {"config": config, "code_zip": code_zip}

    def invoke(self, event: dict[str, Any], _request_id: str) -> dict[str, Any]:
        """Run the function and translate the dispatcher's answer to a worker's."""
        started = time.monotonic()
        answer = lambda_svc._execute_function(self._function, event)
        failed, throttled = bool(answer.get("error")), bool(answer.get("throttle"))
        name = self._function["config"]["FunctionName"]
        lambda_svc._emit_lambda_metrics(name, (time.monotonic() - started) * 1000, failed, throttled)
        if failed or throttled:
            return {"status": "error", "error": internal_error(event["requestContext"])}
        return {"status": "ok", "result": answer.get("body")}


def internal_error(context: dict[str, Any]) -> str:
    """Return what API Gateway sends to a client whose route failed."""
    return json.dumps(
        {
            "message": "Internal server error",
            "connectionId": context["connectionId"],
            "requestId": context["requestId"],
        }
    )


def install() -> None:
    """Replace the lookup of a worker, whose only caller is the WebSocket data plane."""

    def dispatched(_name: str, config: dict[str, Any], code_zip: bytes, **_: Any) -> DispatchedWorker:
        return DispatchedWorker(config, code_zip)

    lambda_runtime.get_or_create_worker = dispatched
