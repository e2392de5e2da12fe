"""Logs: one JSON object a line, with the service, the request and the workspace where they are known.

Never log a credential, nor the body of a request: events hold what users did.
"""

from __future__ import annotations

import os
from functools import cache

from aws_lambda_powertools.logging import Logger


@cache
def logger() -> Logger:
    """Return the logger of this process, set up by POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL."""
    return Logger(service=os.environ.get("POWERTOOLS_SERVICE_NAME", "tidemark"), utc=True)
