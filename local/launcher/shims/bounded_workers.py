"""At most a few processes of each function; more invocations wait for one.

MiniStack starts a process for every invocation that finds none free, as Lambda does. On Lambda each has a machine; here
they share two cores, so that 200 clients that come back at once start 200 processes of each function they meet, which
takes minutes and 17 GB, makes every one of them time out and try again, and never ends. Can go when the machine has a
core for each.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

from ministack.services import lambda_svc

WORKERS_PER_FUNCTION = 4


def install() -> None:
    """Have an invocation wait while its function is busy in every process that it may have."""
    dispatch = lambda_svc._execute_function_dispatch
    free: dict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(WORKERS_PER_FUNCTION))

    def waiting(func: Any, config: dict[str, Any], *invocation: Any) -> Any:
        with free[config["FunctionName"]]:
            return dispatch(func, config, *invocation)

    lambda_svc._execute_function_dispatch = waiting
