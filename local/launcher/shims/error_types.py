"""The class of a handler's exception as `errorType`.

MiniStack reports every exception of a handler as `Runtime.HandlerError`. The Lambda runtime reports the name of its
class, which destinations, alarms and Step Functions' Catch and Retry depend on. Can go when a handler that raises
ValueError answers `"errorType": "ValueError"`.
"""

from __future__ import annotations

import re
from typing import Any

from ministack.services import lambda_svc


def exception_class(message: str, log: str) -> str | None:
    """Return the class that the traceback at the end of `log` names for an exception with this `message`."""
    first_line = message.split("\n", 1)[0]
    ending = f": {re.escape(first_line)}" if first_line else ""
    header = re.compile(rf"(?:\w+\.)*(\w+){ending}")
    matches = (header.fullmatch(line.rstrip()) for line in reversed(log.splitlines()))
    return next((match[1] for match in matches if match), None)


def install() -> None:
    """Correct the answer of each failed invocation."""
    execute = lambda_svc._execute_function_warm

    def with_error_type(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = execute(function, event, request_id)
        body = answer.get("body")
        if answer.get("error") and isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError":
            name = exception_class(body.get("errorMessage") or "", answer.get("log") or "")
            body["errorType"] = name or body["errorType"]
        return answer

    lambda_svc._execute_function_warm = with_error_type
